"""A page of pdfium → words with their geometry. First step of the PDF parser.

pdfium's own order of characters is kept only within a word: it breaks lines across columns, and joins a word that is
cut at a line's end without saying where. Everything else is decided from where the ink is.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pypdfium2.raw as pdfium

from rag.adapters.parsers.pdf.sheet import Sheet

_CUTS = {0x02, 0xFFFE}
"""What pdfium makes of a hyphen, hard or soft, at the end of a line whose word goes on below."""
_LIGATURES = {0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl", 0xFB05: "st", 0xFB06: "st"}
_ASCENT, _DESCENT = 0.8, 0.22
"""In type sizes, for fonts whose own measures are out of reason (Type 3, broken subsets)."""
_SLANT = 0.06
"""In quarter turns: some five degrees, more than a scan is askew."""
_BOLD = 600
_BOLD_NAMES = (b"bold", b"black", b"heavy", b"demi", b"cmbx")
"""Many subsets do not say their weight, but are still called by it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """In points, as the page is read. `base` is the line that the letters stand on."""

    text: str
    left: float
    top: float
    right: float
    bottom: float
    base: float
    size: float
    bold: bool


@dataclass(slots=True)
class _Open:
    """A word in the making, in user space. `x`, `y`: where its next character is due."""

    text: str
    left: float
    bottom: float
    right: float
    top: float
    x: float
    y: float
    size: float
    bold: bool
    direction: tuple[float, float]


def layers(page: Any, flat: Sheet) -> list[tuple[Sheet, list[Word]]]:
    """The words by the way they lie, the most first: a stamp or a side note must not run through the text."""
    textpage = page.get_textpage()
    try:
        found = list(_open_words(textpage))
    finally:
        textpage.close()
    by_way: dict[tuple[int, bool], list[_Open]] = {}
    for word in found:
        by_way.setdefault(_way(word, flat), []).append(word)
    made = []
    for (turn, _), members in sorted(by_way.items(), key=lambda way: -sum(len(word.text) for word in way[1])):
        turned = replace(flat, turn=turn)
        made.append((turned, _seen_once(_on_page((_word(word, turned) for word in members), turned))))
    return made


def _open_words(textpage: Any) -> Iterator[_Open]:
    """Runs of characters without white space, a jump, or another line between them."""
    word: _Open | None = None
    read = _Reading(textpage)
    for at in range(textpage.count_chars()):
        text = read.text(at)
        if text and not text.isspace():
            (x, y), box = read.origin(at), read.box(at)
            if word is not None and _leaves(word, x, y):
                yield word
                word = None
            word = word or read.begin(at, x, y)
            _add(word, text, x, y, box)
        elif text and word is not None:
            yield word
            word = None
    if word is not None:
        yield word


def _leaves(word: _Open, x: float, y: float) -> bool:
    """Whether a character at `(x, y)` is none of this word: off its line, ahead by a space, or back again."""
    ahead, beside = _along(word.direction, x - word.x, y - word.y)
    return abs(beside) > 0.5 * word.size or ahead > 0.3 * word.size or ahead < -1.2 * word.size


def _add(word: _Open, text: str, x: float, y: float, box: tuple[float, float, float, float]) -> None:
    left, bottom, right, top = box
    word.text += text
    word.left, word.bottom = min(word.left, left), min(word.bottom, bottom)
    word.right, word.top = max(word.right, right), max(word.top, top)
    a, b = word.direction
    corners = ((left, bottom), (left, top), (right, bottom), (right, top))
    advance = max(0.0, *(_along(word.direction, cx - x, cy - y)[0] for cx, cy in corners))
    word.x, word.y = x + advance * a, y + advance * b


def _along(direction: tuple[float, float], dx: float, dy: float) -> tuple[float, float]:
    a, b = direction
    return dx * a + dy * b, dy * a - dx * b


class _Reading:
    """pdfium's functions on one page, with room for their answers."""

    def __init__(self, textpage: Any) -> None:
        self._page = textpage
        self._x, self._y = ctypes.c_double(), ctypes.c_double()
        self._rect, self._matrix = pdfium.FS_RECTF(), pdfium.FS_MATRIX()
        self._name, self._flags = ctypes.create_string_buffer(128), ctypes.c_int()

    def text(self, at: int) -> str:
        code = pdfium.FPDFText_GetUnicode(self._page, at)
        if code in _CUTS:
            return "-"
        if code in _LIGATURES:
            return _LIGATURES[code]
        if 0xF020 <= code <= 0xF0FF:  # the symbol fonts' own range: what stands there in a text is a bullet
            return "•"
        character = chr(code) if code < 0x110000 else ""
        return character if character.isprintable() or character.isspace() else ""

    def origin(self, at: int) -> tuple[float, float]:
        pdfium.FPDFText_GetCharOrigin(self._page, at, self._x, self._y)
        return self._x.value, self._y.value

    def box(self, at: int) -> tuple[float, float, float, float]:
        pdfium.FPDFText_GetLooseCharBox(self._page, at, self._rect)
        r = self._rect
        return min(r.left, r.right), min(r.bottom, r.top), max(r.left, r.right), max(r.bottom, r.top)

    def begin(self, at: int, x: float, y: float) -> _Open:
        """The type size counts the matrix: many files say size 1 and scale."""
        pdfium.FPDFText_GetMatrix(self._page, at, self._matrix)
        m = self._matrix
        length = math.hypot(m.a, m.b) or 1.0
        size = float(pdfium.FPDFText_GetFontSize(self._page, at)) * (math.hypot(m.c, m.d) or 1.0)
        return _Open(
            text="", left=math.inf, bottom=math.inf, right=-math.inf, top=-math.inf, x=x, y=y, size=max(size, 1.0),
            bold=self._is_bold(at), direction=(m.a / length, m.b / length),
        )  # fmt: skip

    def _is_bold(self, at: int) -> bool:
        if pdfium.FPDFText_GetFontWeight(self._page, at) >= _BOLD:
            return True
        pdfium.FPDFText_GetFontInfo(self._page, at, self._name, len(self._name), self._flags)
        name = self._name.value.lower()
        return any(known in name for known in _BOLD_NAMES)


def _way(word: _Open, flat: Sheet) -> tuple[int, bool]:
    """Quarter turns clockwise on the shown page, the nearest, and whether it slants beside them (a watermark)."""
    a, b, c, d, _, _ = flat.matrix
    x, y = word.direction
    quarters = math.atan2(b * x + d * y, a * x + c * y) / (math.pi / 2)
    return round(quarters) % 4, abs(quarters - round(quarters)) > _SLANT


def _word(word: _Open, turned: Sheet) -> Word:
    (x0, y0), (x1, y1) = turned.read(word.left, word.bottom), turned.read(word.right, word.top)
    _, base = turned.read(word.x, word.y)
    top, bottom = min(y0, y1), max(y0, y1)
    if not 0.6 * word.size <= bottom - top <= 1.8 * word.size:
        top, bottom = base - _ASCENT * word.size, base + _DESCENT * word.size
    return Word(
        text=word.text, left=min(x0, x1), top=top, right=max(x0, x1), bottom=bottom, base=base,
        size=max(0.5, round(word.size * 2) / 2), bold=word.bold,
    )  # fmt: skip


def _on_page(found: Iterable[Word], turned: Sheet) -> list[Word]:
    """What no reader of the page can see is no evidence."""
    width, height = turned.read_size
    return [w for w in found if w.right > 0 and w.left < width and w.bottom > 0 and w.top < height]


def _seen_once(found: Iterable[Word]) -> list[Word]:
    """Words that are drawn twice, a hair apart, to look bold or to throw a shadow, are one."""
    kept: list[Word] = []
    seen: dict[str, list[Word]] = {}
    for word in found:
        twins = seen.setdefault(word.text, [])
        near = 0.15 * word.size
        if not any(abs(t.left - word.left) < near and abs(t.base - word.base) < near for t in twins[-50:]):
            twins.append(word)
            kept.append(word)
    return kept
