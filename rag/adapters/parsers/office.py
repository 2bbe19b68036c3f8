"""DOCX, PPTX and XLSX → text with headings, tables, slides, sheets and cell ranges. Macros and links are not followed."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import docx
import openpyxl
import pptx
from docx.table import Table
from docx.text.paragraph import Paragraph
from openpyxl.utils import get_column_letter

from rag.adapters.parsers.building import Building, Line
from rag.adapters.parsers.building import row as table_row
from rag.types import Document, Parsed, Place

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_MAX_ROWS = 100_000


def parse_docx(document: Document) -> Parsed:
    file = docx.Document(io.BytesIO(document.content))
    building = Building()
    for block in file.iter_inner_content():
        if isinstance(block, Table):
            building.table([table_row([cell.text for cell in row.cells]) for row in block.rows])
        elif isinstance(block, Paragraph):
            _docx_paragraph(building, block)
    return building.parsed(document, DOCX, title=file.core_properties.title)


def _docx_paragraph(building: Building, block: Paragraph) -> None:
    style = (block.style.name if block.style is not None else "") or ""
    if style == "Title":
        building.title(Line(text=block.text), 1)
    elif style.startswith("Heading"):
        building.title(Line(text=block.text), int(style.rpartition(" ")[2]) + 1 if style[-1:].isdigit() else 2)
    elif style.startswith("List"):
        building.paragraph([Line(text=block.text)], "list_item")
    else:
        building.paragraph([Line(text=block.text)])


def parse_pptx(document: Document) -> Parsed:
    """One element a slide: title, bullets, tables and notes belong together."""
    file = pptx.Presentation(io.BytesIO(document.content))
    building = Building()
    for number, slide in enumerate(file.slides, start=1):
        place = Place(start=0, end=0, slide=number)
        lines = [Line(text=text, place=place) for text in _slide_texts(slide)]
        building.paragraph(lines, "slide", "\n")
    return building.parsed(document, PPTX, title=file.core_properties.title, pages=len(file.slides))


def _slide_texts(slide: Any) -> Iterator[str]:
    for shape in slide.shapes:
        if shape.has_text_frame:
            yield from (paragraph.text for paragraph in shape.text_frame.paragraphs)
        if shape.has_table:
            yield from (_row([cell.text for cell in row.cells]) for row in shape.table.rows)
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        yield from (paragraph.text for paragraph in slide.notes_slide.notes_text_frame.paragraphs)


def parse_xlsx(document: Document) -> Parsed:
    """One table a sheet, its first filled row as header; formulas' stored values."""
    file = openpyxl.load_workbook(io.BytesIO(document.content), read_only=True, data_only=True)
    building = Building()
    for sheet in file.worksheets:
        building.title(Line(text=sheet.title, place=Place(start=0, end=0, sheet=sheet.title)), 1)
        rows = []
        for number, values in enumerate(sheet.iter_rows(values_only=True, max_row=_MAX_ROWS), start=1):
            cells = ["" if value is None else _value(value) for value in values]
            if any(cells):
                last = max(i for i, cell in enumerate(cells) if cell) + 1
                cells_range = f"A{number}:{get_column_letter(last)}{number}"
                place = Place(start=0, end=0, sheet=sheet.title, cells=cells_range)
                rows.append(table_row(cells[:last], place))
        building.table(rows)
    return building.parsed(document, XLSX, title=file.properties.title, pages=len(file.worksheets))


def _value(value: object) -> str:
    """Dates without a midnight that nobody typed, whole numbers without `.0`."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).removesuffix(" 00:00:00")


def _row(cells: list[str]) -> str:
    return " | ".join(" ".join(cell.split()) for cell in cells)
