"""DOCX → headings, paragraphs, lists and tables in order; text boxes and notes too. Macros and links are not followed.

python-docx opens the file and knows its styles. The walk is our own: its paragraphs leave out what was inserted under
revision, what stands in content controls, and text boxes, and half of the forms in an office stand in those.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any

import docx
from docx.oxml import parse_xml
from docx.oxml.ns import qn

from rag.adapters.parsers.building import Building, Line, Row, row
from rag.types import Document, Parsed

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_P, _TBL, _TR, _TC, _SDT, _BOX = (qn(f"w:{name}") for name in ("p", "tbl", "tr", "tc", "sdt", "txbxContent"))
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_GONE = {qn(f"w:{name}") for name in ("del", "moveFrom", "rPrChange", "pPrChange", "instrText", "delText")} | {
    _FALLBACK
}
_SAID = {qn("w:tab"): "\t", qn("w:br"): "\n", qn("w:cr"): "\n", qn("w:noBreakHyphen"): "-", qn("w:ptab"): "\t"}
_REPEATED_CHARACTERS = 80
"""A cell over several rows is said in each of them, unless it is a text of its own."""
_BOLD_HEADING_CHARACTERS = 80
_PAGE_NUMBER = re.compile(r"\W*(?:(?:seite|page)\W*)?\d*\W*(?:(?:von|of)\W*)?\d*\W*", re.IGNORECASE)


def parse_docx(document: Document) -> Parsed:
    file = docx.Document(io.BytesIO(document.content))
    reading = _Reading(file)
    reading.blocks(file.element.body)
    reading.building.aside()
    for text in (*_notes(file), *_running_heads(file)):
        reading.building.paragraph([Line(text=text)])
    return reading.building.parsed(document, MEDIA_TYPE, title=file.core_properties.title)


class _Reading:
    def __init__(self, file: Any) -> None:
        self.building = Building()
        self._styles = {style.style_id: style for style in file.styles}

    def blocks(self, parent: Any) -> None:
        """In order. Content controls and the like are looked into, text boxes come after their paragraph."""
        for child in _elements(parent):
            if child.tag == _P:
                self._paragraph(child)
                for box in _boxes(child):
                    self.blocks(box)
            elif child.tag == _TBL:
                self._table(child)
            elif child.tag not in _GONE:
                self.blocks(child)

    def _paragraph(self, paragraph: Any) -> None:
        line = Line(text=_text(paragraph))
        style = self._style(paragraph)
        level = self._level(paragraph, style)
        if level is not None:
            self.building.title(line, level)
        elif paragraph.find(f"./{qn('w:pPr')}/{qn('w:numPr')}") is not None or _is_list(style):
            self.building.paragraph([line], "list_item")
        elif _is_bold_heading(paragraph, line.text):
            self.building.title(line, 6)
        else:
            self.building.paragraph([line])

    def _style(self, paragraph: Any) -> Any:
        found = paragraph.find(f"./{qn('w:pPr')}/{qn('w:pStyle')}")
        return self._styles.get(found.get(qn("w:val"))) if found is not None else None

    def _level(self, paragraph: Any, style: Any) -> int | None:
        """The title is 1, what Word calls level 1 is 2. Own styles say it themselves, or inherit it."""
        outline = paragraph.find(f"./{qn('w:pPr')}/{qn('w:outlineLvl')}")
        seen = 0
        while outline is None and style is not None and seen < 20:
            name = (style.name or "").casefold()
            if name in {"title", "titel"}:
                return 1
            if match := re.fullmatch(r"(?:heading|überschrift) ([1-9])", name):
                return min(int(match[1]) + 1, 6)
            outline = style.element.find(f"./{qn('w:pPr')}/{qn('w:outlineLvl')}")
            style, seen = getattr(style, "base_style", None), seen + 1
        value = outline.get(qn("w:val"), "9") if outline is not None else "9"
        return min(int(value) + 2, 6) if value.isdigit() and int(value) < 9 else None

    def _table(self, table: Any) -> None:
        """A table of one column is a frame around text."""
        rows = [list(_children(tr, _TC)) for tr in _children(table, _TR)]
        if max((len(cells) for cells in rows), default=0) < 2:
            for cells in rows:
                for cell in cells:
                    self.blocks(cell)
            return
        self.building.table(_rows(rows))
        for cells in rows:
            for cell in cells:
                for box in _boxes(cell):
                    self.blocks(box)


def _rows(rows: list[list[Any]]) -> list[Row]:
    """Cells over several columns are said once, cells over several rows in each."""
    made: list[Row] = []
    above: dict[int, str] = {}
    for cells in rows:
        texts: list[str] = []
        for cell in cells:
            column = len(texts)
            merge = cell.find(f"./{qn('w:tcPr')}/{qn('w:vMerge')}")
            goes_on = merge is not None and merge.get(qn("w:val")) != "restart"
            text = above.get(column, "") if goes_on else _cell_text(cell)
            above[column] = text if len(text) <= _REPEATED_CHARACTERS else ""
            span = cell.find(f"./{qn('w:tcPr')}/{qn('w:gridSpan')}")
            wide = span.get(qn("w:val"), "1") if span is not None else "1"
            texts += [text, *[""] * (min(int(wide), 100) - 1 if wide.isdigit() else 0)]
        made.append(row(texts))
    return made


def _cell_text(cell: Any) -> str:
    return " ".join(" ".join(_text(paragraph) for paragraph in _within(cell, _P)).split())


def _elements(parent: Any) -> Iterator[Any]:
    """Without comments and processing instructions."""
    return (child for child in parent if isinstance(child.tag, str))


def _children(parent: Any, tag: str) -> Iterator[Any]:
    """Direct ones, also inside content controls."""
    for child in _elements(parent):
        if child.tag == tag:
            yield child
        elif child.tag not in _GONE and child.tag not in {_P, _TBL, _TR, _TC}:
            yield from _children(child, tag)


def _within(parent: Any, tag: str) -> Iterator[Any]:
    """At any depth, but not in text boxes, nor in what was deleted."""
    for child in _elements(parent):
        if child.tag == tag:
            yield child
        elif child.tag not in _GONE and child.tag != _BOX:
            yield from _within(child, tag)


def _boxes(paragraph: Any) -> Iterator[Any]:
    for child in _elements(paragraph):
        if child.tag == _BOX:
            yield child
        elif child.tag not in _GONE:
            yield from _boxes(child)


def _text(paragraph: Any) -> str:
    """What a reader sees: insertions yes, deletions and hidden runs no."""
    return "".join(_said(paragraph))


def _said(parent: Any) -> Iterator[str]:
    for child in _elements(parent):
        if child.tag == qn("w:t"):
            yield child.text or ""
        elif child.tag in _SAID:
            yield _SAID[child.tag]
        elif child.tag == qn("w:r") and child.find(f"./{qn('w:rPr')}/{qn('w:vanish')}") is not None:
            continue
        elif child.tag not in _GONE and child.tag != _BOX:
            yield from _said(child)


def _is_list(style: Any) -> bool:
    name = (style.name or "") if style is not None else ""
    return name.startswith("List") and name != "List Paragraph"


def _is_bold_heading(paragraph: Any, text: str) -> bool:
    """Short, bold throughout, and no sentence: the heading of those who do not use styles."""
    text = text.strip()
    if not 0 < len(text) <= _BOLD_HEADING_CHARACTERS or text.endswith((".", ",", ";", ":", "!", "?")) or "\n" in text:
        return False
    runs = [run for run in paragraph.iter(qn("w:r")) if "".join(_said(run)).strip()]
    bold = [run.find(f"./{qn('w:rPr')}/{qn('w:b')}") for run in runs]
    return bool(runs) and all(b is not None and b.get(qn("w:val")) not in {"0", "false"} for b in bold)


def _notes(file: Any) -> Iterator[str]:
    """Foot- and endnotes, in their order; separators hold no text."""
    for part in file.part.package.iter_parts():
        if re.search(r"/(?:footnotes|endnotes)\d*\.xml$", str(part.partname)):
            for note in _elements(parse_xml(part.blob)):
                yield " ".join(_text(paragraph) for paragraph in _within(note, _P))


def _running_heads(file: Any) -> Iterator[str]:
    """Each once, whatever number of sections repeat it; page numbers say nothing."""
    seen: set[str] = set()
    for section in file.sections:
        for part in (section.first_page_header, section.header, section.first_page_footer, section.footer):
            if part.is_linked_to_previous:
                continue
            for paragraph in _within(part._element, _P):  # noqa: SLF001 - python-docx shows no text boxes or controls
                text = " ".join(_text(paragraph).split())
                if text and text not in seen and not _PAGE_NUMBER.fullmatch(text):
                    seen.add(text)
                    yield text
