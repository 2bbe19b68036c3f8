// A source, opened at the cited passage: the page of a PDF with the passage marked, or the text with its structure.

import { ApiError, pagePicture, source } from "./api.js";
import { make, t } from "./words.js";

/** Fills `node` with the source. `onClose` makes it a panel; `onError` gets what the caller must handle (a dead key). */
export async function showSource(node, { id, version, start, end, of, asOf }, { onClose, onError, heading = "h2" }) {
  const body = make("div", { class: "viewer-body", tabindex: "0", label: "source" }, make("p", { class: "hint", t: "opening" }));
  const head = make("header", { class: "viewer-head" }, make(heading, { class: "viewer-title", t: "source" }));
  if (onClose) head.append(closeButton(onClose));
  node.replaceChildren(head, body);
  let found;
  try {
    found = await source(id, version, { start, end, of, asOf });
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return onError(error);
    const isMissing = error instanceof ApiError && error.status === 404;
    body.replaceChildren(make("p", { class: "viewer-note", t: isMissing ? "sourceMissing" : "errorNetwork" }));
    return undefined;
  }
  if (!node.contains(body)) return undefined; // another source was opened meanwhile
  head.replaceChildren(...titleOf(found, heading), ...(onClose ? [actions(found, onClose, asOf)] : []));
  if (found.has_page_images) showPages(body, found, asOf);
  else showText(body, found);
  return found;
}

function closeButton(onClose) {
  const button = make("button", { type: "button", class: "quiet close", label: "close", on: { click: onClose } });
  button.append(icon("M5 5l10 10M15 5L5 15"));
  return button;
}

function icon(path) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
  line.setAttribute("d", path);
  svg.append(line);
  return svg;
}

function actions(found, onClose, asOf) {
  const { start, end, of } = found.highlight ?? {};
  const query = new URLSearchParams({ ...(found.highlight && { start, end, of }), ...(asOf && { as_of: asOf }) });
  const href = `/sources/${encodeURIComponent(found.document_id)}/${encodeURIComponent(found.version)}?${query}`;
  // rel=opener: the new window inherits this one's sessionStorage and with it the key
  const alone = make("a", { class: "quiet", href, target: "_blank", rel: "opener", label: "openAlone", title: t("openAlone") });
  alone.append(icon("M11 4h5v5M16 4l-7 7M14 12v4H4V6h4"));
  return make("span", { class: "viewer-actions" }, alone, closeButton(onClose));
}

function titleOf(found, heading) {
  const facts = make("p", { class: "viewer-place" }, make("span", { text: `${found.zone}/${found.path}` }));
  if (found.is_redacted) facts.append(make("span", { class: "tag", t: "redacted" }));
  return [make("div", {}, make(heading, { class: "viewer-title", text: found.title }), facts)];
}

// --- a PDF's pages ---

function showPages(body, found, asOf) {
  const first = found.highlight?.places.find((place) => place.page)?.page ?? 1;
  const frame = make("div", { class: "page-frame" });
  const count = make("span", { class: "page-count" });
  const previous = make("button", { type: "button", class: "quiet", label: "previousPage", on: { click: () => go(-1) } });
  const next = make("button", { type: "button", class: "quiet", label: "nextPage", on: { click: () => go(1) } });
  previous.append(icon("M12 4l-6 6 6 6"));
  next.append(icon("M8 4l6 6-6 6"));
  const asPage = make("button", { type: "button", t: "asPage", "aria-pressed": "true", on: { click: () => choose(true) } });
  const asText = make("button", { type: "button", t: "asText", "aria-pressed": "false", on: { click: () => choose(false) } });
  const pager = make("span", { class: "pager" }, previous, count, next);
  const content = make("div", { class: "viewer-content" }, frame);
  body.replaceChildren(make("div", { class: "viewer-tools" },
    make("span", { class: "switch" }, asPage, asText), pager), content);
  let page = first;

  function choose(isPage) {
    asPage.setAttribute("aria-pressed", String(isPage));
    asText.setAttribute("aria-pressed", String(!isPage));
    pager.hidden = !isPage;
    content.replaceChildren();
    if (isPage) {
      content.append(frame);
      turn();
    } else showText(content, found);
  }

  function go(step) {
    page = Math.min(Math.max(1, page + step), found.pages ?? page + step);
    turn();
  }

  async function turn() {
    const wanted = page;
    Object.assign(count, { words: { n: page, m: found.pages ?? "?" } });
    count.dataset.t = "pageOf";
    count.textContent = t("pageOf", count.words);
    previous.disabled = page <= 1;
    next.disabled = page >= (found.pages ?? page);
    frame.classList.add("loading");
    try {
      const url = await pagePicture(found.document_id, found.version, wanted, asOf);
      if (wanted === page) drawPage(frame, url, wanted, found);
      else URL.revokeObjectURL(url);
    } catch (error) {
      if (wanted !== page) return;
      const note = { version_gone: "versionGone", page_not_shown: "pageNotShown" }[error.code] ?? "errorNetwork";
      pager.hidden = true;
      asPage.setAttribute("aria-pressed", "false");
      asText.setAttribute("aria-pressed", "true");
      showText(content, found, note);
    }
  }
  turn();
}

function drawPage(frame, url, page, found) {
  const picture = make("img", { src: url, alt: t("pagePicture", { n: page }), class: "page-picture" });
  const boxes = (found.highlight?.places ?? []).filter((place) => place.page === page && place.box).map(({ box }) => {
    const mark = make("span", { class: "page-mark", "aria-hidden": "true" });
    mark.style.left = `${box.left * 100}%`;
    mark.style.top = `${box.top * 100}%`;
    mark.style.width = `${(box.right - box.left) * 100}%`;
    mark.style.height = `${(box.bottom - box.top) * 100}%`;
    return mark;
  });
  picture.addEventListener("load", () => {
    URL.revokeObjectURL(url);
    frame.classList.remove("loading");
    boxes[0]?.scrollIntoView({ block: "center" });
  });
  frame.replaceChildren(picture, ...boxes);
}

// --- any text ---

function showText(node, found, note) {
  const article = make("article", { class: "source-text", lang: found.language });
  const points = Array.from(found.text);
  const offset = found.text_start;
  const end = offset + points.length;
  const between = { start: found.highlight?.start ?? -1, end: found.highlight?.end ?? -1 };

  const write = (parent, from, to) => {
    const cuts = [from, between.start, between.end, to].filter((cut) => cut >= from && cut <= to).sort((a, b) => a - b);
    for (let n = 1; n < cuts.length; n += 1) {
      if (cuts[n - 1] === cuts[n]) continue;
      const text = points.slice(cuts[n - 1] - offset, cuts[n] - offset).join("");
      const isCited = cuts[n - 1] >= between.start && cuts[n] <= between.end;
      parent.append(isCited ? make("mark", { text }) : document.createTextNode(text));
    }
    return parent;
  };

  const marks = [...found.marks];
  const showMarks = (at) => {
    while (marks.length && marks[0].start <= at) article.append(markLine(marks.shift()));
  };
  for (const element of pieces(found.elements, offset, end)) {
    if (!points.slice(element.start - offset, element.end - offset).join("").trim()) continue;
    showMarks(element.start);
    article.append(renderElement(element, points, offset, write));
  }
  const hints = [note && make("p", { class: "viewer-note", t: note })];
  if (points.length < found.length) hints.push(make("p", { class: "viewer-note", t: "excerpt" }));
  node.replaceChildren(...hints.filter(Boolean), article);
  const mark = article.querySelector("mark");
  if (mark) mark.scrollIntoView({ block: "center" });
}

/** Elements in order, with the stretches between them, clipped to the window. */
function pieces(elements, offset, end) {
  const found = [];
  let at = offset;
  for (const element of elements) {
    const start = Math.max(element.start, at);
    const stop = Math.min(element.end, end);
    if (start >= stop) continue;
    if (start > at) found.push({ kind: "paragraph", start: at, end: start });
    found.push({ ...element, start, end: stop });
    at = stop;
  }
  if (at < end) found.push({ kind: "paragraph", start: at, end });
  return found;
}

function renderElement(element, points, offset, write) {
  if (element.kind === "table") return renderTable(element, points, offset, write);
  const tag = { title: `h${Math.min(6, 2 + (element.level ?? 1))}`, list_item: "div" }[element.kind] ?? "p";
  const isItem = element.kind === "list_item";
  return write(make(tag, { class: isItem ? "list-item" : null }), element.start, element.end);
}

function renderTable(element, points, offset, write) {
  const body = make("tbody");
  for (const [from, to] of cut(points, offset, element.start, element.end, "\n")) {
    const isHead = element.header_end !== null && to <= element.header_end;
    const row = make("tr");
    for (const [left, right] of cut(points, offset, from, to, " | ")) {
      row.append(write(make(isHead ? "th" : "td", { scope: isHead ? "col" : null }), left, right));
    }
    body.append(row);
  }
  return make("div", { class: "table-frame" }, make("table", {}, body));
}

/** Spans between separators. */
function cut(points, offset, start, end, separator) {
  const size = separator.length;
  const spans = [];
  let from = start;
  for (let at = start; at <= end - size; at += 1) {
    if (points.slice(at - offset, at - offset + size).join("") !== separator) continue;
    spans.push([from, at]);
    from = at + size;
    at = from - 1;
  }
  spans.push([from, end]);
  return spans.filter(([a, b]) => b > a || separator !== "\n");
}

function markLine(mark) {
  const parts = [];
  if (mark.page) parts.push(make("span", { t: "page", values: { n: mark.page } }));
  if (mark.slide) parts.push(make("span", { t: "slide", values: { n: mark.slide } }));
  if (mark.sheet) parts.push(make("span", { t: "sheet", values: { n: mark.sheet } }));
  if (mark.part) parts.push(make("span", { text: mark.part }));
  return make("p", { class: "mark-line" }, ...parts);
}
