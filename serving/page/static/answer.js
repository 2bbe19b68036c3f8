// An answer → elements: text with numbered chips, the sources below it, and what stands there when there is none.
// Everything that came from a document or a model enters through textContent or text nodes.

import { dayWords } from "./as-of.js";
import { make, t } from "./words.js";

const MARKER = /[ \t]?\[(\d{1,3})\]/g;

/** Page, slide or sheet of a passage, in words that follow the language switch. */
export function place(citation) {
  const parts = [];
  if (citation.page) parts.push(make("span", { t: "page", values: { n: citation.page } }));
  if (citation.slide) parts.push(make("span", { t: "slide", values: { n: citation.slide } }));
  if (citation.sheet) parts.push(make("span", { t: "sheet", values: { n: citation.sheet } }));
  if (citation.cells) parts.push(make("span", { text: citation.cells }));
  if (citation.part) parts.push(make("span", { text: citation.part }));
  parts.push(make("span", { class: "format", text: format(citation) }));
  return make("span", { class: "place" }, ...parts);
}

function format(citation) {
  const ending = /\.([A-Za-z0-9]{1,5})$/.exec(citation.path ?? "");
  return ending ? ending[1].toUpperCase() : "";
}

/** The text so far. With `citations` (at the end) chips can be opened; before, they only show that a source is coming. */
export function renderText(node, text, citations, onOpen) {
  node.replaceChildren(...blocks(text).map((block) => renderBlock(block, text, citations, onOpen)));
}

function blocks(text) {
  const found = [];
  for (const match of text.matchAll(/[^\n]+/g)) {
    const item = /^\s*(?:[-•*]|(\d{1,2})[.)])\s+/.exec(match[0]);
    const kind = item ? (item[1] ? "ol" : "ul") : "p";
    const line = { start: match.index + (item ? item[0].length : 0), end: match.index + match[0].length };
    const last = found.at(-1);
    if (last && last.kind === kind && kind !== "p") last.lines.push(line);
    else found.push({ kind, lines: [line], first: item?.[1] });
  }
  return found;
}

function renderBlock(block, text, citations, onOpen) {
  const lines = block.lines.map((line) => inline(make(block.kind === "p" ? "p" : "li"), text, line, citations, onOpen));
  return block.kind === "p" ? lines[0] : make(block.kind, { start: block.first }, ...lines);
}

function inline(node, text, { start, end }, citations, onOpen) {
  let at = start;
  for (const match of text.slice(start, end).matchAll(MARKER)) {
    const from = start + match.index;
    const citation = citations?.find((one) => one.number === Number(match[1])); // a number stands for one quote
    if (citations && !citation) continue; // a number in brackets that is no marker stays text
    node.append(...strong(text.slice(at, from)), chip(Number(match[1]), citation, onOpen));
    at = from + match[0].length;
  }
  node.append(...strong(text.slice(at, end)));
  return node;
}

function strong(text) {
  return text.split(/\*\*([^*]+)\*\*/g).map((part, n) => (n % 2 ? make("strong", { text: part }) : document.createTextNode(part)));
}

function chip(number, citation, onOpen) {
  if (!citation) return make("span", { class: "chip", text: String(number) });
  return make("button", {
    type: "button", class: "chip", text: String(number), title: citation.title, "data-number": number,
    label: "openCitation", labelValues: { n: number, title: citation.title },
    on: { click: (event) => onOpen(citation, event.currentTarget) },
  });
}

/** One card per passage: what it is, where it stands, what it says. */
export function renderSources(citations, onOpen) {
  const seen = new Set();
  const cards = [];
  for (const citation of citations) {
    if (seen.has(citation.number)) continue;
    seen.add(citation.number);
    cards.push(make("li", {}, card(citation, onOpen)));
  }
  return make("section", { class: "sources" },
    make("h3", { t: "evidence" }),
    make("ol", { class: "cards" }, ...cards));
}

function card(citation, onOpen) {
  return make("button", {
    type: "button", class: "card", "data-number": citation.number, on: { click: (event) => onOpen(citation, event.currentTarget) },
  },
    make("span", { class: "card-head" },
      make("span", { class: "number", "aria-hidden": "true", text: String(citation.number) }),
      make("span", { class: "card-title", text: citation.title })),
    make("q", { class: "quote", text: citation.quote }),
    place(citation));
}

/** Which day's documents were asked. */
export function renderAsOf(asOf) {
  return make("p", { class: "as-of-told", t: "asOfAnswer", values: dayWords(asOf) });
}

/** What stands in place of an answer. */
export function renderOutcome(outcome, text) {
  const kind = outcome === "not_answered" ? "notAnswered" : outcome === "refused" ? "refused" : "blocked";
  return make("div", { class: `notice ${kind}` },
    make("h3", { t: kind }),
    make("p", { class: "told", text: text.trim() }),
    make("p", { class: "help", t: `${kind}Help` }));
}

/** The record of an answer: what an auditor would ask for first. */
export function renderReceipt(beleg) {
  const rows = [
    ["requestId", beleg.request_id],
    ["release", beleg.release],
    ["endpoint", beleg.endpoint],
    ["rules", [...new Set(beleg.decisions.map((decision) => decision.rule))].join(", ")],
    ["dropped", beleg.dropped_claims || null],
    ["cost", beleg.cost_usd ? `${beleg.cost_usd} USD` : null],
  ].filter(([, value]) => value !== null && value !== "");
  return make("details", { class: "receipt" },
    make("summary", { t: "receipt" }),
    make("dl", {}, ...rows.flatMap(([name, value]) => [make("dt", { t: name }), make("dd", { text: String(value) })])));
}

/** The answer and its sources as plain text, for the clipboard. */
export function asPlainText(text, citations, asOf) {
  const sources = citations.map((citation) => {
    const where = [
      citation.page && t("page", { n: citation.page }),
      citation.slide && t("slide", { n: citation.slide }),
      citation.sheet && t("sheet", { n: citation.sheet }),
    ].filter(Boolean);
    return `[${citation.number}] ${[citation.title, ...where].join(", ")}: “${citation.quote}” ${new URL(citation.url, location.origin)}`;
  });
  const then = asOf ? [t("asOfAnswer", dayWords(asOf))] : [];
  return [...then, text.trim(), ...new Set(sources)].join("\n");
}
