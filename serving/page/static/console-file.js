// One file: what became of it, and its passages as they are searched. And a look ahead at a zone's files.

import * as api from "./console-api.js";
import { badge, zoneAddress } from "./console-zones.js";
import { ago, exactly, number, why } from "./console-words.js";
import { fill, make } from "./words.js";

const MARK = /<([A-Z][A-Z_]+)>/g; // what the guard puts in place of what it masks

export async function renderDocument(stage, zone, id) {
  const found = await api.document(zone, id);
  if (!stage.isCurrent()) return;
  const { file } = found;
  const facts = [
    ["since", `${ago(file.since)} (${exactly(file.since)})`], ["format", found.media_type], ["spokenIn", found.language],
    ["rule", found.rule], ["version", file.version?.slice(0, 12)],
  ].filter(([, value]) => value);
  fill(stage.node,
    make("header", { class: "view-head" },
      up(zone),
      make("div", { class: "title-row" }, make("h1", { class: "file-name", text: file.path }), badge(file.fate)),
      why(file) ? make("p", { class: "lead", text: why(file) }) : null),
    findings(file.findings),
    make("dl", { class: "facts" }, ...facts.flatMap(([word, value]) => [make("dt", { t: word }), make("dd", { text: value })])),
    make("section", { class: "passages" }, make("h2", { t: "passages" }), ...told(found)));
}

function up(zone) {
  return make("a", { class: "up", href: zoneAddress(zone) }, make("span", { "aria-hidden": "true", text: "‹ " }), make("span", { text: zone }));
}

function told(found) {
  if (found.is_hidden) return [make("p", { class: "viewer-note", t: "hiddenText" })];
  if (!found.passages.length) return [make("p", { class: "hint", t: "noPassages" })];
  return [make("p", { class: "hint" }, howMany(found), make("span", { text: " · " }), make("span", { t: "passagesLead" })), passages(found.passages)];
}

function howMany({ passages: found }) {
  return make("span", { t: found.length === 1 ? "passageCountOne" : "passageCount", values: { n: number(found.length) } });
}

function findings(counts) {
  const kinds = Object.entries(counts).sort();
  if (!kinds.length) return null;
  return make("div", { class: "findings" }, make("h2", { t: "findings" }),
    make("ul", {}, ...kinds.map(([kind, count]) => make("li", {}, make("code", { text: kind }), make("strong", { text: number(count) })))));
}

function passages(found) {
  return make("ol", { class: "passage-list" }, ...found.map((passage) => make("li", {},
    make("p", { class: "hint passage-head" }, make("span", { text: String(passage.position + 1) }), ...place(passage.place),
      passage.context ? make("span", { class: "context", text: passage.context.replaceAll("\n", " › ") }) : null),
    make("p", { class: "passage" }, ...marked(passage.text)))));
}

function place(where) {
  if (!where) return [];
  const known = [["page", where.page], ["slide", where.slide], ["sheet", where.sheet]].filter(([, value]) => value);
  return known.map(([word, n]) => make("span", { t: word, values: { n } }));
}

function marked(text) {
  return text.split(MARK).map((part, n) => (n % 2 ? make("mark", { class: "mask", text: part }) : document.createTextNode(part)));
}

// --- a look ahead, and letting a held zone go ---

export async function renderPreview(stage, zone) {
  const list = make("div", { class: "previews" });
  const foot = make("div", { class: "row" });
  stage.node.replaceChildren(
    make("header", { class: "view-head" }, up(zone), make("h1", { t: "previewTitle", values: { n: zone } }), make("p", { class: "lead", t: "previewLead" })),
    list, foot);
  let letGo = null;
  await more(0);

  async function more(offset) {
    foot.replaceChildren(make("p", { class: "waiting" }, make("span", { class: "pulse", "aria-hidden": "true" }), make("span", { t: "previewing" })));
    stage.say(foot.textContent);
    const found = await api.preview(zone, offset);
    if (!stage.isCurrent()) return;
    list.append(...found.files.map(look));
    const rest = found.total - (found.next ?? found.total);
    foot.replaceChildren(found.next
      ? make("button", { type: "button", class: "secondary", t: "previewMore", values: { n: number(rest) }, on: { click: () => more(found.next).catch(stage.again) } })
      : make("p", { class: "hint", t: found.total ? "previewDone" : "previewEmpty" }));
    if (found.is_held && !letGo) stage.node.append(letGo = publishing(stage, zone));
    stage.say(foot.textContent);
  }
}

function publishing(stage, zone) {
  const error = make("p", { class: "form-error", role: "alert" });
  const button = make("button", { type: "button", class: "primary", t: "publish", on: { click: publish } });
  const whole = make("section", { class: "notice refused publishing" },
    make("h3", { t: "publishTitle" }), make("p", { class: "help", t: "publishHelp" }), button, error);

  async function publish() {
    button.disabled = true;
    try {
      const made = await api.publish(zone);
      done(make("strong", { t: "published", values: { by: made.by, when: exactly(made.at) } }), make("p", { t: "publishedNow" }));
    } catch (failure) {
      button.disabled = false;
      if (failure.status === 401) return stage.again();
      if (failure.status === 409) return done(make("p", { t: "publishedBefore" }));
      error.textContent = failure.message;
    }
  }

  function done(...told) {
    const said = make("div", { class: "verdict released", tabindex: -1 }, ...told, make("a", { href: zoneAddress(zone), t: "toFiles" }));
    whole.replaceWith(said);
    said.focus();
    stage.say(told.map((node) => node.textContent).join(". "));
  }

  return whole;
}

function look(file) {
  const body = file.is_hidden || file.passages.length ? told(file) : [];
  const summary = [make("span", { class: "file-name", text: file.path }), badge(file.fate)];
  const reason = why(file);
  const about = reason ? make("p", { class: "help", text: reason }) : null;
  if (!body.length) return make("article", { class: "look" }, make("div", { class: "look-head" }, ...summary), about);
  return make("details", { class: "look" },
    make("summary", { class: "look-head" }, ...summary, make("span", { class: "hint" }, howMany(file))),
    about, findings(file.findings), ...body);
}
