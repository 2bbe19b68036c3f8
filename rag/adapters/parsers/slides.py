"""PPTX → one element a slide: title, texts, tables, figures of charts, and what the speaker noted."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from typing import Any

import pptx
from pptx.enum.shapes import PP_PLACEHOLDER
from pptx.util import Length

from rag.adapters.parsers.building import Building, Line
from rag.types import Document, Parsed, Place

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
_ON_EVERY_SLIDE = {PP_PLACEHOLDER.DATE, PP_PLACEHOLDER.FOOTER, PP_PLACEHOLDER.HEADER, PP_PLACEHOLDER.SLIDE_NUMBER}
_SAME_HEIGHT = Length(228600)
"""A quarter of an inch: shapes whose tops differ by less stand side by side."""


def parse_pptx(document: Document) -> Parsed:
    """A slide's title is its first line, and the heading of the parts that a long slide is cut into."""
    file = pptx.Presentation(io.BytesIO(document.content))
    building = Building()
    for number, slide in enumerate(file.slides, start=1):
        place = Place(start=0, end=0, slide=number)
        lines = [Line(text=text, place=place) for text in _texts(slide) if text.strip()]
        title = slide.shapes.title
        building.aside()
        if title is not None and len(lines) > 1:
            building.under(_flat(title.text_frame.text), 1)
        building.paragraph(lines, "slide", "\n")
    return building.parsed(document, MEDIA_TYPE, title=file.core_properties.title, pages=len(file.slides))


def _texts(slide: Any) -> Iterator[str]:
    """The title first; then as a reader goes, from top to bottom and from left to right; then the notes."""
    title = slide.shapes.title
    if title is not None:
        yield _flat(title.text_frame.text)
    for shape in _in_order(slide.shapes):
        if title is None or shape.shape_id != title.shape_id:
            yield from _shape_texts(shape)
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        yield from (_flat(paragraph.text) for paragraph in slide.notes_slide.notes_text_frame.paragraphs)


def _in_order(shapes: Iterable[Any]) -> list[Any]:
    return sorted(shapes, key=lambda shape: ((shape.top or 0) // _SAME_HEIGHT, shape.left or 0))


def _shape_texts(shape: Any) -> Iterator[str]:
    if shape.is_placeholder and shape.placeholder_format.type in _ON_EVERY_SLIDE:
        return
    if hasattr(shape, "shapes"):  # a group
        for member in _in_order(shape.shapes):
            yield from _shape_texts(member)
    if shape.has_text_frame:
        yield from (_flat(paragraph.text) for paragraph in shape.text_frame.paragraphs)
    if getattr(shape, "has_table", False):
        yield from (_row(row.cells) for row in shape.table.rows)
    if getattr(shape, "has_chart", False):
        yield from _chart_texts(shape.chart)


def _row(cells: Iterable[Any]) -> str:
    """A merged cell is said where it begins."""
    texts = ["" if cell.is_spanned else _flat(cell.text_frame.text) for cell in cells]
    return " | ".join(texts).rstrip(" |")


def _chart_texts(chart: Any) -> Iterator[str]:
    """Its title, then a row a category: what the bars stand for, as the file keeps it."""
    if chart.has_title and chart.chart_title.has_text_frame:
        yield _flat(chart.chart_title.text_frame.text)
    for plot in chart.plots:
        series = list(plot.series)
        yield " | ".join(["", *(_flat(one.name or "") for one in series)]).strip(" |")
        for at, category in enumerate(plot.categories):
            values = [one.values[at] if at < len(one.values) else None for one in series]
            yield " | ".join([_flat(str(category)), *("" if value is None else f"{value:g}" for value in values)])


def _flat(text: str) -> str:
    return " ".join(text.split())
