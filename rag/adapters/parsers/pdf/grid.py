"""Ruling lines and words → the tables that are drawn. Merged cells are seen by the lines that are missing in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rag.adapters.parsers.pdf.rules import Rule, Rules, clustered
from rag.adapters.parsers.pdf.sheet import Sheet
from rag.adapters.parsers.pdf.strips import Strip, strips
from rag.adapters.parsers.pdf.words import Word

_MOST_RULES = 3_000
_CELL_CHARACTERS = 300
"""Longer on average, and the lines frame columns of prose, not a table."""
_REPEATED_CHARACTERS = 80
"""A cell over several rows is said in each of them, unless it is a text of its own."""

Cells = list[list[Strip]]
"""A row: per column the lines of its cell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows from top to bottom. `edges`: left edge of each column, by which a table is known on its next page."""

    rows: list[Cells]
    edges: tuple[float, ...]
    left: float
    top: float
    right: float
    bottom: float
    sheet: Sheet


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """Lines that hang together, as a raster."""

    xs: list[float]
    ys: list[float]
    rules: Rules


def tables(words: Sequence[Word], rules: Rules, sheet: Sheet) -> tuple[list[Table], list[Word]]:
    """The drawn tables, and the words that stand in none."""
    found: list[Table] = []
    rest = list(words)
    for frame in _frames(rules):
        inside = [word for word in rest if _holds(frame, word)]
        table = _table(frame, inside, sheet) if inside else None
        if table is not None:
            taken = set(map(id, inside))
            rest = [word for word in rest if id(word) not in taken]
            found.append(table)
    return found, rest


def _frames(rules: Rules) -> Iterable[_Frame]:
    """Largest first, so that a table in a cell does not tear its surroundings apart."""
    if len(rules.level) + len(rules.upright) > _MOST_RULES:
        return []
    group_of = list(range(len(rules.level) + len(rules.upright)))

    def root(at: int) -> int:
        while group_of[at] != at:
            group_of[at] = group_of[group_of[at]]
            at = group_of[at]
        return at

    for i, level in enumerate(rules.level):
        for j, upright in enumerate(rules.upright, start=len(rules.level)):
            if level.covers(upright.at) and upright.covers(level.at):
                group_of[root(i)] = root(j)
    groups: dict[int, tuple[list[Rule], list[Rule]]] = {}
    for at, rule in enumerate((*rules.level, *rules.upright)):
        groups.setdefault(root(at), ([], []))[at >= len(rules.level)].append(rule)
    frames = [
        _Frame(xs=xs, ys=ys, rules=Rules(level=tuple(level), upright=tuple(upright)))
        for level, upright in groups.values()
        if len(xs := clustered(r.at for r in upright)) >= 3 and len(ys := clustered(r.at for r in level)) >= 2
    ]
    return sorted(frames, key=lambda f: (f.xs[0] - f.xs[-1]) * (f.ys[-1] - f.ys[0]))


def _holds(frame: _Frame, word: Word) -> bool:
    x, y = _middle(word)
    return frame.xs[0] <= x <= frame.xs[-1] and frame.ys[0] <= y <= frame.ys[-1]


def _middle(word: Word) -> tuple[float, float]:
    return (word.left + word.right) / 2, word.base - 0.35 * word.size


def _table(frame: _Frame, inside: list[Word], sheet: Sheet) -> Table | None:
    """`None` if the lines are no table's: one column, one filled cell, or prose in frames."""
    cell_of = _cells(frame)
    held: dict[tuple[int, int], list[Word]] = {}
    for word in inside:
        x, y = _middle(word)
        slot = (_slot(frame.ys, y), _slot(frame.xs, x))
        held.setdefault(cell_of[slot], []).append(word)
    columns = {column for _, column in held}
    lengths = [sum(len(word.text) + 1 for word in words) for words in held.values()]
    if len(columns) < 2 or len(held) < 3 or sum(lengths) / len(lengths) > _CELL_CHARACTERS:
        return None
    lines = {cell: strips(words, sheet) for cell, words in held.items()}
    drawn = [row for at in range(len(frame.ys) - 1) if (row := _row(at, frame, cell_of, lines)) is not None]
    rows = [row for stacked in drawn for row in unstacked(stacked)]
    return Table(
        rows=rows, edges=tuple(frame.xs[:-1]),
        left=frame.xs[0], top=frame.ys[0], right=frame.xs[-1], bottom=frame.ys[-1], sheet=sheet,
    )  # fmt: skip


def _row(
    at: int, frame: _Frame, cell_of: dict[tuple[int, int], tuple[int, int]], lines: dict[tuple[int, int], list[Strip]]
) -> Cells | None:
    """`None` if nothing begins in this row."""
    cells: Cells = []
    begins = False
    for column in range(len(frame.xs) - 1):
        cell = cell_of[at, column]
        held = lines.get(cell, [])
        if cell == (at, column):
            cells.append(held)
            begins = begins or bool(held)
        elif cell[1] == column and sum(len(line.text) for line in held) <= _REPEATED_CHARACTERS:
            cells.append(held)
        else:
            cells.append([])
    return cells if begins else None


def unstacked(row: Cells) -> list[Cells]:
    """A drawn row whose figures stand under one another in several columns is several rows without lines between."""
    stacks = {len(cell) for cell in row if len(cell) > 1 and all(line.is_figure for line in cell)}
    columns = sum(len(cell) > 1 and all(line.is_figure for line in cell) for cell in row)
    most = max(stacks, default=0)
    if len(stacks) != 1 or columns < 2 or any(1 < len(cell) != most for cell in row):
        return [row]
    return [
        [[cell[at]] if len(cell) > 1 else cell if at == 0 or column == 0 else [] for column, cell in enumerate(row)]
        for at in range(most)
    ]


def _cells(frame: _Frame) -> dict[tuple[int, int], tuple[int, int]]:
    """Slot (row, column) → the upper left slot of its cell: slots without a line between them are one."""
    rows, columns = len(frame.ys) - 1, len(frame.xs) - 1
    first = {(r, c): (r, c) for r in range(rows) for c in range(columns)}

    def root(slot: tuple[int, int]) -> tuple[int, int]:
        while first[slot] != slot:
            slot = first[slot]
        return slot

    def join(a: tuple[int, int], b: tuple[int, int]) -> None:
        upper, lower = sorted((root(a), root(b)))
        first[lower] = upper

    for r in range(rows):
        y = (frame.ys[r] + frame.ys[r + 1]) / 2
        for c in range(columns):
            x = (frame.xs[c] + frame.xs[c + 1]) / 2
            if c and not _parted(frame.rules.upright, frame.xs[c], y):
                join((r, c - 1), (r, c))
            if r and not _parted(frame.rules.level, frame.ys[r], x):
                join((r - 1, c), (r, c))
    return {slot: root(slot) for slot in first}


def _parted(rules: Iterable[Rule], at: float, point: float) -> bool:
    return any(abs(rule.at - at) <= 3 and rule.start <= point <= rule.end for rule in rules)


def _slot(edges: list[float], value: float) -> int:
    return max(0, min(len(edges) - 2, sum(edge <= value for edge in edges) - 1))
