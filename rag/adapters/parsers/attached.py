"""A file inside a file → its text under its name. Used for attachments of mails and PDFs, and for archives."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import replace

from rag.adapters.parsers.building import Building, Line, row
from rag.errors import Permanent
from rag.types import Document, Element, Parsed, Place

Read = Callable[[Document], Parsed]


def add_file(building: Building, name: str, content: bytes, document: Document, read: Read, *, level: int) -> None:
    """Under its name as heading, with the name as the part that a citation opens.

    One that cannot be read is named, and the file around it goes on.
    """
    building.title(Line(text=name), level)
    if not content:
        return
    try:
        parsed = read(replace(document, content=content, path=name, title=None))
    except Permanent:
        return
    for element in parsed.elements:
        lines = list(_lines(parsed, element, name))
        if element.kind == "title":
            building.title(lines, min((element.level or 1) + level, 6))
        elif element.kind == "table":
            building.table(
                [row(line.text.split(" | "), line.place) for line in lines], has_header=element.header_end is not None
            )
        else:
            building.paragraph(lines, element.kind, "\n")


def _lines(parsed: Parsed, element: Element, name: str) -> Iterator[Line]:
    start = element.start
    for text in parsed.text[element.start : element.end].split("\n"):
        yield Line(text=text, place=_inside(parsed, start, start + len(text), name))
        start += len(text) + 1


def _inside(parsed: Parsed, start: int, end: int, name: str) -> Place:
    """The part, and where in it; not its page, whose picture would be one of the file around it."""
    at = bisect_right(parsed.places, start, key=lambda place: place.end)
    inner = parsed.places[at] if at < len(parsed.places) and parsed.places[at].start < end else None
    if inner is None:
        return Place(start=0, end=0, part=name)
    part = f"{name}/{inner.part}" if inner.part else name
    return Place(start=0, end=0, part=part, slide=inner.slide, sheet=inner.sheet, cells=inner.cells)
