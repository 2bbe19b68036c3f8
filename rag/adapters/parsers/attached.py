"""A file inside a file → its text under its name. Used for attachments of mails and PDFs, and for archives."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from rag.adapters.parsers.building import Building, Line, row
from rag.errors import Permanent
from rag.types import Document, Parsed, Place

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
    place = Place(start=0, end=0, part=name)
    for element in parsed.elements:
        lines = [Line(text=line, place=place) for line in parsed.text[element.start : element.end].split("\n")]
        if element.kind == "title":
            building.title(lines, min((element.level or 1) + level, 6))
        elif element.kind == "table":
            building.table(
                [row(line.text.split(" | "), place) for line in lines], has_header=element.header_end is not None
            )
        else:
            building.paragraph(lines, element.kind, "\n")
