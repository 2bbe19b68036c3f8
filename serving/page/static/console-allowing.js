// False positives: a steward says that a finding is none, with why and until when; a second person looks at it.

import * as api from "./console-api.js";
import { number } from "./console-words.js";
import { fill, make, spoken, t } from "./words.js";

const DAY_MS = 86_400_000;
const dayIn = (days) => new Date(Date.now() + days * DAY_MS).toISOString().slice(0, 10);
const HALF_A_YEAR = 182, MOST_DAYS = 366;
const PLACE = /^(?:page (\d+), )?line (\d+) of the text$/;

/** Where a finding stands, in the page's language where there are words for it. */
function place(where) {
  const [match, page, line] = PLACE.exec(where) ?? [];
  if (match) return [page && t("page", { n: page }), t("lineOfText", { n: line })].filter(Boolean).join(", ");
  return where === "file name" ? t("inFileName") : where.startsWith("title") ? t("inTitle") : where;
}

/** The last day that an entry holds: it ends with it, in UTC. */
const lastDay = (until) => new Intl.DateTimeFormat(spoken(), { dateStyle: "medium", timeZone: "UTC" }).format(Date.parse(until) - 1);

/** Below a document that is held back: its findings, asked for when somebody wants them. */
export function falsePositive(one, stage) {
  const body = make("div", { class: "allowing" });
  const whole = make("details", { class: "allow" }, make("summary", { t: "falsePositive" }), body);
  whole.addEventListener("toggle", () => whole.open && !body.children.length && load());

  async function load() {
    fill(body, make("p", { class: "waiting" }, make("span", { class: "pulse", "aria-hidden": "true" }), make("span", { t: "looksForFindings" })));
    try {
      const found = await api.findings(one.zone, one.document_id);
      if (found.version !== one.version) fill(body, make("p", { class: "form-error", role: "alert", t: "versionChanged" }));
      else if (!found.findings.length) fill(body, make("p", { class: "hint", t: "noFindings" }));
      else fill(body, form(found.findings));
    } catch (error) {
      if (error.status === 401) return stage.again();
      fill(body, make("p", { class: "form-error", role: "alert", text: error.message }));
    }
  }

  function form(findings) {
    const id = `allow-${one.document_id}`;
    const choice = make("fieldset", { class: "findings-choice" }, make("legend", { t: "whichFinding" }), ...findings.map((seen) =>
      make("label", { class: "toggle" }, make("input", { type: "radio", name: id, value: seen.number }),
        make("span", {}, make("code", { text: seen.type }), make("span", { class: "hint", text: ` ${number(seen.number)} · ${place(seen.where)}` })))));
    const until = make("input", { id: `${id}-until`, type: "date", min: dayIn(1), max: dayIn(MOST_DAYS), value: dayIn(HALF_A_YEAR) });
    const reason = make("input", { id: `${id}-reason`, maxlength: 500, autocomplete: "off", "aria-describedby": `${id}-hint` });
    const error = make("p", { class: "form-error", role: "alert" });
    const button = make("button", { type: "button", class: "secondary", t: "allow", on: { click: give } });

    async function give() {
      const chosen = choice.querySelector(":checked");
      const missing = [[chosen, "whichFinding", choice.querySelector("input")], [until.value, "untilMissing", until], [reason.value.trim(), "reasonMissing", reason]].find(([value]) => !value);
      if (missing) {
        error.replaceChildren(make("span", { t: missing[1] }));
        missing[2].focus();
        return;
      }
      button.disabled = true;
      try {
        const made = await api.allow({
          zone: one.zone, document_id: one.document_id, version: one.version, finding: Number(chosen.value),
          until: until.value, reason: reason.value.trim(),
        });
        const told = make("div", { class: "verdict released", tabindex: -1 },
          make("strong", { t: "allowedBy", values: { what: made.type, by: made.by } }), make("p", { t: "allowedNow" }));
        whole.replaceWith(told);
        told.focus();
        stage.say(told.textContent);
      } catch (failure) {
        button.disabled = false;
        if (failure.status === 401) return stage.again();
        error.replaceChildren(failure.code === "version_changed" ? make("span", { t: "versionChanged" }) : make("span", { text: failure.message }));
      }
    }

    return make("div", { class: "judging" }, choice,
      make("label", { for: until.id, t: "until" }), until,
      make("label", { for: reason.id, t: "reason" }), reason, make("p", { class: "hint", id: `${id}-hint`, t: "allowHint" }),
      error, make("div", { class: "row" }, button));
  }

  return whole;
}

/** What is allowed now, and for whom it is to approve or take back. Nothing at all where there is none. */
export function allowList(found, stage) {
  if (!found.entries.length) return null;
  return make("section", { class: "allowed" },
    make("h2", { t: "allowedTitle" }), make("p", { class: "hint", t: "allowedLead" }),
    make("ul", { class: "queue" }, ...found.entries.map((one) => entry(one, found.may_judge, stage))));
}

function entry(one, mayJudge, stage) {
  const error = make("p", { class: "form-error", role: "alert" });
  const where = one.zone ?? t("wholeTenant");
  const act = (work) => async () => {
    try {
      await work();
      await stage.again();
    } catch (failure) {
      if (failure.status === 401) return stage.again();
      error.textContent = failure.message;
    }
  };
  const second = one.approved_by
    ? make("p", { class: "hint", t: "approvedBy", values: { n: one.approved_by } })
    : make("p", { class: "hint", t: "notApproved" });
  return make("li", { class: "held", "data-entry": one.id },
    make("h3", {}, make("code", { text: one.type }), make("span", { text: ` ${one.pattern ?? t("oneText")} · ${where}` })),
    make("p", { class: "hint", t: "allowedUntil", values: { by: one.by, get when() { return lastDay(one.until); } } }),
    make("p", { text: one.reason }), second,
    one.may_approve ? make("div", { class: "row" }, make("button", { type: "button", class: "secondary", t: "approve", on: { click: act(() => api.approve(one.id)) } })) : null,
    mayJudge ? taking(one, act) : null, error);
}

function taking(one, act) {
  const id = `revoke-${one.id}`;
  const reason = make("input", { id, maxlength: 500, autocomplete: "off" });
  const button = make("button", { type: "button", class: "secondary", t: "revoke", on: { click: act(() => api.revoke(one.id, reason.value.trim())) } });
  button.disabled = true;
  reason.addEventListener("input", () => { button.disabled = !reason.value.trim(); });
  return make("details", { class: "allow" }, make("summary", { t: "revokeAsk" }),
    make("div", { class: "judging" }, make("label", { for: id, t: "reason" }), reason, make("div", { class: "row" }, button)));
}
