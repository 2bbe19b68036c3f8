"""ODT, ODS and ODP → headings, paragraphs, lists, tables, slides with notes. The format is an OASIS standard (ISO 26300)."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator

from lxml import etree

from rag.adapters.parsers import markup
from rag.adapters.parsers.building import Building, Line, Row, row
from rag.errors import Permanent
from rag.types import Document, Parsed, Place

PREFIX = "application/vnd.oasis.opendocument."
_KINDS = ("text", "spreadsheet", "presentation")
_NAMES = {
    "office": "urn:oasis:names:tc:opendocument:xmlns:office:1.0", "text": "urn:oasis:names:tc:opendocument:xmlns:text:1.0",
    "table": "urn:oasis:names:tc:opendocument:xmlns:table:1.0", "draw": "urn:oasis:names:tc:opendocument:xmlns:drawing:1.0",
    "presentation": "urn:oasis:names:tc:opendocument:xmlns:presentation:1.0", "dc": "http://purl.org/dc/elements/1.1/",
}  # fmt: skip
_MOST_REPEATS = 1_000
"""Programs write an empty rest of a sheet as one row that is repeated a million times."""
_MOST_ROWS = 100_000
_REPEATED_CHARACTERS = 80
"""A cell over several rows is said in each of them, unless it is a text of its own."""


def _q(name: str) -> str:
    prefix, _, local = name.partition(":")
    return f"{{{_NAMES[prefix]}}}{local}"


_SILENT = frozenset(map(_q, ("text:tracked-changes", "office:annotation", "office:annotation-end", "text:sequence-decls",
                             "office:forms", "text:table-of-content")))  # fmt: skip
_SAID = {_q("text:tab"): "\t", _q("text:line-break"): "\n"}


def parse_opendocument(document: Document, kind: str) -> Parsed:
    """`kind` is the file's own media type. Raises `Permanent`: `unsupported_format`, `password_protected`, ..."""
    name = kind.removeprefix(PREFIX).removesuffix("-template")
    if name not in _KINDS:
        raise Permanent("unsupported_format", "Drawings and formulas are not read.", hint="Save it as PDF.")
    with zipfile.ZipFile(io.BytesIO(document.content)) as archive:
        if b"encryption-data" in archive.read("META-INF/manifest.xml"):
            raise Permanent(
                "password_protected", "The file is protected by a password.", hint="Save it without a password."
            )
        content = markup.tree(archive.read("content.xml"))
        title = _title(markup.tree(archive.read("meta.xml"))) if "meta.xml" in archive.namelist() else None
    body = content.find(f".//{_q('office:body')}/{_q(f'office:{name}')}")
    if body is None:
        raise Permanent("broken_file", "The file has no content of its kind.", hint="Save it anew from its program.")
    building = Building()
    pages = {"text": _text_document, "spreadsheet": _sheets, "presentation": _slides}[name](building, body)
    return building.parsed(document, f"{PREFIX}{name}", title=title, pages=pages)


def _title(meta: etree._Element) -> str | None:
    found = meta.find(f".//{_q('dc:title')}")
    return None if found is None else found.text


# --- text ---------------------------------------------------------------------------------------------------------


def _text_document(building: Building, body: etree._Element) -> None:
    _blocks(building, body)
    building.aside()
    for note in body.iter(_q("text:note-body")):
        building.paragraph([Line(text=" ".join(_said(p) for p in note))])


def _blocks(building: Building, parent: etree._Element, *, in_list: bool = False) -> None:
    for child in parent:
        if child.tag == _q("text:h"):
            level = child.get(_q("text:outline-level"), "1")
            building.title(Line(text=_said(child)), min(int(level) if level.isdigit() else 1, 6))
        elif child.tag == _q("text:p"):
            building.paragraph([Line(text=_said(child))], "list_item" if in_list else "paragraph", "\n")
            for box in child.iter(_q("draw:text-box")):
                _blocks(building, box)
        elif child.tag == _q("table:table"):
            building.table([one for _, one in _rows(child, None)])
        elif child.tag in {_q("text:list"), _q("text:list-item"), _q("text:list-header")}:
            _blocks(building, child, in_list=True)
        elif child.tag not in _SILENT:
            _blocks(building, child, in_list=in_list)


def _said(element: etree._Element) -> str:
    return "".join(_pieces(element)).strip()


def _pieces(element: etree._Element) -> Iterator[str]:
    """What a reader sees in the line: notes, comments and text boxes are read elsewhere."""
    yield element.text or ""
    for child in element:
        if child.tag in _SAID:
            yield _SAID[child.tag]
        elif child.tag == _q("text:s"):
            count = child.get(_q("text:c"), "1")
            yield " " * min(int(count) if count.isdigit() else 1, 100)
        elif child.tag not in _SILENT and child.tag not in {_q("text:note"), _q("draw:text-box")}:
            yield from _pieces(child)
        yield child.tail or ""


# --- tables -------------------------------------------------------------------------------------------------------


def _sheets(building: Building, body: etree._Element) -> int:
    sheets = body.findall(_q("table:table"))
    for sheet in sheets:
        name = sheet.get(_q("table:name"), "")
        building.title(Line(text=name, place=Place(start=0, end=0, sheet=name)), 1)
        block: list[Row] = []
        last = 0
        for number, one in _rows(sheet, name):
            if block and number > last + 1:  # an empty row parts two tables
                building.table(block)
                block = []
            block.append(one)
            last = number
        building.table(block)
    return len(sheets)


def _rows(table: etree._Element, sheet: str | None) -> Iterator[tuple[int, Row]]:
    """1-based number and row, of those that hold something."""
    number = filled = 0
    above: dict[int, tuple[int, str]] = {}
    for element in table.iter(_q("table:table-row")):
        if _owner(element) is not table:
            continue
        repeats = _count(element, "table:number-rows-repeated", 1 << 20)
        texts, above = _cells(element, above)
        if any(texts):
            for at in range(min(repeats, _MOST_REPEATS)):
                filled += 1
                if filled > _MOST_ROWS:
                    raise Permanent("too_many_rows", f"A sheet has more than {_MOST_ROWS} rows.", hint="Split it.")
                yield number + at + 1, row(texts, _place(texts, number + at + 1, sheet))
        number += repeats


def _owner(element: etree._Element) -> etree._Element | None:
    return next(element.iterancestors(_q("table:table")), None)


def _cells(element: etree._Element, above: dict[int, tuple[int, str]]) -> tuple[list[str], dict[int, tuple[int, str]]]:
    """A row's texts, and by column what reaches further down: for how many rows, and its text."""
    texts: list[str] = []
    below = {column: (left - 1, text) for column, (left, text) in above.items() if left > 1}
    for cell in element:
        if cell.tag not in {_q("table:table-cell"), _q("table:covered-table-cell")}:
            continue
        text = " ".join(" ".join(_said(p) for p in cell.iter(_q("text:p"), _q("text:h"))).split())
        column = len(texts)
        if cell.tag == _q("table:covered-table-cell") and not text and column in above:
            text = above[column][1]
        deep = _count(cell, "table:number-rows-spanned", _MOST_REPEATS)
        if deep > 1 and len(text) <= _REPEATED_CHARACTERS:
            below[column] = (deep - 1, text)
        texts += [text] * min(_count(cell, "table:number-columns-repeated", 1 << 20), _MOST_REPEATS)
    while texts and not texts[-1]:
        texts.pop()
    return texts, below


def _count(element: etree._Element, name: str, most: int) -> int:
    value = element.get(_q(name), "1")
    return min(int(value), most) if value.isdigit() else 1


def _place(texts: list[str], number: int, sheet: str | None) -> Place:
    if sheet is None:
        return Place(start=0, end=0)
    first = next(column for column, text in enumerate(texts) if text)
    return Place(start=0, end=0, sheet=sheet, cells=f"{_letters(first)}{number}:{_letters(len(texts) - 1)}{number}")


def _letters(column: int) -> str:
    """0 → A, 26 → AA."""
    name = ""
    while column >= 0:
        name = chr(ord("A") + column % 26) + name
        column = column // 26 - 1
    return name


# --- slides -------------------------------------------------------------------------------------------------------


def _slides(building: Building, body: etree._Element) -> int:
    pages = body.findall(_q("draw:page"))
    for number, page in enumerate(pages, start=1):
        place = Place(start=0, end=0, slide=number)
        lines = [Line(text=text, place=place) for text in _slide_texts(page) if text]
        building.aside()
        if len(lines) > 1:
            building.under(lines[0].text, 1)
        building.paragraph(lines, "slide", "\n")
    return len(pages)


def _slide_texts(page: etree._Element) -> Iterator[str]:
    """Title first, then the other frames in order, then what the speaker noted."""
    frames = [frame for frame in page.iter(_q("draw:frame"), _q("draw:custom-shape")) if not _is_noted(frame)]
    frames.sort(key=lambda frame: frame.get(_q("presentation:class")) != "title")
    notes = page.find(_q("presentation:notes"))
    for holder in (*frames, *([] if notes is None else [notes])):
        for table in holder.iter(_q("table:table")):
            for _, one in _rows(table, None):
                yield " | ".join(cell[0].text for cell in one.cells)
        for paragraph in holder.iter(_q("text:p"), _q("text:h")):
            if _owner(paragraph) is None:
                yield _said(paragraph)


def _is_noted(frame: etree._Element) -> bool:
    return next(frame.iterancestors(_q("presentation:notes")), None) is not None
