"""A page of pdfium → its ruling lines: strokes, thin bars and the edges of filled cells that lie along the page."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pypdfium2.raw as pdfium

from rag.adapters.parsers.pdf.sheet import Sheet

_STRAIGHT = 1.0
"""Points by which a line may lean."""
_SHORTEST = 4.0
_NEAR = 3.0
"""Points within which edges are the same line: cells are drawn with two edges each, and lines end a hair apart."""
_MOST_PATHS = 20_000
"""A page with more is a drawing, and its lines are no table's."""
_DEEPEST = 5
_Point = tuple[float, float]
_Matrix = tuple[float, float, float, float, float, float]
_UNCHANGED: _Matrix = (1, 0, 0, 1, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A line: `at` across its direction, from `start` to `end` along it; as the page is read, in points."""

    at: float
    start: float
    end: float

    def covers(self, point: float) -> bool:
        return self.start - _NEAR <= point <= self.end + _NEAR


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """`level` from left to right, `upright` from top to bottom; each merged where pieces touch, sorted by `at`."""

    level: tuple[Rule, ...]
    upright: tuple[Rule, ...]


def rules(page: Any, turned: Sheet) -> Rules:
    level: list[Rule] = []
    upright: list[Rule] = []
    for number, path in enumerate(_paths(page, pdfium.FPDFPage_CountObjects, pdfium.FPDFPage_GetObject, _UNCHANGED)):
        if number >= _MOST_PATHS:
            return Rules(level=(), upright=())
        for (x0, y0), (x1, y1) in _segments(*path):
            (x0, y0), (x1, y1) = turned.read(x0, y0), turned.read(x1, y1)  # noqa: PLW2901 - the same points, turned
            if abs(y1 - y0) <= _STRAIGHT and abs(x1 - x0) >= _SHORTEST:
                level.append(Rule(at=(y0 + y1) / 2, start=min(x0, x1), end=max(x0, x1)))
            elif abs(x1 - x0) <= _STRAIGHT and abs(y1 - y0) >= _SHORTEST:
                upright.append(Rule(at=(x0 + x1) / 2, start=min(y0, y1), end=max(y0, y1)))
    return Rules(level=_merged(level), upright=_merged(upright))


def clustered(values: Iterable[float]) -> list[float]:
    """Ascending; those that are nearer than a line's width are one."""
    groups: list[list[float]] = []
    for value in sorted(values):
        if groups and value - groups[-1][0] <= _NEAR:
            groups[-1].append(value)
        else:
            groups.append([value])
    return [sum(group) / len(group) for group in groups]


def _merged(found: list[Rule]) -> tuple[Rule, ...]:
    merged: list[Rule] = []
    group: list[Rule] = []
    for rule in sorted(found, key=lambda r: r.at):
        if group and rule.at - group[0].at > _NEAR / 2:
            merged += _touching(group)
            group = []
        group.append(rule)
    return tuple(merged + _touching(group))


def _touching(group: list[Rule]) -> list[Rule]:
    """Of one height: pieces that overlap or almost touch are one line."""
    joined: list[Rule] = []
    for rule in sorted(group, key=lambda r: r.start):
        last = joined[-1] if joined else None
        if last is not None and rule.start <= last.end + _NEAR:
            joined[-1] = Rule(at=last.at, start=last.start, end=max(last.end, rule.end))
        else:
            joined.append(rule)
    return joined


def _paths(holder: Any, count: Any, member: Any, matrix: _Matrix, depth: int = 0) -> Iterator[tuple[Any, _Matrix]]:
    """Every visible path, those inside forms too, with the matrix to user space."""
    for number in range(max(0, count(holder))):
        thing = member(holder, number)
        kind = pdfium.FPDFPageObj_GetType(thing)
        if kind == pdfium.FPDF_PAGEOBJ_PATH and _is_visible(thing):
            yield thing, _times(_matrix(thing), matrix)
        elif kind == pdfium.FPDF_PAGEOBJ_FORM and depth < _DEEPEST:
            inner = _times(_matrix(thing), matrix)
            yield from _paths(thing, pdfium.FPDFFormObj_CountObjects, pdfium.FPDFFormObj_GetObject, inner, depth + 1)


def _is_visible(path: Any) -> bool:
    """A white ground behind a text is no cell."""
    fill, stroke = ctypes.c_int(), ctypes.c_int()
    pdfium.FPDFPath_GetDrawMode(path, fill, stroke)
    if stroke.value:
        return True
    parts = [ctypes.c_uint() for _ in range(4)]
    has_color = pdfium.FPDFPageObj_GetFillColor(path, *parts)
    is_white = has_color and (parts[3].value == 0 or all(part.value >= 0xFE for part in parts[:3]))
    return fill.value != pdfium.FPDF_FILLMODE_NONE and not is_white


def _segments(path: Any, matrix: _Matrix) -> Iterator[tuple[_Point, _Point]]:
    first = last = (0.0, 0.0)
    x, y = ctypes.c_float(), ctypes.c_float()
    for number in range(max(0, pdfium.FPDFPath_CountSegments(path))):
        segment = pdfium.FPDFPath_GetPathSegment(path, number)
        pdfium.FPDFPathSegment_GetPoint(segment, x, y)
        point = _moved(matrix, x.value, y.value)
        kind = pdfium.FPDFPathSegment_GetType(segment)
        if kind == pdfium.FPDF_SEGMENT_MOVETO:
            first = point
        elif kind == pdfium.FPDF_SEGMENT_LINETO:
            yield last, point
        last = point
        if pdfium.FPDFPathSegment_GetClose(segment):
            yield last, first
            last = first


def _matrix(thing: Any) -> _Matrix:
    m = pdfium.FS_MATRIX()
    return (m.a, m.b, m.c, m.d, m.e, m.f) if pdfium.FPDFPageObj_GetMatrix(thing, m) else _UNCHANGED


def _times(inner: _Matrix, outer: _Matrix) -> _Matrix:
    a, b, c, d, e, f = inner
    g, h, i, j, k, m = outer
    return (a * g + b * i, a * h + b * j, c * g + d * i, c * h + d * j, e * g + f * i + k, e * h + f * j + m)


def _moved(matrix: _Matrix, x: float, y: float) -> _Point:
    a, b, c, d, e, f = matrix
    return a * x + c * y + e, b * x + d * y + f
