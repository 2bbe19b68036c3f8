// What the guard held back, and a steward's verdict on it: with a reason, under the key's name.

import { allowList, falsePositive } from "./console-allowing.js";
import * as api from "./console-api.js";
import { empty, zoneAddress } from "./console-zones.js";
import { ago, exactly, why } from "./console-words.js";
import { fill, make, t } from "./words.js";

let alsoJudged = false;

export async function renderReviews(stage) {
  const [found, allowed] = await Promise.all([api.reviews(alsoJudged), api.allowed()]);
  if (!stage.isCurrent()) return;
  const toggle = make("input", { type: "checkbox", id: "judged", on: { change: () => {
    alsoJudged = toggle.checked;
    stage.again();
  } } });
  toggle.checked = alsoJudged;
  fill(stage.node,
    make("header", { class: "view-head" },
      make("h1", { t: "reviewsTitle" }), make("p", { class: "lead", t: found.may_judge ? "reviewsLead" : "reviewsWatch" }),
      make("label", { class: "toggle" }, toggle, make("span", { t: "alsoJudged" }))),
    found.reviews.length ? make("ul", { class: "queue" }, ...found.reviews.map((one) => item(one, found.may_judge, stage))) : empty("noReviews"),
    allowList(allowed, stage));
}

function item(one, mayJudge, stage) {
  const node = make("li", { class: "held" },
    make("h2", { class: "file-name" }, make("a", { href: zoneAddress(one.zone, `/file/${one.document_id}`), text: one.path })),
    make("p", { class: "hint" }, make("span", { text: `${one.zone} · ` }), make("time", { datetime: one.since, title: exactly(one.since), text: ago(one.since) })),
    make("p", { text: why({ ...one, fate: "", hint: "" }) }));
  if (one.verdict) node.append(verdict(one));
  else if (mayJudge) node.append(form(one, node, stage), falsePositive(one, stage));
  return node;
}

function verdict(one) {
  const told = t("verdictBy", { what: t(one.verdict), by: one.by, when: exactly(one.at) });
  return make("div", { class: `verdict ${one.verdict}` }, make("strong", { text: told }), make("p", { text: one.said }));
}

function form(one, node, stage) {
  const id = `reason-${one.document_id}`;
  const field = make("input", { id, maxlength: 500, autocomplete: "off", "aria-describedby": `${id}-hint ${id}-error` });
  const error = make("p", { class: "form-error", id: `${id}-error`, role: "alert" });
  const button = (word, style, value) => make("button", { type: "button", class: style, t: word, on: { click: () => give(value) } });
  const buttons = make("div", { class: "row" }, button("release", "primary", "released"), button("reject", "secondary", "rejected"));

  async function give(value) {
    const reason = field.value.trim();
    if (!reason) {
      field.setAttribute("aria-invalid", "true");
      error.replaceChildren(make("span", { t: "reasonMissing" }));
      field.focus();
      return;
    }
    for (const one of buttons.children) one.disabled = true;
    try {
      const made = await api.judge({ zone: one.zone, document_id: one.document_id, version: one.version, verdict: value, reason });
      whole.replaceWith(verdict({ ...made, said: reason }), make("p", { class: "hint", t: `${value}Now` }));
      node.tabIndex = -1;
      node.focus();
      stage.say(t(`${value}Now`));
    } catch (failure) {
      for (const one of buttons.children) one.disabled = false;
      if (failure.status === 401) return stage.again();
      error.replaceChildren(failure.status === 409 ? make("span", { t: "versionChanged" }) : make("span", { text: failure.message }));
      if (failure.status === 409) setTimeout(stage.again, 3000);
    }
  }

  const whole = make("div", { class: "judging" },
    make("label", { for: id, t: "reason" }), field, make("p", { class: "hint", id: `${id}-hint`, t: "reasonHint" }), error, buttons);
  return whole;
}
