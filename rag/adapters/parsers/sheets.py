"""XLSX and CSV → a table per block of filled rows, cells as they are shown, a cell range per row."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import openpyxl
from openpyxl.utils import get_column_letter
from openpyxl.utils.cell import range_boundaries

from rag.adapters.parsers.building import Building, Line, Row, row
from rag.adapters.parsers.shown import shown
from rag.adapters.parsers.text import decoded
from rag.errors import Permanent
from rag.language import detect
from rag.types import Document, Parsed, Place

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV = "text/csv"
_MOST_ROWS = 100_000
"""That hold something."""
_MOST_CELLS = 10_000_000
"""Up to which a sheet is walked as the rectangle that it claims to be."""
_REPEATED_CHARACTERS = 80
"""A cell over several rows is said in each of them, unless it is a text of its own."""
_DELIMITERS = (";", ",", "\t", "|")
_SAMPLE_ROWS, _SAMPLE_COLUMNS = 100, 100
_NUMBER = re.compile(r"[-+−]?[\d.,'\s]*\d\s*(?:%|€|EUR|Euro|\$|£|CHF)?|\d{1,4}[-./]\d{1,2}[-./]\d{1,4}", re.IGNORECASE)
_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s[^>]*?ref=\"([A-Z]{1,3}\d{1,7}:[A-Z]{1,3}\d{1,7})\"")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cells:
    """A filled row of a sheet: 1-based number, and its texts from the first column on."""

    number: int
    texts: list[str]


def parse_xlsx(document: Document) -> Parsed:
    """Visible sheets; formulas' stored values. Raises `Permanent("too_many_rows")`."""
    file = openpyxl.load_workbook(io.BytesIO(document.content), read_only=True, data_only=True)
    building = Building()
    visible = [sheet for sheet in file.worksheets if sheet.sheet_state == "visible"]
    german = (document.language or _language(visible)) == "de"
    for sheet in visible:
        building.title(Line(text=sheet.title, place=Place(start=0, end=0, sheet=sheet.title)), 1)
        for block in _blocks(_filled(sheet, german=german)):
            building.table([_row(cells, sheet.title) for cells in block], has_header=not _is_data(block[0]))
    return building.parsed(document, XLSX, title=file.properties.title, pages=len(visible))


def _language(sheets: Iterable[Any]) -> str:
    """Of the texts in the first rows of every sheet."""
    texts = [
        value
        for sheet in sheets
        for values in sheet.iter_rows(values_only=True, max_row=_SAMPLE_ROWS)
        for value in values[:_SAMPLE_COLUMNS]
        if isinstance(value, str)
    ]
    return detect(" ".join(texts), ("de", "en"))


def _filled(sheet: Any, *, german: bool) -> Iterable[_Cells]:
    merged = _merged(sheet)
    reach: dict[int, tuple[int, str]] = {}
    filled = 0
    if (sheet.max_row or 0) * (sheet.max_column or 0) > _MOST_CELLS:  # mostly empty: the reader would make each cell
        sheet.reset_dimensions()
    for number, cells in enumerate(sheet.iter_rows(), start=1):
        texts = ["" if cell.value is None else shown(cell.value, cell.number_format, german=german) for cell in cells]
        for column, (last, text) in list(reach.items()):
            if number > last:
                del reach[column]
            elif column <= len(texts) and not texts[column - 1] and len(text) <= _REPEATED_CHARACTERS:
                texts[column - 1] = text
        for column, last in merged.get(number, ()):
            reach[column] = (last, texts[column - 1] if column <= len(texts) else "")
        filled += any(texts)
        if filled > _MOST_ROWS:
            raise Permanent("too_many_rows", f"A sheet has more than {_MOST_ROWS} rows.", hint="Split it.")
        yield _Cells(number=number, texts=texts)


def _merged(sheet: Any) -> dict[int, list[tuple[int, int]]]:
    """Row → the columns in which cells over several rows begin there, and their last rows.

    openpyxl's reader for large files leaves merged cells out, so they are taken from the sheet's own part of the file.
    """
    found: dict[int, list[tuple[int, int]]] = {}
    with sheet.parent._archive.open(sheet._worksheet_path) as part:  # noqa: SLF001 - not said anywhere else
        rest = b""
        while data := part.read(1 << 20):
            rest += data
            for match in _MERGED.finditer(rest):
                left, top, _, bottom = range_boundaries(match[1].decode())
                if bottom > top and (left, bottom) not in found.setdefault(top, []):
                    found[top].append((left, bottom))
            rest = rest[-200:]
    return found


def _blocks(rows: Iterable[_Cells]) -> list[list[_Cells]]:
    """Cut at empty rows, where what follows has a header of its own."""
    blocks: list[list[_Cells]] = []
    after_gap = True
    for cells in rows:
        if not any(text.strip() for text in cells.texts):
            after_gap = True
            continue
        if not blocks or (after_gap and not _is_data(cells)):
            blocks.append([])
        blocks[-1].append(cells)
        after_gap = False
    return blocks


def _is_data(cells: _Cells) -> bool:
    """Whether a row holds figures, as headers do not; years in a row may well be a header."""
    filled = [text.strip() for text in cells.texts if text.strip()]
    return any(_NUMBER.fullmatch(text) and not re.fullmatch(r"(?:19|20)\d\d", text) for text in filled)


def _row(cells: _Cells, sheet: str | None) -> Row:
    filled = [column for column, text in enumerate(cells.texts) if text.strip()]
    first, last = get_column_letter(filled[0] + 1), get_column_letter(filled[-1] + 1)
    return row(cells.texts, Place(start=0, end=0, sheet=sheet, cells=f"{first}{cells.number}:{last}{cells.number}"))


def parse_csv(document: Document) -> Parsed:
    """Raises `Permanent("too_many_rows")`."""
    text = decoded(document.content)
    named = re.match(r"sep=(.)\r?\n", text)
    delimiter = named[1] if named else _delimiter(text)
    records = csv.reader(io.StringIO(text[named.end() :] if named else text, newline=""), delimiter=delimiter)
    numbered = enumerate(records, start=2 if named else 1)
    filled = (_Cells(number=number, texts=texts) for number, texts in numbered if any(text.strip() for text in texts))
    rows = list(islice(filled, _MOST_ROWS + 1))
    if len(rows) > _MOST_ROWS:
        raise Permanent("too_many_rows", f"The file has more than {_MOST_ROWS} rows.", hint="Split it.")
    building = Building()
    if rows:
        building.table([_row(cells, None) for cells in rows], has_header=not _is_data(rows[0]))
    return building.parsed(document, CSV)


def _delimiter(text: str) -> str:
    """The one that cuts most rows into the same number of cells. Decimal commas cut rows unevenly."""
    scores = [(*_evenness(text, delimiter), delimiter) for delimiter in _DELIMITERS]
    even, _, best = max(scores, key=lambda score: score[:2])
    return best if even > 0 else ","


def _evenness(text: str, delimiter: str) -> tuple[float, int]:
    """Share of rows with the header's number of cells, and that number; zero if it does not cut the header."""
    reader = csv.reader(io.StringIO(text[:200_000], newline=""), delimiter=delimiter)
    widths: Sequence[int] = [len(cells) for cells, _ in zip(reader, range(_SAMPLE_ROWS), strict=False) if cells]
    if not widths or max(widths[:3]) < 2:
        return 0.0, 0
    usual = max(set(widths), key=widths.count)
    return (widths.count(usual) / len(widths) if usual > 1 else 0.0), usual
