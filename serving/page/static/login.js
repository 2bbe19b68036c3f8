// The key's way in: asked for once per window, tried against the API, kept in sessionStorage.

import { account, key } from "./api.js";
import { make } from "./words.js";

/** Shows the form until a key works, then calls `onIn` with what it `opens`: the key's account, unless told otherwise. */
export function login({ form, input, error, screen, onIn, opens = account }) {
  const tell = (word) => {
    const told = word ? [make("span", { t: word })] : [];
    error.replaceChildren(...told);
    if (word) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  };

  async function enter(value) {
    key.keep(value);
    try {
      const found = await opens();
      if (found.useCases?.length === 0) throw Object.assign(new Error(), { word: "noUseCase" });
      input.value = "";
      tell(null);
      screen.hidden = true;
      await onIn(found);
    } catch (failure) {
      if (failure.status !== 0 && failure.status !== 429 && failure.status !== 503) key.forget();
      show(failure.word ?? (failure.status === 401 ? "keyInvalid" : failure.status === 403 ? "keyNotForThis" : failure.status === 0 ? "errorNetwork" : "errorBusy"));
    }
  }

  function show(word = null) {
    screen.hidden = false;
    tell(word);
    input.focus();
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const value = input.value.trim().replace(/[^\x21-\x7e]/g, "");
    if (value) enter(value);
    else show("keyMissing");
  });

  return { start: () => (key.read() ? enter(key.read()) : show()), show };
}

