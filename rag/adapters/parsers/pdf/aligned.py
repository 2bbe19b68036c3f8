"""A flow → its strips and tables, those without lines too: cells that stand under one another in columns.

A table's line is not yet its row: a cell that wraps goes on below. Where rows are set apart, the room between them
tells; where they are not, a line whose first column is empty goes on with the row above.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from rag.adapters.parsers.pdf.columns import Flow, Item
from rag.adapters.parsers.pdf.grid import Cells, Table, unstacked
from rag.adapters.parsers.pdf.rules import Rule
from rag.adapters.parsers.pdf.strips import LABEL, Strip, joined

_CELL_CHARACTERS = 70
"""Longer on average, and it is prose that happens to have gaps."""
_FURTHEST = 3.0
"""In type sizes, from base line to base line: further below, and something else begins."""
_SET_APART = 1.25
"""Rows stand this much further apart than the lines within them, where they are set apart."""
_WRAPPED = 1.7
"""In type sizes: lines of one cell are not further apart."""

_Runs = list[Strip]


def read(flow: Flow, level: Sequence[Rule]) -> list[Item]:
    """The flow's items, with lines that form a table put together. `level`: ruling lines from left to right."""
    done: list[Item] = []
    lines: list[_Runs] = []
    for item in (*flow.items, None):
        if isinstance(item, Strip):
            lines.append(item.cut())
            continue
        done += _tables(lines, level)
        lines = []
        if item is not None:
            done.append(item)
    return done


def _tables(lines: list[_Runs], level: Sequence[Rule]) -> list[Item]:
    done: list[Item] = []
    at = 0
    while at < len(lines):
        end = _block(lines, at) if len(lines[at]) > 1 else at
        table = _table(lines[at:end], level) if end - at > 1 else None
        if table is None:
            done.append(joined(lines[at]))
            at += 1
        else:
            done.append(table)
            at = end
    return done


def _block(lines: list[_Runs], start: int) -> int:
    """How far the columns that begin here go down. A line with one run ends it, unless it goes on a cell."""
    columns = _columns(lines[start : start + 1])
    end = start + 1
    for at in range(start + 1, len(lines)):
        runs = lines[at]
        if runs[0].base - lines[at - 1][0].base > _FURTHEST * runs[0].size:
            break
        wider = _columns([columns, runs])
        if len(wider) < max(2, len(columns)) or (len(runs) == 1 and not _fits(runs[0], columns)):
            break
        columns = wider
        if len(runs) > 1 or runs[0].left >= columns[1].left - runs[0].size or _goes_on(lines, start, at):
            end = at + 1
    return end


def _fits(run: Strip, columns: _Runs) -> bool:
    """Within one column: beside its neighbours, and hardly wider than what it has held so far, but for the last."""
    under = [c for c in columns if c.left < run.right and c.right > run.left]
    if len(under) != 1:
        return False
    return run.right <= under[0].right + 4 * run.size or (under[0] is columns[-1] and run.left >= under[0].left)


def _goes_on(lines: list[_Runs], start: int, at: int) -> bool:
    """A line under the first column alone: its cell's second line if rows are set apart and this one is not."""
    pitches = [b[0].base - a[0].base for a, b in zip(lines[start:at], lines[start + 1 : at], strict=False)]
    pitch = lines[at][0].base - lines[at - 1][0].base
    return bool(pitches) and _SET_APART * pitch < max(pitches) and pitch <= _WRAPPED * lines[at][0].size


def _columns(lines: Sequence[_Runs]) -> _Runs:
    """Runs of all lines, put together where they stand under one another."""
    merged: _Runs = []
    for run in sorted((run for runs in lines for run in runs), key=lambda r: r.left):
        if merged and run.left < merged[-1].right:
            merged[-1] = Strip(words=(*merged[-1].words, *run.words), sheet=run.sheet)
        else:
            merged.append(run)
    return merged


def _table(lines: list[_Runs], level: Sequence[Rule]) -> Table | None:
    columns = _columns(lines)
    runs = [run for line in lines for run in line]
    several = sum(len(line) > 1 for line in lines)
    if several < 2 or len(columns) < 2 or sum(len(run.text) for run in runs) / len(runs) > _CELL_CHARACTERS:
        return None
    cells = [_cells(line, columns) for line in lines]
    if all(not row[0] or LABEL.fullmatch(row[0][0].text) for row in cells) and len(columns) == 2:
        return None  # a list with wide gaps behind its bullets
    left, right = columns[0].left, max(column.right for column in columns)
    edges = tuple(column.left for column in columns)
    rows = _rows(cells, edges, [rule for rule in level if rule.start < right and rule.end > left])
    if len(rows) < 2:
        return None
    return Table(
        rows=rows, edges=edges, left=left,
        top=min(run.top for run in lines[0]), right=right, bottom=max(run.bottom for run in lines[-1]),
        sheet=lines[0][0].sheet,
    )  # fmt: skip


def _cells(line: _Runs, columns: _Runs) -> Cells:
    """Per column what this line holds of it."""
    return [[run for run in line if run.left < column.right and run.right > column.left] for column in columns]


def _rows(lines: list[Cells], edges: tuple[float, ...], level: Sequence[Rule]) -> list[Cells]:
    """Lines put together to rows."""
    bases = [next(cell for cell in line if cell)[0] for line in lines]
    pitches = [b.base - a.base for a, b in itertools.pairwise(bases)]
    apart = _distance_of_rows(lines, bases, pitches, edges)
    rows = [lines[0]]
    for line, before, above, strip, pitch in zip(lines[1:], lines, bases, bases[1:], pitches, strict=False):
        is_ruled = any(above.base < rule.at < strip.base for rule in level)
        begins = is_ruled or _counts_on(before, line) or _begins(line, pitch, strip.size, apart)
        if begins and (len(rows) > 1 or is_ruled or not _is_header(rows[0], line, pitch)):
            rows.append(line)
        else:
            rows[-1] = [[*upper, *lower] for upper, lower in zip(rows[-1], line, strict=True)]
    return [whole for row in rows for whole in unstacked(row)]


def _distance_of_rows(lines: list[Cells], bases: _Runs, pitches: list[float], edges: tuple[float, ...]) -> float | None:
    """Lines further apart than this are of two rows; `None` if rows are not set apart.

    They are if there are two distances and the closer lines go on with cells: they fill only some of the columns, are
    the fewer, or begin with words that had no room above.
    """
    least = min((p for p, strip in zip(pitches, bases, strict=False) if p >= 0.9 * strip.size), default=0.0)
    close = [at for at, pitch in enumerate(pitches, start=1) if pitch <= _SET_APART * least]
    if not 0 < len(close) < len(pitches):
        return None
    whole = sum(all(lines[at]) for at in close)
    go_on = whole < 0.5 * len(close) or len(pitches) >= 2 * len(close) or _had_no_room(lines, close, edges)
    return _SET_APART * least if go_on else None


def _had_no_room(lines: list[Cells], close: list[int], edges: tuple[float, ...]) -> bool:
    """Whether the first words of these lines would not have fitted into the cells above them. The last column is open."""
    rooms = []
    for column, edge in enumerate(edges[1:]):
        widest = max(strip.right for line in lines for strip in line[column])
        for above, below in ((lines[at - 1][column], lines[at][column]) for at in close):
            if above and below:
                word = below[0].words[0]
                limit = max(widest, edge - 2 * word.size)
                rooms.append(above[-1].right + 0.3 * word.size + word.right - word.left <= limit)
    return bool(rooms) and sum(rooms) <= 0.25 * len(rooms)


def _counts_on(before: Cells, line: Cells) -> bool:
    """A figure under a figure is another one, not its second line."""
    both = sum(_are_figures(upper) and _are_figures(lower) for upper, lower in zip(before, line, strict=True))
    return both >= min(2, len(line) - 1)


def _are_figures(cell: list[Strip]) -> bool:
    return bool(cell) and all(strip.is_figure for strip in cell)


def _begins(line: Cells, pitch: float, size: float, apart: float | None) -> bool:
    """Whether a new row begins with this line."""
    if pitch < 0.9 * size:
        return False
    return pitch > apart if apart is not None else bool(line[0]) or pitch > _WRAPPED * size


def _is_header(first: Cells, line: Cells, pitch: float) -> bool:
    """A header over two lines: its corner is empty above, and both are bold."""
    strips = [strip for cells in (first, line) for cell in cells for strip in cell]
    return not first[0] and all(strip.bold for strip in strips) and pitch <= _WRAPPED * strips[0].size
