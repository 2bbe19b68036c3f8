"""PDF → text with a box per line, by pdfium. Headings by type size, tables by columns, running heads left out.

Runs in the parsing worker alone: pdfium is not thread-safe, and a hostile file may crash it.
"""

from __future__ import annotations

import re
import statistics
from collections import Counter
from dataclasses import dataclass

import pypdfium2
import pypdfium2.raw as pdfium

from rag.adapters.parsers.building import Building, Line
from rag.errors import Permanent
from rag.types import Box, Document, Parsed, Place

MEDIA_TYPE = "application/pdf"
_COLUMN_GAP = 1.2
"""In type sizes: a gap wider than this between two runs on one baseline parts two cells."""
_CELL_CHARACTERS = 70
"""Longer on average, and it is prose in columns, not a table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """Characters that pdfium put on one line, in points, origin at the page's top left."""

    text: str
    page: int
    left: float
    top: float
    right: float
    bottom: float
    size: float
    bold: bool
    box: Box

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2


def parse(document: Document) -> Parsed:
    """Raises `Permanent`: `password_protected`, `broken_file`, or `no_text` for scans."""
    try:
        pdf = pypdfium2.PdfDocument(document.content)
    except pypdfium2.PdfiumError as error:
        if "assword" in str(error):
            raise Permanent(
                "password_protected",
                "The PDF is protected by a password.",
                hint="Save it without a password and replace it.",
            ) from None
        raise Permanent(
            "broken_file", "The PDF is damaged and cannot be opened.", hint="Export it anew and replace it."
        ) from None
    try:
        rows = [row for number in range(len(pdf)) for row in _rows(_runs(pdf[number], number + 1))]
        pages, title = len(pdf), pdf.get_metadata_dict().get("Title")
    finally:
        pdf.close()
    building = Building()
    _build(building, _without_running_heads(rows, pages))
    if not building.length:
        raise Permanent(
            "no_text",
            "The PDF holds pictures of pages, but no text.",
            hint="Provide a version with a text layer (OCR).",
        )
    return building.parsed(document, MEDIA_TYPE, title=title, pages=pages)


def _runs(page: pypdfium2.PdfPage, number: int) -> list[_Run]:
    """Text runs in pdfium's order."""
    width, height = page.get_size()
    textpage = page.get_textpage()
    characters = [chr(pdfium.FPDFText_GetUnicode(textpage, i)) for i in range(textpage.count_chars())]
    runs, start = [], 0
    right: float | None = None
    for at in range(len(characters) + 1):
        ends = at == len(characters) or characters[at] in "\r\n"
        left = None if ends or characters[at].isspace() else textpage.get_charbox(at)[0]
        jumps = left is not None and right is not None and left - right > _COLUMN_GAP * _size(textpage, at)
        if ends or jumps:
            run = _run(textpage, characters, start, at, number, width, height)
            if run is not None:
                runs.append(run)
            start, right = (at + 1, None) if ends else (at, None)
        if left is not None:
            right = textpage.get_charbox(at)[2]
    return runs


def _size(textpage: pypdfium2.PdfTextPage, at: int) -> float:
    return max(float(pdfium.FPDFText_GetFontSize(textpage, at)), 4.0)


def _run(
    textpage: pypdfium2.PdfTextPage, characters: list[str], start: int, end: int, page: int, width: float, height: float
) -> _Run | None:
    text = "".join(characters[start:end]).replace("\ufffe", "-").strip()
    boxes = [textpage.get_charbox(i) for i in range(start, end) if not characters[i].isspace()]
    boxes = [box for box in boxes if box[2] > box[0]]
    if not text or not boxes:
        return None
    left, right = min(b[0] for b in boxes), max(b[2] for b in boxes)
    bottom, top = min(b[1] for b in boxes), max(b[3] for b in boxes)
    first = next(i for i in range(start, end) if not characters[i].isspace())
    return _Run(
        text=text, page=page, left=left, right=right, top=height - top, bottom=height - bottom,
        size=round(pdfium.FPDFText_GetFontSize(textpage, first) * 2) / 2,
        bold=pdfium.FPDFText_GetFontWeight(textpage, first) >= 600,
        box=Box(
            left=_fraction(left / width), top=_fraction(1 - top / height), right=_fraction(right / width),
            bottom=_fraction(1 - bottom / height),
        ),
    )  # fmt: skip


def _fraction(value: float) -> float:
    return round(min(1.0, max(0.0, value)), 5)


def _rows(runs: list[_Run]) -> list[list[_Run]]:
    """Runs that share a baseline, left to right; rows in reading order."""
    rows: list[list[_Run]] = []
    for run in runs:
        last = rows[-1] if rows else None
        same = (
            last is not None
            and abs(last[-1].middle - run.middle) < 0.5 * max(run.size, 4)
            and run.left >= last[-1].right
        )
        if same and last is not None:
            last.append(run)
        else:
            rows.append([run])
    return rows


def _without_running_heads(rows: list[list[_Run]], pages: int) -> list[list[_Run]]:
    """Lines near a page's edge that come back on most pages (numbers aside) say nothing about the content."""

    def key(row: list[_Run]) -> str:
        return re.sub(r"\d+", "#", " ".join(run.text for run in row))

    edge = [row for row in rows if row[0].box.bottom < 0.1 or row[0].box.top > 0.9]
    seen = Counter(name for name, _ in {(key(row), row[0].page) for row in edge})
    running = {name for name, count in seen.items() if pages > 1 and count >= max(2, 0.5 * pages)}
    return [row for row in rows if not (key(row) in running and row in edge)]


def _build(building: Building, rows: list[list[_Run]]) -> None:
    if not rows:
        return
    body = statistics.mode(run.size for row in rows for run in row for _ in run.text)
    sizes = sorted({row[0].size for row in rows if row[0].size > body * 1.1}, reverse=True)
    pending: list[list[_Run]] = []
    heading: list[_Run] = []
    for row in rows:
        level = _level(row, body, sizes)
        if heading and not (level is not None and _goes_on(heading[-1], row[0])):
            building.title(_line(heading), _level(heading[:1], body, sizes) or 1)
            heading = []
        if level is not None:
            _flush(building, pending)
            pending = []
            heading.append(row[0])
        elif pending and _breaks(pending[-1], row):
            _flush(building, pending)
            pending = [row]
        else:
            pending.append(row)
    if heading:
        building.title(_line(heading), _level(heading[:1], body, sizes) or 1)
    _flush(building, pending)


def _goes_on(before: _Run, run: _Run) -> bool:
    """A heading over two lines."""
    same = (before.size, before.bold, before.page) == (run.size, run.bold, run.page)
    return same and 0 <= run.top - before.bottom < 0.6 * run.size and not re.match(r"\d+(?:\.\d+)*\s", run.text)


def _level(row: list[_Run], body: float, sizes: list[float]) -> int | None:
    """Bigger than the body, or bold and short on a line of its own."""
    if len(row) > 1:
        return None
    if row[0].size in sizes:
        return min(sizes.index(row[0].size) + 1, 6)
    is_short = len(row[0].text) <= 80 and not row[0].text.endswith((".", ",", ";", ":"))
    return min(len(sizes) + 1, 6) if row[0].bold and is_short and row[0].size >= body else None


def _breaks(before: list[_Run], row: list[_Run]) -> bool:
    """A wider gap than between lines, a new page, a new item, or table against prose."""
    if (len(before) > 1) != (len(row) > 1):
        return True
    if len(row) > 1:
        return row[0].page == before[0].page and row[0].top - before[0].bottom > 3 * row[0].size
    gap = row[0].top - before[0].bottom
    new_page = row[0].page != before[0].page
    ended = before[-1].text.rstrip().endswith((".", ":", "!", "?"))
    return (
        _is_item(row[0].text) or (new_page and ended) or (not new_page and not -row[0].size < gap < 0.75 * row[0].size)
    )


def _is_item(text: str) -> bool:
    return re.match(r"(?:[•‣◦▪–\-*]|\(?\d{1,2}[.)]|[a-z]\))\s", text) is not None


def _flush(building: Building, rows: list[list[_Run]]) -> None:
    if not rows:
        return
    if len(rows[0]) > 1:
        cells = [len(run.text) for row in rows for run in row]
        if len(rows) > 1 and sum(cells) / len(cells) <= _CELL_CHARACTERS:
            building.table([_line(row, " | ") for row in rows])
            return
    kind = "list_item" if _is_item(rows[0][0].text) else "paragraph"
    building.paragraph(_joined([_line(row) for row in rows]), kind)  # type: ignore[arg-type]  # one of two kinds


def _joined(lines: list[Line]) -> list[Line]:
    """A word cut at the line's end is put together; its second half keeps the first line's place."""
    whole: list[Line] = []
    for line in lines:
        if whole and re.search(r"[^\W\d_]-$", whole[-1].text) and line.text[:1].islower():
            head, _, rest = line.text.partition(" ")
            before = whole.pop()
            whole.append(Line(text=before.text[:-1] + head, place=before.place))
            if rest:
                whole.append(Line(text=rest, place=line.place))
        else:
            whole.append(line)
    return whole


def _line(row: list[_Run], between: str = " ") -> Line:
    box = Box(
        left=min(r.box.left for r in row), top=min(r.box.top for r in row), right=max(r.box.right for r in row),
        bottom=max(r.box.bottom for r in row),
    )  # fmt: skip
    return Line(text=between.join(r.text for r in row), place=Place(start=0, end=0, page=row[0].page, box=box))
