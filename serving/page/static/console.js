// The console: zones, their files, a look ahead, and the review queue. One view at a time, named by the address after #.

import { key } from "./api.js";
import * as api from "./console-api.js";
import { renderDocument, renderPreview } from "./console-file.js";
import { renderFiles, renderZones } from "./console-zones.js";
import { renderReviews } from "./console-reviews.js";
import "./console-words.js";
import { login } from "./login.js";
import { make, startLanguage, t } from "./words.js";

const $ = (id) => document.getElementById(id);
const LOOK_MS = 5_000;
let turn = 0; // a reply that comes after another view was opened is dropped
let timer = null;

const VIEWS = [
  [/^#\/reviews$/, "reviews", renderReviews],
  [/^#\/zone\/([^/]+)\/preview$/, "zones", renderPreview],
  [/^#\/zone\/([^/]+)\/file\/([^/]+)$/, "zones", renderDocument],
  [/^#\/zone\/([^/?]+)(?:\?(.*))?$/, "zones", renderFiles],
];

async function show({ keepFocus = false } = {}) {
  const [match, tab, render] = found();
  const mine = ++turn;
  const focused = $("view").contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  clearTimeout(timer);
  for (const link of document.querySelectorAll("[data-tab]")) {
    if (link.dataset.tab === tab) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const stage = {
    node: $("view"), say, again: () => show({ keepFocus: true }),
    isCurrent: () => mine === turn,
    later: () => { timer = setTimeout(() => mine === turn && !document.hidden ? show({ keepFocus: true }) : stage.later(), LOOK_MS); },
  };
  try {
    await render(stage, ...match.slice(1).map((part) => decodeURIComponent(part ?? "")));
    if (mine === turn && !keepFocus) $("view").focus({ preventScroll: true });
    if (mine === turn && keepFocus && focused) refocus(focused);
    if (mine === turn) count().catch((error) => mine === turn && countFailed(error));
  } catch (error) {
    if (mine === turn) fail(error);
  }
}

function found() {
  for (const [pattern, tab, render] of VIEWS) {
    const match = pattern.exec(location.hash);
    if (match) return [match, tab, render];
  }
  return [[""], "zones", renderZones];
}

/** What had the focus has been drawn anew: whoever goes by keyboard stays where he was. */
function refocus(address) {
  if (document.activeElement !== document.body) return;
  [...$("view").querySelectorAll("a[href]")].find((link) => link.getAttribute("href") === address)?.focus({ preventScroll: true });
}

/** How many documents wait for a verdict, beside the word. */
async function count() {
  const queue = (await api.reviews(false)).reviews;
  $("waiting").hidden = !queue.length;
  $("waiting").textContent = String(queue.length);
}

/** The view stands all the same; only a key that has ended is a matter for everything. */
function countFailed(error) {
  if (error.status === 401 || error.status === undefined) fail(error);
}

function fail(error) {
  if (error.status === 401) {
    signOut("keyEnded");
    return;
  }
  const words = { 0: ["errorNetwork"], 429: ["errorRate", error.after ?? 60], 500: ["errorInternal", error.request], 503: ["errorBusy"] };
  const [word, n] = words[error.status] ?? ["errorOther", error.message];
  if (error.status === undefined) throw error;
  $("view").replaceChildren(make("div", { class: "notice failed" },
    make("h1", { t: "failed" }), make("p", { t: word, values: { n } }),
    make("div", { class: "row" },
      make("button", { type: "button", class: "secondary", t: "retry", on: { click: () => show() } }),
      make("a", { class: "quiet", href: "#/", t: "zones" }))));
  say(`${t("failed")}. ${t(word, { n })}`);
}

function say(text) {
  $("status").textContent = text;
}

function signOut(word = null) {
  turn += 1;
  clearTimeout(timer);
  key.forget();
  $("view").replaceChildren();
  for (const id of ["view", "nav", "sign-out"]) $(id).hidden = true;
  door.show(word);
}

const door = login({
  form: $("login-form"), input: $("key"), error: $("login-error"), screen: $("login"), opens: api.zones,
  onIn: () => {
    for (const id of ["view", "nav", "sign-out"]) $(id).hidden = false;
    return show();
  },
});

$("sign-out").addEventListener("click", () => signOut());
addEventListener("hashchange", () => {
  if (!$("view").hidden) show();
});
startLanguage(() => !$("view").hidden && show({ keepFocus: true }));
document.title = "Beleg";
door.start();
