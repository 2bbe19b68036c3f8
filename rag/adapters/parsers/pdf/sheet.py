"""How a page lies: from the file's coordinates to those of the shown page, and to the way it is read."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

import pypdfium2.raw as pdfium

from rag.types import Box

_SCALE = 100
"""pdfium answers in whole pixels: it is asked for a page a hundred times as large."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A page. Text is laid out as it is read; boxes are said as the page is shown.

    Attributes:
        number: 1-based. width, height: in points, as shown.
        matrix: user space of the file → shown page (turned and cropped as a viewer does).
        turn: quarter turns clockwise by which most of the text stands on the shown page.
    """

    number: int
    width: float
    height: float
    matrix: tuple[float, float, float, float, float, float]
    turn: int = 0

    @property
    def read_size(self) -> tuple[float, float]:
        """Width and height as read."""
        return (self.height, self.width) if self.turn % 2 else (self.width, self.height)

    def read(self, x: float, y: float) -> tuple[float, float]:
        """User space → as read: origin top left, y downwards, lines running to the right."""
        a, b, c, d, e, f = self.matrix
        x, y = a * x + c * y + e, b * x + d * y + f
        return [(x, y), (y, self.width - x), (self.width - x, self.height - y), (self.height - y, x)][self.turn]

    def box(self, left: float, top: float, right: float, bottom: float) -> Box:
        """Of what was laid out, as fractions of the shown page."""
        w, h = self.width, self.height
        x0, y0, x1, y1 = [
            (left, top, right, bottom),
            (w - bottom, left, w - top, right),
            (w - right, h - bottom, w - left, h - top),
            (top, h - right, bottom, h - left),
        ][self.turn]
        return Box(left=_fraction(x0 / w), top=_fraction(y0 / h), right=_fraction(x1 / w), bottom=_fraction(y1 / h))


def sheet(page: Any, number: int) -> Sheet:
    width, height = (max(side, 1.0) for side in page.get_size())
    (e, f), (ax, ay), (ux, uy) = (_to_device(page, width, height, *at) for at in ((0, 0), (1000, 0), (0, 1000)))
    matrix = ((ax - e) / 1000, (ay - f) / 1000, (ux - e) / 1000, (uy - f) / 1000, e, f)
    return Sheet(number=number, width=width, height=height, matrix=matrix)


def _to_device(page: Any, width: float, height: float, x: float, y: float) -> tuple[float, float]:
    out_x, out_y = ctypes.c_int(), ctypes.c_int()
    size = (round(width * _SCALE), round(height * _SCALE))
    pdfium.FPDF_PageToDevice(page, 0, 0, *size, 0, x, y, out_x, out_y)
    return out_x.value / _SCALE, out_y.value / _SCALE


def _fraction(value: float) -> float:
    return round(min(1.0, max(0.0, value)), 5)
