// Zones as cards, and a zone's files as a table that is filtered, searched and paged.

import * as api from "./console-api.js";
import { ago, alarmWords, exactly, lasting, number, why } from "./console-words.js";
import { fill, make, t } from "./words.js";

const FATES = ["indexed", "masked", "waiting", "starved", "failed", "quarantined", "missing", "deleted", "forgotten"];
const PAGE = 50;

export const zoneAddress = (name, rest = "") => `#/zone/${encodeURIComponent(name)}${rest}`;

export async function renderZones(stage) {
  const found = (await api.zones()).zones;
  if (!stage.isCurrent()) return;
  stage.node.replaceChildren(
    make("header", { class: "view-head" }, make("h1", { t: "zones" }), make("p", { class: "lead", t: "zonesLead" })),
    found.length ? make("ul", { class: "zones" }, ...found.map(card)) : empty("noZones"));
  stage.later();
}

export function empty(word) {
  return make("div", { class: "notice empty" }, make("h2", { t: word }), make("p", { class: "help", t: `${word}Help` }));
}

function card(zone) {
  return make("li", { class: "zone" },
    make("div", { class: "zone-head" },
      make("h2", {}, make("a", { href: zoneAddress(zone.name), text: zone.name })),
      make("span", { class: "class-tag", t: zone.classification })),
    make("p", { class: "hint", t: "owner", values: { n: zone.owner } }),
    bar(zone.counts), legend(zone), standing(zone), ...alarms(zone));
}

function bar(counts) {
  const total = FATES.reduce((sum, fate) => sum + (counts[fate] ?? 0), 0);
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [name, value] of Object.entries({ class: "share", viewBox: "0 0 100 4", preserveAspectRatio: "none", "aria-hidden": "true" })) svg.setAttribute(name, value);
  let at = 0;
  for (const fate of FATES.filter((one) => counts[one])) {
    const part = document.createElementNS(svg.namespaceURI, "rect");
    const width = (100 * counts[fate]) / total;
    for (const [name, value] of Object.entries({ x: at, y: 0, width, height: 4, class: `fill-${fate}` })) part.setAttribute(name, value);
    svg.append(part);
    at += width;
  }
  return svg;
}

function legend(zone) {
  const kinds = FATES.filter((fate) => zone.counts[fate]);
  return make("ul", { class: "legend" }, ...kinds.map((fate) => make("li", {},
    make("a", { href: zoneAddress(zone.name, `?fate=${fate}`) },
      make("span", { class: `dot fill-${fate}`, "aria-hidden": "true" }),
      make("strong", { text: number(zone.counts[fate]) }), make("span", { t: `fate_${fate}` })))));
}

/** When a sweep last looked, or how far the one that works has come. */
function standing(zone) {
  const sweep = zone.sweep;
  if (!sweep) return make("p", { class: "hint", t: "neverSwept" });
  if (!zone.is_working) {
    const parts = [t("sweptAgo", { n: ago(sweep.ended_at ?? sweep.seen_at) })];
    if (zone.queued) parts.push(t("queued", { n: number(zone.queued) }));
    return make("p", { class: "hint", text: parts.join(" · ") });
  }
  if (!sweep.due) return make("p", { class: "hint working" }, make("span", { class: "pulse", "aria-hidden": "true" }), make("span", { t: "looking" }));
  const told = [t("working", { done: number(sweep.done), due: number(sweep.due) })];
  if (sweep.files_per_minute) told.push(t("rate", { n: number(Math.round(sweep.files_per_minute)) }));
  if (sweep.remaining_s !== null) told.push(sweep.remaining_s < 60 ? t("restSoon") : t("rest", { n: lasting(sweep.remaining_s) }));
  return make("div", { class: "progress" },
    make("progress", { max: sweep.due, value: sweep.done, "aria-label": told[0] }), make("p", { class: "hint", text: told.join(" · ") }));
}

function alarms(zone) {
  return zone.alarms.map((alarm) => make("div", { class: "notice refused alarm" },
    make("h3", { t: `alarm_${alarm.code}` }), make("p", { class: "help", text: alarmWords(alarm, zone.name) }),
    alarm.code === "held" ? make("a", { class: "secondary as-button", href: zoneAddress(zone.name, "/preview"), t: "lookAhead" }) : null));
}

// --- the files of one zone ---

export async function renderFiles(stage, name, query) {
  const asked = new URLSearchParams(query);
  const wish = { fate: asked.get("fate") ?? "", search: asked.get("search") ?? "", offset: Number(asked.get("offset")) || 0, limit: PAGE };
  const found = await api.documents(name, wish);
  if (!stage.isCurrent()) return;
  const typing = stage.node.querySelector("#search");
  if (typing && typing === document.activeElement && stage.node.dataset.zone === name) {
    refill(stage, name, wish, found); // whoever types keeps the field
  } else {
    stage.node.dataset.zone = name;
    stage.node.replaceChildren(head(found.zone), searchField(stage, name, wish), make("div", { id: "filled" }));
    refill(stage, name, wish, found);
  }
  stage.later();
}

function refill(stage, name, wish, found) {
  const body = found.documents.length ? table(name, found.documents)
    : empty(wish.fate || wish.search ? "nothingFound" : found.zone.is_held ? "heldZone" : "emptyZone");
  fill(stage.node.querySelector("#filled"), filters(name, wish, found.zone), body, pager(name, wish, found));
  if (wish.search || wish.fate) stage.say(found.total === 1 ? t("file") : t("files", { n: number(found.total) }));
}

function head(zone) {
  return make("header", { class: "view-head" },
    make("a", { class: "up", href: "#/" }, make("span", { "aria-hidden": "true", text: "‹ " }), make("span", { t: "zones" })),
    make("div", { class: "title-row" },
      make("h1", { text: zone.name }), make("span", { class: "class-tag", t: zone.classification }),
      zone.is_held ? null : make("a", { class: "secondary as-button", href: zoneAddress(zone.name, "/preview"), t: "lookAhead" })),
    make("p", { class: "hint", t: "owner", values: { n: zone.owner } }), standing(zone), ...alarms(zone));
}

function go(name, wish) {
  const kept = Object.entries(wish).filter(([field, value]) => value && field !== "limit");
  return zoneAddress(name, kept.length ? `?${new URLSearchParams(kept)}` : "");
}

function searchField(stage, name, wish) {
  let waiting = null;
  const field = make("input", { id: "search", type: "search", maxlength: 200, autocomplete: "off", "data-t-placeholder": "search", placeholder: t("search"), label: "search", on: {
    input: () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => {
        const fate = new URLSearchParams(location.hash.split("?")[1]).get("fate") ?? "";
        history.replaceState(null, "", go(name, { fate, search: field.value.trim() }));
        stage.again();
      }, 250);
    } } });
  field.value = wish.search;
  return make("div", { class: "search" }, field);
}

function filters(name, wish, zone) {
  const total = Object.values(zone.counts).reduce((sum, count) => sum + count, 0);
  const chips = [["", total], ...FATES.filter((fate) => zone.counts[fate]).map((fate) => [fate, zone.counts[fate]])];
  return make("nav", { class: "filters", label: "filter" }, ...chips.map(([fate, count]) =>
    make("a", { class: "filter", href: go(name, { ...wish, fate, offset: 0 }), "aria-current": wish.fate === fate ? "true" : null },
      fate ? make("span", { class: `dot fill-${fate}`, "aria-hidden": "true" }) : null,
      make("span", { t: fate ? `fate_${fate}` : "filterAll" }), make("span", { class: "number-of", text: number(count) }))));
}

export function badge(fate) {
  return make("span", { class: `badge badge-${fate}`, t: `fate_${fate}` });
}

function table(name, files) {
  const columns = ["colFile", "colState", "colSince", "colWhy"];
  return make("table", { class: "files" },
    make("thead", {}, make("tr", {}, ...columns.map((word) => make("th", { scope: "col", t: word })))),
    make("tbody", {}, ...files.map((file) => make("tr", {},
      make("td", { class: "path" }, make("a", { href: zoneAddress(name, `/file/${file.document_id}`), text: file.path })),
      make("td", {}, badge(file.fate)),
      make("td", { class: "since" }, make("time", { datetime: file.since, title: exactly(file.since), text: ago(file.since) })),
      make("td", { class: "why", text: why(file) })))));
}

function pager(name, wish, found) {
  if (found.total <= PAGE) return null;
  const last = Math.min(wish.offset + PAGE, found.total);
  const link = (word, offset, isOn) => isOn
    ? make("a", { class: "secondary as-button", href: go(name, { ...wish, offset }), t: word })
    : make("span", { class: "secondary as-button off", "aria-hidden": "true", t: word });
  return make("nav", { class: "paging", label: "files" },
    link("previous", Math.max(0, wish.offset - PAGE), wish.offset > 0),
    make("span", { class: "page-count", t: "rangeOf", values: { from: number(wish.offset + 1), to: number(last), n: number(found.total) } }),
    link("next", wish.offset + PAGE, last < found.total));
}
