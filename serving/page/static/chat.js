// The conversation: question in, pieces of an answer out, then its sources.

import { ApiError, ask, key } from "./api.js";
import { asPlainText, renderAsOf, renderOutcome, renderReceipt, renderSources, renderText } from "./answer.js";
import { asOfControl, dayWords } from "./as-of.js";
import { login } from "./login.js";
import { showSource } from "./viewer.js";
import { make, startLanguage, t } from "./words.js";

const MOST_TURNS = 20; // what is sent back as conversation; older turns no longer shape a follow-up
const MOST_CHARACTERS = 40_000;

const $ = (id) => document.getElementById(id);
const state = { turns: [], useCase: null, mayLook: false, under: null, opener: null };

// --- asking ---

async function submit(question, asOf) {
  $("welcome").hidden = true;
  const asked = make("article", { class: "asked" },
    make("h2", { class: "hidden", t: "you" }), make("p", { text: question }));
  $("conversation").append(asked);
  await answer(question, asOf);
}

async function answer(question, asOf) {
  const view = answerView(asOf);
  $("conversation").append(view.article);
  $("scroll").scrollTop = $("scroll").scrollHeight;
  begin();
  const messages = [...recent(), { role: "user", content: question }];
  let text = "";
  let beleg = null;
  try {
    for await (const chunk of ask(state.useCase, messages, asOf, state.under.signal)) {
      const delta = chunk.choices[0]?.delta ?? {};
      if (delta.content) {
        text += delta.content;
        view.write(text);
        follow();
      }
      beleg = chunk.beleg ?? beleg;
    }
    view.finish(text, beleg);
    if (beleg?.outcome === "answered") state.turns.push(messages.at(-1), { role: "assistant", content: text });
    const told = beleg?.outcome === "answered" ? t("answeredStatus", { n: beleg.citations.length, text: spoken(text) }) : text;
    say(beleg?.as_of ? `${t("asOfAnswer", dayWords(beleg.as_of))}. ${told}` : told);
  } catch (error) {
    fail(error, view, text, () => answer(question, asOf));
  } finally {
    end();
  }
}

const spoken = (text) => text.replace(/\s?\[\d{1,3}\]/g, "");

function recent() {
  const turns = state.turns.slice(-MOST_TURNS);
  while (turns.reduce((sum, turn) => sum + turn.content.length, 0) > MOST_CHARACTERS) turns.splice(0, 2);
  return turns;
}

function begin() {
  state.under = new AbortController();
  $("send").hidden = true;
  $("stop").hidden = false;
  say(t("searching"));
}

function end() {
  state.under = null;
  const hadFocus = document.activeElement === $("stop");
  $("stop").hidden = true;
  $("send").hidden = false;
  if (hadFocus || document.activeElement === document.body) $("question").focus();
  follow();
}

function fail(error, view, text, retry) {
  if (error.name === "AbortError") {
    view.breakOff(text, make("p", { class: "help", t: "stopped" }));
    say(t("stopped"));
    return;
  }
  if (!(error instanceof ApiError)) throw error;
  if (error.status === 401) {
    signOut("keyEnded");
    return;
  }
  const [word, n] = errorWords(error);
  const again = make("button", { type: "button", class: "secondary", t: "retry", on: { click: () => {
    view.article.remove();
    retry();
  } } });
  view.breakOff(text, make("div", { class: "notice failed" },
    make("h3", { t: "failed" }),
    text ? make("p", { class: "told", t: "failedMidway" }) : null,
    make("p", { class: "help", t: word, values: { n } }), again));
  say(`${t("failed")}. ${t(word, { n })}`);
}

function errorWords(error) {
  if (error.status === 0) return ["errorNetwork"];
  if (error.code === "budget_exhausted") return ["errorBudget"];
  if (error.status === 429) return ["errorRate", error.after ?? 60];
  if (error.status === 413) return ["errorLong"];
  if (error.status === 403) return ["errorRefused"];
  if (error.code === "internal_error") return ["errorInternal", error.request];
  if (error.status >= 500) return ["errorBusy"];
  return ["errorOther", error.message];
}

// --- one answer on the page ---

function answerView(asOf) {
  const body = make("div", { class: "answer-text" });
  const waiting = make("p", { class: "waiting" }, make("span", { class: "pulse", "aria-hidden": "true" }), make("span", { t: "searching" }));
  const article = make("article", { class: "answer", "aria-busy": "true" }, make("h2", { class: "hidden", t: "answer" }), asOf ? renderAsOf(asOf) : null, waiting, body);
  const settle = () => {
    waiting.remove();
    article.removeAttribute("aria-busy");
  };
  return {
    article,
    write(text) {
      waiting.remove();
      renderText(body, text, null, openCitation);
    },
    finish(text, beleg) {
      settle();
      article.querySelector(".as-of-told")?.remove(); // what counts is what the platform says it did
      if (beleg?.as_of) body.before(renderAsOf(beleg.as_of));
      const open = (citation, opener) => openCitation(citation, opener, beleg?.as_of);
      if (!beleg || beleg.outcome === "answered") {
        const citations = beleg?.citations ?? [];
        renderText(body, text, citations, open);
        if (citations.length) article.append(renderSources(citations, open));
        article.append(foot(text, citations, beleg));
      } else {
        body.replaceChildren(renderOutcome(beleg.outcome, text));
        article.append(make("footer", { class: "answer-foot" }, renderReceipt(beleg)));
      }
    },
    breakOff(text, notice) {
      settle();
      renderText(body, spoken(text), null, openCitation);
      body.classList.toggle("incomplete", Boolean(text));
      article.append(notice);
    },
  };
}

function foot(text, citations, beleg) {
  const copy = make("button", { type: "button", class: "quiet", t: "copy", on: { click: async () => {
    await toClipboard(asPlainText(text, citations, beleg?.as_of));
    copy.textContent = t("copied");
    say(t("copied"));
    setTimeout(() => { copy.textContent = t("copy"); }, 2000);
  } } });
  return make("footer", { class: "answer-foot" }, copy, beleg ? renderReceipt(beleg) : null);
}

async function toClipboard(text) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  const field = make("textarea", { class: "hidden" }); // plain http to another host has no clipboard API
  field.value = text;
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}

/** Keeps the end in view while it is being written, but never moves the question out, nor a reader who has scrolled up. */
function follow() {
  const scroll = $("scroll");
  if (scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight > 480) return;
  const asked = [...document.querySelectorAll(".asked")].at(-1);
  const most = asked ? asked.getBoundingClientRect().top - scroll.getBoundingClientRect().top + scroll.scrollTop - 16 : 0;
  scroll.scrollTop = Math.max(scroll.scrollTop, Math.min(scroll.scrollHeight - scroll.clientHeight, most));
}

function say(text) {
  $("status").textContent = text;
}

// --- the source beside it ---

function openCitation(citation, opener, asOf) {
  state.opener = opener;
  showOpen(opener);
  const panel = $("panel");
  panel.hidden = false;
  document.body.classList.add("with-panel");
  panel.focus();
  const of = new URL(citation.url, location.href).searchParams.get("of");
  const { document_id: id, version, quote_start: start, quote_end: end } = citation;
  showSource(panel, { id, version, start, end, of, asOf }, {
    onClose: closePanel,
    onError: () => signOut("keyEnded"),
  });
}

/** Chip and card of the source that lies open. */
function showOpen(opener) {
  for (const node of document.querySelectorAll("[aria-current]")) node.removeAttribute("aria-current");
  const same = `[data-number="${opener?.dataset.number}"]`;
  for (const node of opener?.closest(".answer")?.querySelectorAll(same) ?? []) node.setAttribute("aria-current", "true");
}

function closePanel() {
  const panel = $("panel");
  if (panel.hidden) return;
  panel.hidden = true;
  panel.replaceChildren();
  document.body.classList.remove("with-panel");
  showOpen(null);
  state.opener?.focus();
  state.opener = null;
}

// --- the rest of the page ---

function newConversation() {
  state.under?.abort();
  state.turns = [];
  closePanel();
  $("conversation").replaceChildren();
  $("welcome").hidden = false;
  $("question").value = "";
  then.reset(); // a new conversation is about today
  fit();
  $("question").focus();
}

function signOut(word = null) {
  key.forget();
  newConversation();
  show(false);
  door.show(word);
}

function show(isIn) {
  for (const id of ["stage", "new", "sign-out", "use-case-field"]) $(id).hidden = !isIn;
  $("console-link").hidden = !(isIn && state.mayLook);
}

function fit() {
  const field = $("question");
  field.style.height = "auto";
  field.style.height = `${Math.min(field.scrollHeight, 200)}px`;
}

function examples() {
  $("examples").replaceChildren(...["example1", "example2", "example3"].map((word) =>
    make("li", {}, make("button", { type: "button", t: word, on: { click: () => {
      $("question").value = t(word);
      fit();
      $("question").focus();
    } } }))));
}

const then = asOfControl({
  open: $("as-of-open"), row: $("as-of-row"), field: $("as-of"), clear: $("as-of-clear"), error: $("as-of-error"),
});

const door = login({
  form: $("login-form"), input: $("key"), error: $("login-error"), screen: $("login"),
  onIn: ({ useCases, mayLook }) => {
    $("use-case").replaceChildren(...useCases.map((one) => make("option", { value: one.id, text: one.title })));
    Object.assign(state, { useCase: useCases[0].id, mayLook });
    show(true);
    $("question").focus();
  },
});

$("use-case").addEventListener("change", (event) => {
  state.useCase = event.target.value;
  newConversation(); // another use case, other rules: nothing of this conversation travels into it
});
$("new").addEventListener("click", newConversation);
$("sign-out").addEventListener("click", () => signOut());
$("stop").addEventListener("click", () => state.under?.abort());
$("question").addEventListener("input", fit);
$("question").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    $("composer").requestSubmit();
  }
});
$("composer").addEventListener("submit", (event) => {
  event.preventDefault();
  const question = $("question").value.trim();
  if (!question || state.under) return;
  const asOf = then.read();
  if (asOf === undefined) return;
  $("question").value = "";
  fit();
  submit(question, asOf);
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") closePanel();
});

examples();
startLanguage();
door.start();
