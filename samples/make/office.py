"""Word, PowerPoint and Excel files as people make them: real styles, tables, notes and number cells."""

from __future__ import annotations

import io
from typing import Any

from docx import Document
from docx.document import Document as Word
from openpyxl import Workbook
from openpyxl.styles import Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet
from pptx import Presentation
from pptx.util import Pt

from samples.make.archive import normalise
from samples.make.source import FIXED, Block, Rows, Source, sections


def docx(source: Source) -> bytes:
    """A Word file with heading styles, lists, tables and a running header."""
    document = Document()
    _describe(document.core_properties, source)
    section = document.sections[0]
    section.header.paragraphs[0].text = source.house
    section.footer.paragraphs[0].text = source.stamp
    for block in source.blocks:
        _add_block(document, block)
    target = io.BytesIO()
    document.save(target)
    return normalise(target.getvalue())


def pptx(source: Source) -> bytes:
    """A deck: the title slide first, then one slide per section with bullets and speaker notes."""
    deck = Presentation()
    _describe(deck.core_properties, source)
    lead, *slides = sections(source)
    _add_slide(deck, 0, source.blocks[0].text, lead[1])
    for title, blocks in slides:
        _add_slide(deck, 1, title, blocks)
    target = io.BytesIO()
    deck.save(target)
    return normalise(target.getvalue())


def xlsx(source: Source) -> bytes:
    """A workbook: one sheet per section, its table from A1 on; whole numbers are number cells."""
    book = Workbook()
    book.remove(book.active)
    book.properties.title, book.properties.creator = source.title, source.house
    for name, blocks in sections(source):
        _fill(book.create_sheet(name), blocks[0].rows)
    target = io.BytesIO()
    book.save(target)
    return normalise(target.getvalue())


def _describe(properties: Any, source: Source) -> None:
    properties.title, properties.author = source.title, source.house
    properties.last_modified_by, properties.language = source.house, source.language
    properties.created = properties.modified = FIXED
    properties.revision = 1


def _add_block(document: Word, block: Block) -> None:
    if block.kind == "heading":
        document.add_heading(block.text, level=0 if block.level == 1 else block.level - 1)
    elif block.kind == "table":
        table = document.add_table(rows=0, cols=len(block.rows[0]), style="Light Grid Accent 1")
        for row in block.rows:
            for cell, text in zip(table.add_row().cells, row, strict=True):
                cell.text = text
        document.add_paragraph()
    else:
        style = {"paragraph": "Normal", "item": "List Bullet", "step": "List Number"}[block.kind]
        document.add_paragraph(block.text, style=style)


def _add_slide(deck: Any, layout: int, title: str, blocks: tuple[Block, ...]) -> None:
    slide = deck.slides.add_slide(deck.slide_layouts[layout])
    slide.shapes.title.text = title
    lines = [block.text for block in blocks if block.kind != "note"]
    frame = slide.placeholders[1].text_frame
    frame.text = "\n".join(lines)
    for paragraph in frame.paragraphs:
        paragraph.font.size = Pt(24)
    notes = [block.text for block in blocks if block.kind == "note"]
    if notes:
        slide.notes_slide.notes_text_frame.text = "\n".join(notes)


def _fill(sheet: Worksheet, rows: Rows) -> None:
    for row in rows:
        sheet.append([int(cell) if cell.isdigit() else cell for cell in row])
    for cell in sheet[1]:
        cell.font = Font(bold=True)
        cell.fill = PatternFill("solid", fgColor="E4EDF0")
    for column in range(len(rows[0])):
        widest = max(len(row[column]) for row in rows)
        sheet.column_dimensions[get_column_letter(column + 1)].width = widest + 3
    sheet.freeze_panes = "A2"
