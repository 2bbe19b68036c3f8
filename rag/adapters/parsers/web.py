"""HTML → what a reader of the page reads: its main part, without menus, scripts and what is hidden. Nothing is fetched."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable

from bs4 import BeautifulSoup, Tag, XMLParsedAsHTMLWarning
from bs4.element import NavigableString, PreformattedString

from rag.adapters.parsers.building import Building, Line, Row, row
from rag.types import Document, ElementKind, Parsed

MEDIA_TYPE = "text/html"
_SILENT = frozenset({
    "script", "style", "noscript", "template", "svg", "math", "head", "title", "input", "select", "button", "textarea",
    "iframe", "object", "canvas", "audio", "video", "datalist", "map",
})  # fmt: skip
_AROUND = frozenset({"nav", "footer", "header", "aside"})
_AROUND_ROLES = frozenset({"navigation", "banner", "contentinfo", "search", "menu", "menubar", "dialog", "alertdialog"})
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_INLINE = frozenset({
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "ins", "kbd",
    "label", "mark", "output", "q", "ruby", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time", "tt",
    "u", "var", "wbr", "img", "picture", "nobr",
})  # fmt: skip
_REPEATED_CHARACTERS = 80
"""A cell over several rows is said in each of them, unless it is a text of its own."""
_MOST_SPAN = 500


def parse_html(document: Document) -> Parsed:
    soup = _soup(document.content)
    building = Building()
    _Reading(building, "paragraph").read(_main(soup))
    return building.parsed(document, MEDIA_TYPE, title=soup.title.get_text() if soup.title else None)


def read_into(building: Building, markup: str | bytes, kind: ElementKind) -> None:
    """A page that is part of something else, as the body of a mail. Plain text in it becomes elements of `kind`."""
    _Reading(building, kind).read(_soup(markup))


def _soup(markup: bytes | str) -> BeautifulSoup:
    """XHTML is read as the page that it is; the library would advise against it on the error stream."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", XMLParsedAsHTMLWarning)
        return BeautifulSoup(markup, "lxml")


def _main(soup: BeautifulSoup) -> Tag:
    """What the page itself calls its main part; the one article; else everything."""
    for found in (soup.find_all("main"), soup.select("[role=main]"), soup.find_all("article")):
        if len(found) == 1 and found[0].get_text(strip=True):
            return found[0]
    return soup


class _Reading:
    """Walks the tree; text without a block of its own is kept until the block around it ends."""

    def __init__(self, building: Building, kind: ElementKind) -> None:
        self._building, self._plain = building, kind
        self._pending: list[str] = []
        self._kind = kind

    def read(self, root: Tag) -> None:
        self._walk(root, within=root.name in {"main", "article"} or root.get("role") == "main")
        self._flush()

    def _walk(self, tag: Tag, *, within: bool) -> None:
        for child in tag.children:
            if isinstance(child, NavigableString):
                if not isinstance(child, PreformattedString):  # comments, doctypes, processing instructions
                    self._pending.append(str(child))
            elif isinstance(child, Tag) and _is_shown(child, within=within):
                self._tag(child, within=within or child.name in {"main", "article"})

    def _tag(self, tag: Tag, *, within: bool) -> None:
        if tag.name == "br":
            self._pending.append("\0")
        elif tag.name in _INLINE:
            self._walk(tag, within=within)
        elif tag.name == "dd":  # stays with the term that it explains
            self._pending.append("\0")
            self._walk(tag, within=within)
        else:
            self._flush()
            self._block(tag, within=within)
            if tag.name != "dt":
                self._flush()

    def _block(self, tag: Tag, *, within: bool) -> None:
        if tag.name in _HEADINGS:
            self._building.title(Line(text=_said(tag)), _HEADINGS[tag.name])
        elif tag.name == "pre":
            self._building.paragraph([Line(text=tag.get_text())], self._plain)
        elif tag.name == "table" and not _is_layout(tag):
            self._table(tag)
        else:
            self._kind = "list_item" if tag.name == "li" else self._plain
            self._walk(tag, within=within)

    def _table(self, tag: Tag) -> None:
        if tag.caption is not None:
            self._building.paragraph([Line(text=_said(tag.caption))], self._plain)
        self._building.table(_spread(_own(tag, "tr")))

    def _flush(self) -> None:
        lines = (" ".join(line.split()) for line in "".join(self._pending).split("\0"))
        self._building.paragraph([Line(text=line) for line in lines], self._kind, "\n")
        self._pending, self._kind = [], self._plain


def _is_shown(tag: Tag, *, within: bool) -> bool:
    if tag.name in _SILENT or tag.has_attr("hidden") or tag.get("aria-hidden") == "true":
        return False
    if re.search(r"display\s*:\s*none|visibility\s*:\s*hidden", str(tag.get("style") or ""), re.IGNORECASE):
        return False
    if within:
        return tag.name != "nav"
    return not (tag.name in _AROUND or tag.get("role") in _AROUND_ROLES) or tag.find("h1") is not None


def _is_layout(table: Tag) -> bool:
    """Tables that place things: one column or row, headings or tables inside, and no header cells."""
    rows = _own(table, "tr")
    widest = max((len(_own_cells(tr)) for tr in rows), default=0)
    if widest < 2 or table.get("role") in {"presentation", "none"}:
        return True
    if any(cell.name == "th" for tr in rows for cell in _own_cells(tr)):
        return False
    return len(rows) < 2 or table.find(["table", *_HEADINGS]) is not None


def _own(table: Tag, name: str) -> list[Tag]:
    return [tag for tag in table.find_all(name) if tag.find_parent("table") is table]


def _own_cells(tr: Tag) -> list[Tag]:
    return [tag for tag in tr.find_all(["td", "th"]) if tag.find_parent("tr") is tr]


def _spread(rows: Iterable[Tag]) -> list[Row]:
    """Cells over several rows are said in each, cells over several columns once, so that columns stay in line."""
    made: list[Row] = []
    below: dict[int, tuple[int, str]] = {}
    for tr in rows:
        cells, below = _spread_row(_own_cells(tr), below)
        made.append(row(cells))
    return made


def _spread_row(own: list[Tag], above: dict[int, tuple[int, str]]) -> tuple[list[str], dict[int, tuple[int, str]]]:
    """A row's cells, and by column what reaches further down: for how many rows, and its text."""
    cells: list[str] = []
    below: dict[int, tuple[int, str]] = {}
    waiting = list(reversed(own))
    while waiting or any(column >= len(cells) for column in above):
        column = len(cells)
        if column in above:
            left, text = above[column]
            cells.append(text)
            if left > 1:
                below[column] = (left - 1, text)
        elif waiting:
            cell = waiting.pop()
            text, deep = _said(cell), _span(cell, "rowspan")
            for at in range(_span(cell, "colspan")):
                cells.append("" if at else text)
                if deep > 1:
                    below[column + at] = (deep - 1, "" if at or len(text) > _REPEATED_CHARACTERS else text)
        else:
            cells.append("")
    return cells, below


def _span(cell: Tag, name: str) -> int:
    value = str(cell.get(name) or "1")
    return max(1, min(int(value), _MOST_SPAN)) if value.isdigit() else 1


def _said(tag: Tag) -> str:
    return " ".join("".join(_texts(tag)).split())


def _texts(tag: Tag) -> Iterable[str]:
    """Parts of a word in different types stay one word; blocks and breaks part."""
    for child in tag.children:
        if isinstance(child, Tag):
            if child.name not in _SILENT:
                edge = "" if child.name in _INLINE else " "
                yield edge
                yield from _texts(child)
                yield edge
        elif isinstance(child, NavigableString) and not isinstance(child, PreformattedString):
            yield str(child)
