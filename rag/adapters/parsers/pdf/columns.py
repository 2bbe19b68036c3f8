"""Strips and drawn tables → flows: what is read from top to bottom before anything beside it."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from rag.adapters.parsers.pdf.grid import Table
from rag.adapters.parsers.pdf.strips import Strip

_GUTTER = 0.7
"""In type sizes: narrower than this, and words of one line stand there."""
_HANGING = 2.5
"""Points by which a quotation mark may stand left of its column."""
_LINES = 4
"""Fewest lines of prose on both sides of a gutter: a river between words is shorter."""
_CHARACTERS, _FILL = 18, 0.55
"""Of a line of prose, at least: cells of a table are shorter, and leave more of their column empty."""
_CANDIDATES = 6
_DEEPEST = 4

Item = Strip | Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """One column of one page, from top to bottom. `right`: where its lines end at the latest."""

    items: list[Item]
    right: float


def flows(lines: Sequence[Strip], tables: Sequence[Table]) -> list[Flow]:
    return _flows(sorted((*lines, *tables), key=lambda item: item.top), 0)


def _flows(items: list[Item], depth: int) -> list[Flow]:
    """The longest stretch of columns is read column by column; what is above and below it likewise."""
    if not items:
        return []
    found = _columns(items) if depth < _DEEPEST else None
    if found is None:
        return [Flow(items=items, right=max(item.right for item in items))]
    x, first, end = found
    left, right = _sides(items[first:end], x)
    parts = (items[:first], left, right, items[end:])
    return [flow for part in parts for flow in _flows(part, depth + 1)]


def _columns(items: list[Item]) -> tuple[float, int, int] | None:
    """The gutter, and the stretch of items that it parts into prose on either side."""
    best: tuple[float, int, int] | None = None
    for x in _candidates(items):
        first = None
        for at in range(len(items) + 1):
            if at < len(items) and _is_free(items[at], x):
                first = at if first is None else first
            elif first is not None:
                longer = best is None or at - first > best[2] - best[1]
                if longer and _are_columns(*_sides(items[first:at], x)):
                    best = (x, first, at)
                first = None
    return best


def _candidates(items: list[Item]) -> list[float]:
    """Just left of where many strips, or parts of them, begin."""
    begins: dict[int, list[float]] = {}
    for item in items:
        if isinstance(item, Strip):
            for part in item.cut(_GUTTER):
                begins.setdefault(round(part.left / 3), []).append(part.left)
    common = sorted(begins.values(), key=len, reverse=True)[:_CANDIDATES]
    return [min(found) - _HANGING for found in common]


def _is_free(item: Item, x: float) -> bool:
    if isinstance(item, Table):
        return item.right <= x or item.left >= x
    left = max((word.right for word in item.words if word.left < x), default=0.0)
    right = min((word.left for word in item.words if word.left >= x), default=math.inf)
    return left <= x and right - left >= _GUTTER * item.size


def _sides(items: Sequence[Item], x: float) -> tuple[list[Item], list[Item]]:
    left: list[Item] = []
    right: list[Item] = []
    for item in items:
        if isinstance(item, Table):
            (left if item.right <= x else right).append(item)
            continue
        for side, words in (
            (left, tuple(word for word in item.words if word.left < x)),
            (right, tuple(word for word in item.words if word.left >= x)),
        ):
            if words:
                side.append(Strip(words=words, sheet=item.sheet))
    return left, right


def _are_columns(left: list[Item], right: list[Item]) -> bool:
    """Prose beside prose, or prose beside what keeps no line with it (a side note, a menu, further columns)."""
    one, other = ([item for item in side if isinstance(item, Strip)] for side in (left, right))
    if _is_prose(one) and _is_prose(other):
        return not _are_rows(one, other)
    if (_is_prose(one) and _is_several(right)) or (_is_prose(other) and _is_several(left)):
        return True
    return _stands_beside(one, other) or _stands_beside(other, one)


def _is_several(side: list[Item]) -> bool:
    """Most of it is columns by itself."""
    found = _columns(side)
    return found is not None and found[2] - found[1] >= 0.5 * len(side)


def _stands_beside(other: list[Strip], text: list[Strip]) -> bool:
    """Beside running text: the few lines of a last column, or what does not share its base lines."""
    if not other or len(text) < 2 * _LINES or not _is_prose(text) or len(_rooms(text)) > 0.25 * len(text):
        return False
    if len(other) < _LINES and other[0].left > text[0].left:
        return True
    in_line = sum(any(abs(a.base - b.base) <= 0.15 * a.size for b in text) for a in other)
    return len(other) >= 2 and in_line < 0.5 * len(other)


def _is_prose(lines: list[Strip]) -> bool:
    if len(lines) < _LINES:
        return False
    width = max(line.right for line in lines) - min(line.left for line in lines)
    if sum(len(line.runs()) > 1 for line in lines) > 0.3 * len(lines):
        return False  # figures in columns of their own
    fill = statistics.median(line.width for line in lines) / max(width, 1.0)
    return fill >= _FILL and statistics.median(len(line.text) for line in lines) >= _CHARACTERS


def _are_rows(left: list[Strip], right: list[Strip]) -> bool:
    """A table of long texts: where one side leaves room between two rows, so does the other."""
    one, other = _rooms(left), _rooms(right)
    near = 0.5 * left[0].size
    both = sum(any(abs(a - b) <= near for b in other) for a in one)
    return both >= 2 and both >= 0.8 * max(len(one), len(other))


def _rooms(lines: list[Strip]) -> list[float]:
    """Where lines stand further below the ones before them than usual."""
    pitches = [(b.base - a.base, b.base) for a, b in itertools.pairwise(lines)]
    usual = statistics.median(pitch for pitch, _ in pitches)
    return [base for pitch, base in pitches if pitch > 1.3 * usual]
