"""Table columns → spans of personal data. Pure. Run by the guard over the whole text, because a header may be far away.

Rows are lines whose cells are joined by " | " (see `Parsed.text`). A column is personal if its header says so; under a
bare "Name" only if the cells look like persons, because products have names too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from rag.adapters.guard.numbers import BIRTH_LABELS, DATE
from rag.adapters.guard.settings import NumberKind
from rag.adapters.guard.spans import Span
from rag.adapters.guard.words import first_names, not_names, surnames

_CELL = re.compile(r"[^|]+")
_DATE = re.compile(DATE, re.IGNORECASE)
_SURE_HEADER = re.compile(
    r"(?i)(?:vor- und (?:nach|zu)name|vorname[n]?|nachname|zuname|familienname|geburtsname|rufname|first name|given name|"
    r"last name|family name|surname|full name|patient name)"
)
"""Nothing but names stands below, also such as no list knows."""
_PERSON_HEADER = re.compile(
    r"(?i)(?:patient(?:in|en)?|versicherte[r]?|mitarbeiter(?:in)?|mitarbeitende[r]?|ansprechpartner(?:in)?|employee|"
    r"contact person)(?:/in|\*in|:in)?"
)
_NAME_HEADER = re.compile(
    r"(?i)(?:name|kontakt|contact|person|bearbeiter(?:in)?|verantwortlich(?:e[r]?)?|owner|responsible)"
)
_BIRTH_HEADER = re.compile(rf"(?i){BIRTH_LABELS}")
_ADDRESS_HEADER = re.compile(
    r"(?i)(?:(?:privat)?anschrift|(?:privat|wohn)?adresse|wohnort|straße|(?:home )?address|street)"
)
_PHONE_HEADER = re.compile(r"(?i)(?:telefon(?:nummer)?|tel\.?|mobil(?:nummer|telefon)?|handy|phone(?: number)?|mobile)")
_BY_HEADER = (
    (_SURE_HEADER, "PERSON"), (_BIRTH_HEADER, "DATE_OF_BIRTH"), (_PHONE_HEADER, "PHONE_NUMBER"),
    (_ADDRESS_HEADER, "ADDRESS"),
)  # fmt: skip
"""What stands below does not matter."""
_NAME_CELL = re.compile(r"(?:[^\W\d_][\w.'’-]*,?[ ]?){1,5}")
_MOSTLY = 0.5

Row = list[tuple[int, int]]


class TableFinder:
    """Implements `Finder`."""

    def __init__(self, kinds: Sequence[NumberKind]) -> None:
        self._numbers = [(k.entity, frozenset(x.lower().rstrip(".") for x in k.labels)) for k in kinds]
        self._names = first_names() | surnames()
        self._stop = not_names()

    def find(self, text: str) -> Iterator[Span]:
        for rows in _tables(text):
            for column, (start, end) in enumerate(rows[0]):
                cells = [row[column] for row in rows[1:] if column < len(row)]
                yield from self._column(text, text[start:end], [c for c in cells if c[0] < c[1]])

    def _column(self, text: str, header: str, cells: Row) -> Iterator[Span]:
        entity = self._entity(header.strip(" *:"), [text[a:b] for a, b in cells])
        if entity is None:
            return
        for start, end in cells:
            if _fits(entity, text[start:end]):
                yield Span(entity, start, end, 0.8, "table")

    def _entity(self, header: str, cells: list[str]) -> str | None:
        for pattern, entity in _BY_HEADER:
            if pattern.fullmatch(header):
                return entity
        for pattern, least in ((_PERSON_HEADER, 0.0), (_NAME_HEADER, _MOSTLY)):
            if pattern.fullmatch(header):
                share = self._persons(cells)
                return "PERSON" if share > 0 and share >= least else None
        plain = header.lower().rstrip(".")
        return next((entity for entity, labels in self._numbers if plain in labels), None)

    def _persons(self, cells: list[str]) -> float:
        """Share of the cells that hold a listed name and nothing that is none."""
        if not cells:
            return 0.0
        words = [re.findall(r"[^\W\d_]+", cell.lower()) for cell in cells]
        return sum(any(w in self._names for w in ws) and not any(w in self._stop for w in ws) for ws in words) / len(
            cells
        )


def _fits(entity: str, cell: str) -> bool:
    match entity:
        case "PERSON":
            return bool(_NAME_CELL.fullmatch(cell)) and cell[:1].isupper()
        case "DATE_OF_BIRTH":
            return bool(_DATE.fullmatch(cell))
        case "PHONE_NUMBER":
            return sum(c.isdigit() for c in cell) >= 6
        case "ADDRESS":
            return len(cell) > 5 and any(c.isdigit() for c in cell)
        case _:
            return any(c.isdigit() for c in cell)


def _tables(text: str) -> Iterator[list[Row]]:
    """Blocks of at least two adjacent rows of the same width, as spans of their cells."""
    block: list[Row] = []
    at = 0
    for line in text.split("\n"):
        row = _row(line, at) if " | " in line else []
        if block and len(row) != len(block[0]):
            if len(block) > 1:
                yield block
            block = []
        if row:
            block.append(row)
        at += len(line) + 1
    if len(block) > 1:
        yield block


def _row(line: str, at: int) -> Row:
    cells = []
    for found in _CELL.finditer(line):
        cell = found.group()
        start = at + found.start() + len(cell) - len(cell.lstrip())
        cells.append((start, max(start, at + found.start() + len(cell.rstrip()))))
    return cells
