"""Pieces in reading order → one text with elements and places. Used by every parser; knows no format."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from rag.types import Document, Element, ElementKind, Parsed, Place

_NOWHERE = Place(start=0, end=0)
_BREAKS = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_MOST_CHARACTERS_OF_TITLE = 300
_NO_TITLE = re.compile(
    r"\W*|\W*(?:untitled|unbenannt|ohne titel|anonymous|slide 1|folie 1|presentation|präsentation|"
    r"powerpoint[ -]?(?:presentation|präsentation)|document\d*|dokument\d*)\W*|"
    r"microsoft (?:word|excel|powerpoint) - .*|.*\.(?:docx?|xlsx?|pptx?|pdf|indd|tex|dvi|qxd|odt|rtf|html?)",
    re.IGNORECASE,
)
"""What programs write into a file's title by themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A piece of text and where it stands; the spans of `place` are set by the builder.

    Attributes:
        joint: what stands between this piece and the one before it; `None` = what the element puts there.
    """

    text: str
    place: Place = _NOWHERE
    joint: str | None = None


Cell = Sequence[Line]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of a table. Either the row has a place (a range of cells) or each line of its cells has one (PDF)."""

    cells: Sequence[Cell]
    place: Place = _NOWHERE


def row(texts: Iterable[str], place: Place = _NOWHERE) -> Row:
    """One line a cell."""
    return Row(cells=[(Line(text=text),) for text in texts], place=place)


def clean(text: str) -> str:
    """NFC with plain spaces and newlines; control, zero-width and soft-hyphen characters go."""
    text = unicodedata.normalize("NFC", _BREAKS.sub("\n", text))
    return text if text.isascii() and text.isprintable() else "".join(map(_plain, text))


def _plain(character: str) -> str:
    if character in "\n\t":
        return character
    category = unicodedata.category(character)
    return " " if category == "Zs" else "" if category in {"Cc", "Cf", "Cs", "Co", "Cn"} else character


class Building:
    """Elements are separated by a blank line, rows of a table by a newline, lines of a paragraph by a space."""

    def __init__(self) -> None:
        self._text: list[str] = []
        self._length = 0
        self._elements: list[Element] = []
        self._places: list[Place] = []
        self._headings: list[tuple[int, str]] = []
        self._titles: dict[str, tuple[int, int]] = {}
        self._echoes: list[Place] = []

    @property
    def length(self) -> int:
        return self._length

    def title(self, lines: Line | Sequence[Line], level: int) -> None:
        """A heading; those of the same or a deeper level above it end here."""
        kept = _folded([lines] if isinstance(lines, Line) else lines)
        if not kept:
            return
        self._headings = [(at, name) for at, name in self._headings if at < level]
        start = self._begin()
        text = "".join(self._lines(kept, " "))
        self._end("title", start, level=level)
        self._headings.append((level, text))
        self._titles.setdefault(text, (start, self._length))

    def paragraph(self, lines: Sequence[Line], kind: ElementKind = "paragraph", between: str = " ") -> None:
        kept = [cleaned for line in lines if (cleaned := replace(line, text=clean(line.text).strip())).text]
        if kept:
            start = self._begin()
            self._lines(kept, between)
            self._end(kind, start)

    def table(self, rows: Sequence[Row], *, has_header: bool = True) -> None:
        """Cells are joined by " | ", empty ones at a row's end left out, empty rows too. The first row is the header.

        What stands alone in a row above the header is a caption, and a paragraph.
        """
        filled = [trimmed for row in rows if (trimmed := _trimmed(row)).cells]
        while _has_caption(filled):
            self._caption(filled.pop(0))
        if not filled:
            return
        start, header_end = self._begin(), None
        for number, row in enumerate(filled):
            if number:
                self._add("\n")
            self._row(row)
            if has_header and number == 0 and len(filled) > 1:
                header_end = self._length
        self._end("table", start, header_end=header_end)

    def under(self, heading: str, level: int) -> None:
        """A heading for what follows, which says it itself."""
        self._headings = [(at, name) for at, name in self._headings if at < level]
        if text := " ".join(clean(heading).split()):
            self._headings.append((level, text))

    def aside(self) -> None:
        """What follows stands under no heading."""
        self._headings = []

    def echo(self, line: Line, again: Iterable[Place]) -> None:
        """Words that come back on other pages: said once, under no heading, or not at all if they are a heading."""
        text = " ".join(clean(line.text).split())
        span = self._titles.get(text)
        if span is None:
            self.aside()
            self.paragraph([line])
            span = (self._elements[-1].start, self._elements[-1].end)
        else:
            self._echoes.append(replace(line.place, start=span[0], end=span[1]))
        self._echoes += [replace(place, start=span[0], end=span[1]) for place in again]

    def parsed(
        self, document: Document, media_type: str, *, title: str | None = None, pages: int | None = None
    ) -> Parsed:
        """The title is the sidecar's, the file's own, the first heading, or the name of the file."""
        stored = " ".join(clean(title or "").split())
        inside = next(iter(self._titles), None)
        own = inside if _NO_TITLE.fullmatch(stored) else stored
        named = document.title or own or PurePosixPath(document.path).stem
        return Parsed(
            document=document, media_type=media_type, title=" ".join(named.split())[:_MOST_CHARACTERS_OF_TITLE],
            text="".join(self._text), elements=tuple(self._elements), places=tuple(self._places), pages=pages,
            echoes=tuple(self._echoes),
        )  # fmt: skip

    def _begin(self) -> int:
        if self._length:
            self._add("\n\n")
        return self._length

    def _end(self, kind: ElementKind, start: int, *, level: int | None = None, header_end: int | None = None) -> None:
        headings = tuple(name for _, name in self._headings)
        self._elements.append(
            Element(kind=kind, start=start, end=self._length, level=level, headings=headings, header_end=header_end)
        )

    def _caption(self, row: Row) -> None:
        start = self._begin()
        self._row(replace(row, cells=[cell for cell in row.cells if cell]))
        self._end("paragraph", start)

    def _row(self, row: Row) -> None:
        start = self._length
        for number, cell in enumerate(row.cells):
            if number:
                self._add(" | " if self._length > start else "| ")
            self._lines(cell, " ")
        if row.place != _NOWHERE:
            self._places.append(replace(row.place, start=start, end=self._length))

    def _lines(self, lines: Sequence[Line], between: str) -> list[str]:
        """Returns what it added."""
        before = len(self._text)
        for number, line in enumerate(lines):
            if number:
                self._add(between if line.joint is None else line.joint)
            start = self._length
            self._add(line.text)
            if line.place != _NOWHERE:
                self._places.append(replace(line.place, start=start, end=self._length))
        return self._text[before:]

    def _add(self, text: str) -> None:
        self._text.append(text)
        self._length += len(text)


def _folded(lines: Sequence[Line]) -> list[Line]:
    """White space folded, empty lines gone."""
    folded = (replace(line, text=" ".join(clean(line.text).split())) for line in lines)
    return [line for line in folded if line.text]


def _has_caption(rows: Sequence[Row]) -> bool:
    widths = [_width(row) for row in rows]
    return widths == [1] or (len(widths) > 2 and widths[0] == 1 < max(widths))


def _width(row: Row) -> int:
    return sum(bool(cell) for cell in row.cells)


def _trimmed(row: Row) -> Row:
    cells = [_folded(cell) for cell in row.cells]
    while cells and not cells[-1]:
        cells.pop()
    return replace(row, cells=cells)
