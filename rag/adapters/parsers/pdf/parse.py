"""A PDF, whole: pages → strips and tables → one text. The other files of this folder do one step each."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import pypdfium2

from rag.adapters.parsers import ocr
from rag.adapters.parsers.attached import Read, add_file
from rag.adapters.parsers.building import Building, Row
from rag.adapters.parsers.pdf import aligned, scanned
from rag.adapters.parsers.pdf.columns import flows
from rag.adapters.parsers.pdf.grid import Cells, Table, tables
from rag.adapters.parsers.pdf.joining import Known, known, lines
from rag.adapters.parsers.pdf.prose import Block, Printed, Style, blocks, style
from rag.adapters.parsers.pdf.rules import Rules, rules
from rag.adapters.parsers.pdf.running import without
from rag.adapters.parsers.pdf.sheet import sheet
from rag.adapters.parsers.pdf.strips import Strip, strips
from rag.adapters.parsers.pdf.words import layers
from rag.errors import Permanent
from rag.types import Document, Parsed

MEDIA_TYPE = "application/pdf"
_MOST_ATTACHED = 50
_SAME_EDGE = 6.0
"""Points by which a column may move from page to page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layer:
    """What lies one way on a page: its drawn tables, its strips beside them, and its ruling lines.

    Attributes:
        is_main: whether most of the page's text lies this way.
    """

    is_main: bool
    tables: list[Table]
    strips: list[Strip]
    rules: Rules


def _no_read(_: Document) -> Parsed:
    raise Permanent("not_read", "Files inside are not read here.")


def parse(document: Document, inside: Read = _no_read) -> Parsed:
    """`inside` reads files that are attached; without it they are only named.

    Raises `Permanent`: `password_protected`, `broken_file`, or `no_text` for scans.
    """
    pdf = _opened(document.content)
    try:
        read = [layer for number in range(len(pdf)) for layer in _layers(pdf[number], number + 1)]
        pages, title = len(pdf), pdf.get_metadata_dict().get("Title")
        attached = list(_attached(pdf))
    finally:
        pdf.close()
    building = Building()
    _build(building, read)
    for name, content in attached:
        add_file(building, name, content, document, inside, level=1)
    if not building.length:
        raise _without_text()
    return building.parsed(document, MEDIA_TYPE, title=title, pages=pages)


def _attached(pdf: pypdfium2.PdfDocument) -> Iterable[tuple[str, bytes]]:
    """Name and content of the first so many files that travel in the PDF."""
    for number in range(min(pdf.count_attachments(), _MOST_ATTACHED)):
        file = pdf.get_attachment(number)
        try:
            content = bytes(file.get_data())
        except pypdfium2.PdfiumError:  # named, without content: the PDF itself is sound
            content = b""
        yield " ".join(file.get_name().split()) or "attachment", content


def _without_text() -> Permanent:
    if not ocr.languages():
        hint = "Have Tesseract installed with German and English, or provide a version with a text layer (OCR)."
        return Permanent("no_text", "The file holds pictures of pages, but no text.", hint=hint)
    return Permanent("no_text", "No text was recognised on its pages.", hint="Scan it anew, sharper and straight.")


def _opened(content: bytes) -> pypdfium2.PdfDocument:
    try:
        return pypdfium2.PdfDocument(content)
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


def _layers(page: pypdfium2.PdfPage, number: int) -> Iterable[_Layer]:
    try:
        flat = sheet(page, number)
        read = layers(page, flat)
        if not read and ocr.languages() and scanned.holds_picture(page):
            read = [scanned.layer(page, flat)]
        for at, (turned, words) in enumerate(read):
            found = rules(page, turned)
            drawn, rest = tables(words, found, turned)
            yield _Layer(is_main=at == 0, tables=drawn, strips=strips(rest, turned), rules=found)
    finally:
        page.close()


def _build(building: Building, read: Sequence[_Layer]) -> None:
    """First what lies along its page, then what lies across it, then what comes back on every page."""
    bare, heads = without([layer.strips for layer in read])
    kept = [replace(layer, strips=own) for layer, own in zip(read, bare, strict=True)]
    vocabulary = known(strip for layer in read for strip in layer.strips)
    along = _in_order(layer for layer in kept if layer.is_main)
    usual = style([item for item in along if isinstance(item, Printed)])
    _add(building, along, usual, vocabulary)
    building.aside()
    for layer in kept:
        if not layer.is_main:
            _add(building, _in_order([layer]), replace(usual, body=math.inf), vocabulary)
    for head in heads:
        building.echo(head.first.line(), [strip.line().place for strip in head.again])


def _add(building: Building, items: Sequence[Printed | Table], usual: Style, vocabulary: Known) -> None:
    pending: list[Printed] = []
    for item in (*items, None):
        if isinstance(item, Printed):
            pending.append(item)
            continue
        for block in blocks(pending, usual):
            _add_block(building, block, vocabulary)
        pending = []
        if item is not None:
            rows = [[lines(cell, vocabulary, in_cell=True) for cell in row] for row in _filled(item.rows)]
            building.table([Row(cells=cells) for cells in rows])


def _in_order(read: Iterable[_Layer]) -> list[Printed | Table]:
    """All that is read, in order; a table that goes on over a page is one."""
    items: list[Printed | Table] = []
    flow_number = 0
    for layer in read:
        for flow in flows(layer.strips, layer.tables):
            flow_number += 1
            for item in aligned.read(flow, layer.rules.level):
                last = items[-1] if items else None
                if isinstance(item, Strip):
                    items.append(Printed(strip=item, flow=flow_number, right=flow.right))
                elif isinstance(last, Table) and (whole := _continued(last, item)) is not None:
                    items[-1] = whole
                else:
                    items.append(item)
    return items


def _continued(above: Table, table: Table) -> Table | None:
    """One table out of two on following pages, with the header once; `None` if they are two."""
    if table.sheet.number != above.sheet.number + 1 or len(above.edges) != len(table.edges):
        return None
    repeats = _texts(above.rows[0]) == _texts(table.rows[0])
    if not repeats and any(abs(a - b) > _SAME_EDGE for a, b in zip(above.edges, table.edges, strict=True)):
        return None
    return replace(above, rows=above.rows + table.rows[1 if repeats else 0 :], sheet=table.sheet)


def _texts(row: Cells) -> list[str]:
    return [" ".join(strip.text for strip in cell) for cell in row]


def _filled(rows: list[Cells]) -> list[Cells]:
    """Without columns that hold nothing in any row."""
    filled = [any(row[column] for row in rows) for column in range(len(rows[0]))]
    return [[cell for cell, keep in zip(row, filled, strict=True) if keep] for row in rows]


def _add_block(building: Building, block: Block, vocabulary: Known) -> None:
    pieces = lines(block.strips, vocabulary)
    if block.kind == "title":
        building.title(pieces, block.level or 1)
    else:
        building.paragraph(pieces, block.kind)
