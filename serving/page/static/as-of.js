// "As of": the day whose documents are asked. Out of the way until somebody wants it, and never silent once it is set.

import { make, spoken } from "./words.js";

/** Days are UTC, as in the API, where a day means its end. */
const today = () => new Date().toISOString().slice(0, 10);

/** Words of a day or an instant that follow the language switch. */
export function dayWords(instant) {
  return { get n() { return new Intl.DateTimeFormat(spoken(), { dateStyle: "long", timeZone: "UTC" }).format(new Date(instant)); } };
}

/** `open` shows the row with the field, `clear` leads back to today. */
export function asOfControl({ open, row, field, clear, error }) {
  function show(isOpen) {
    row.hidden = !isOpen;
    open.hidden = isOpen;
  }

  function tell(word) {
    error.replaceChildren(...(word ? [make("span", { t: word })] : []));
    if (word) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
  }

  function reset() {
    field.value = "";
    tell(null);
    show(false);
  }

  open.addEventListener("click", () => {
    field.max = today();
    show(true);
    field.focus();
  });
  clear.addEventListener("click", () => {
    reset();
    open.focus();
  });
  field.addEventListener("input", () => tell(null));

  /** A day, `null` for today, or `undefined` if what stands there is none: then it is told. */
  function read() {
    const word = field.value > today() ? "asOfFuture" : field.validity.badInput || field.validity.rangeUnderflow ? "asOfBad" : null;
    tell(word);
    if (!word) return field.value || null;
    field.focus();
    return undefined;
  }

  return { read, reset };
}
