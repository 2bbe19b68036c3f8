"""PDF with running headers, real outlines and an embedded font, so that umlauts survive extraction."""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import cache
from pathlib import Path
from xml.sax.saxutils import escape

import reportlab
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import cm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from samples.make.source import Block, Rows, Source

PASSWORD = "beleg-beispiel"  # noqa: S105 - a sample of a protected file needs one
"""Opens the protected sample; it is no secret, it only has to be asked for."""

_WIDTH = A4[0] - 5 * cm
_ACCENT = colors.HexColor("#1f4e5f")


def render(source: Source, password: str | None = None) -> bytes:
    """Draw the text on A4 pages; a password makes the file unreadable without it."""
    _check_glyphs(source)
    target = io.BytesIO()
    document = _Template(
        target,
        pagesize=A4,
        leftMargin=2.5 * cm,
        rightMargin=2.5 * cm,
        topMargin=2.8 * cm,
        bottomMargin=2.4 * cm,
        title=source.title,
        author=source.house,
        subject=source.stamp,
        lang=source.language,
        invariant=1,
        encrypt=StandardEncryption(password, strength=128) if password else None,
    )
    frame = _frame(source)
    document.build([flow for block in _numbered(source.blocks) for flow in _flow(*block)], frame, frame)
    return target.getvalue()


class _Template(SimpleDocTemplate):  # type: ignore[misc]
    """Adds every heading to the outline, as a word processor would."""

    _headings = 0

    def afterFlowable(self, flowable: Flowable) -> None:  # noqa: N802 - the name is reportlab's
        level = getattr(flowable, "outline_level", None)
        if level is not None:
            key = f"heading-{self._headings}"
            self._headings += 1
            self.canv.bookmarkPage(key)
            self.canv.addOutlineEntry(flowable.getPlainText(), key, level=level)


@cache
def _fonts() -> dict[str, TTFont]:
    folder = Path(reportlab.__file__).parent / "fonts"
    fonts = {"Vera": TTFont("Vera", str(folder / "Vera.ttf")), "VeraBd": TTFont("VeraBd", str(folder / "VeraBd.ttf"))}
    for font in fonts.values():
        pdfmetrics.registerFont(font)
    return fonts


def _check_glyphs(source: Source) -> None:
    """A missing glyph would be drawn as a box and extracted as nothing: fail instead."""
    known = _fonts()["Vera"].face.charToGlyph
    missing = {sign for sign in source.body + source.stamp if sign != "\n" and ord(sign) not in known}
    if missing:
        raise ValueError(f"{source.file}: the font lacks {sorted(missing)}")


def _style(size: float, font: str = "Vera", **more: object) -> ParagraphStyle:
    return ParagraphStyle("sample", fontName=font, fontSize=size, leading=size * 1.45, **more)


def _frame(source: Source) -> Callable[[Canvas, object], None]:
    page_word = "Seite" if source.language == "de" else "Page"

    def draw(canvas: Canvas, _document: object) -> None:
        canvas.saveState()
        canvas.setFont("Vera", 8)
        canvas.setFillColor(colors.HexColor("#555555"))
        canvas.drawString(2.5 * cm, A4[1] - 1.6 * cm, source.house)
        canvas.drawRightString(A4[0] - 2.5 * cm, A4[1] - 1.6 * cm, source.title)
        canvas.line(2.5 * cm, A4[1] - 1.8 * cm, A4[0] - 2.5 * cm, A4[1] - 1.8 * cm)
        canvas.drawString(2.5 * cm, 1.3 * cm, source.stamp)
        canvas.drawRightString(A4[0] - 2.5 * cm, 1.3 * cm, f"{page_word} {canvas.getPageNumber()}")
        canvas.restoreState()

    return draw


def _numbered(blocks: tuple[Block, ...]) -> list[tuple[Block, int]]:
    """Steps count from one in every list."""
    numbered: list[tuple[Block, int]] = []
    number = 0
    for block in blocks:
        number = number + 1 if block.kind == "step" else 0
        numbered.append((block, number))
    return numbered


def _flow(block: Block, number: int) -> list[Flowable]:
    if block.kind == "table":
        return [_table(block.rows), Spacer(1, 12)]
    if block.kind == "heading":
        size = {1: 19.0, 2: 13.5, 3: 11.0}[block.level]
        style = _style(size, "VeraBd", spaceBefore=14, spaceAfter=7, textColor=_ACCENT, keepWithNext=1)
        heading = Paragraph(escape(block.text), style)
        heading.outline_level = block.level - 1
        return [heading]
    if block.kind == "paragraph":
        return [Paragraph(escape(block.text), _style(10.5, spaceAfter=9))]
    bullet = f"{number}." if number else "•"
    return [Paragraph(escape(block.text), _style(10.5, leftIndent=18, spaceAfter=4), bulletText=bullet)]


def _table(rows: Rows) -> Table:
    """Columns as wide as their longest cell asks for, within the page."""
    longest = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    wanted = [min(max(length, 9), 42) for length in longest]
    widths = [_WIDTH * part / sum(wanted) for part in wanted]
    cells = [
        [Paragraph(escape(cell), _style(9.2, "VeraBd" if index == 0 else "Vera")) for cell in row]
        for index, row in enumerate(rows)
    ]
    table = Table(cells, colWidths=widths, repeatRows=1, spaceBefore=4)
    table.setStyle(
        TableStyle(
            [
                ("GRID", (0, 0), (-1, -1), 0.4, colors.HexColor("#9aa5ab")),
                ("BACKGROUND", (0, 0), (-1, 0), colors.HexColor("#e4edf0")),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ]
        )
    )
    return table
