"""Pieces in reading order → one text with elements and places. Used by every parser; knows no format."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from rag.types import Document, Element, ElementKind, Parsed, Place

_NOWHERE = Place(start=0, end=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of text and where it stands; the spans of `place` are set by the builder."""

    text: str
    place: Place = _NOWHERE


def clean(text: str) -> str:
    """NFC, without control and zero-width characters except newline and tab; soft hyphens go."""
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co", "Cn"})


class Building:
    """Elements are separated by a blank line, rows of a table by a newline, lines of a paragraph by a space."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._length = 0
        self._elements: list[Element] = []
        self._places: list[Place] = []
        self._headings: list[tuple[int, str]] = []

    @property
    def length(self) -> int:
        return self._length

    def title(self, line: Line, level: int) -> None:
        """A heading; those of the same or a deeper level above it end here."""
        text = " ".join(clean(line.text).split())
        if not text:
            return
        self._headings = [(at, name) for at, name in self._headings if at < level]
        self._element("title", [replace(line, text=text)], " ", level=level)
        self._headings.append((level, text))

    def paragraph(self, lines: list[Line], kind: ElementKind = "paragraph", between: str = " ") -> None:
        self._element(kind, lines, between)

    def table(self, rows: list[Line], *, has_header: bool = True) -> None:
        """Rows with cells joined by " | ". The first is the header if the format says so."""
        rows = [row for row in rows if row.text.replace("|", "").strip()]
        if rows:
            self._element("table", rows, "\n", header=has_header and len(rows) > 1)

    def parsed(
        self, document: Document, media_type: str, *, title: str | None = None, pages: int | None = None
    ) -> Parsed:
        own = next((self._span(e) for e in self._elements if e.kind == "title"), None)
        named = document.title or (clean(title).strip() if title else None) or own or PurePosixPath(document.path).stem
        return Parsed(
            document=document, media_type=media_type, title=" ".join(named.split())[:300], text="".join(self._text),
            elements=tuple(self._elements), places=tuple(self._places), pages=pages,
        )  # fmt: skip

    def _span(self, element: Element) -> str:
        return "".join(self._text)[element.start : element.end]

    def _element(
        self, kind: ElementKind, lines: list[Line], between: str, *, level: int | None = None, header: bool = False
    ) -> None:
        lines = [cleaned for line in lines if (cleaned := replace(line, text=clean(line.text).strip())).text]
        if not lines:
            return
        if self._length:
            self._add("\n\n")
        start, header_end = self._length, None
        for number, line in enumerate(lines):
            if number:
                self._add(between)
            self._line(line)
            if header and number == 0:
                header_end = self._length
        headings = tuple(name for _, name in self._headings)
        self._elements.append(
            Element(kind=kind, start=start, end=self._length, level=level, headings=headings, header_end=header_end)
        )

    def _line(self, line: Line) -> None:
        start = self._length
        self._add(line.text)
        if line.place != _NOWHERE:
            self._places.append(replace(line.place, start=start, end=self._length))

    def _add(self, text: str) -> None:
        self._text.append(text)
        self._length += len(text)
