"""Words → strips: what stands side by side on one base line. The measure of all layout in a PDF."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from rag.adapters.parsers.building import Line
from rag.adapters.parsers.pdf.sheet import Sheet
from rag.adapters.parsers.pdf.words import Word
from rag.types import Place

_SAME_BASE = 0.5
"""In type sizes: raised and lowered figures belong to their line."""
GAP = 0.9
"""In type sizes: a wider gap between two words than any between words of one sentence."""

LABEL = re.compile(r"(?:[•‣◦▪●○■□➢➤✓✔·*–—-]|[(]?\d{1,2}[.)]|[(]?[a-zA-Z][.)]|\d{1,2}(?:\.\d{1,2})+\.?|\d{1,2}|§)")
_FIGURE = re.compile(r"[\d.,%€$£+\-−–()\s]*\d[\d.,%€$£+\-−–()\s]*")


@dataclass(frozen=True, kw_only=True)
class Strip:
    """At least one word, from left to right."""

    words: tuple[Word, ...]
    sheet: Sheet

    @cached_property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)

    @cached_property
    def left(self) -> float:
        return self.words[0].left

    @cached_property
    def right(self) -> float:
        return max(word.right for word in self.words)

    @cached_property
    def top(self) -> float:
        return min(word.top for word in self.words)

    @cached_property
    def bottom(self) -> float:
        return max(word.bottom for word in self.words)

    @cached_property
    def base(self) -> float:
        return self._widest.base

    @cached_property
    def size(self) -> float:
        return self._widest.size

    @cached_property
    def bold(self) -> bool:
        """All of it: a bold word that opens a sentence makes no heading."""
        return all(word.bold for word in self.words if any(c.isalnum() for c in word.text))

    @cached_property
    def _widest(self) -> Word:
        return max(self.words, key=lambda word: (word.right - word.left, word.size))

    @property
    def is_figure(self) -> bool:
        """A number, or the dash that stands where there is none."""
        return self.text in {"-", "–", "—"} or _FIGURE.fullmatch(self.text) is not None

    @property
    def width(self) -> float:
        return self.right - self.left

    def cut(self, gap: float = GAP) -> list[Strip]:
        """At every gap that is wider, in type sizes."""
        parts: list[list[Word]] = []
        for word in self.words:
            if parts and word.left - parts[-1][-1].right <= gap * max(self.size, word.size):
                parts[-1].append(word)
            else:
                parts.append([word])
        return [Strip(words=tuple(part), sheet=self.sheet) for part in parts]

    def runs(self) -> list[Strip]:
        """Cut at gaps; a bullet or number belongs to what follows it."""
        parts = self.cut()
        return [self] if len(parts) == 2 and LABEL.fullmatch(parts[0].text) else parts

    def line(self, joint: str | None = None, text: str | None = None) -> Line:
        box = self.sheet.box(self.left, self.top, self.right, self.bottom)
        place = Place(start=0, end=0, page=self.sheet.number, box=box)
        return Line(text=self.text if text is None else text, place=place, joint=joint)


def strips(words: Iterable[Word], sheet: Sheet) -> list[Strip]:
    """From top to bottom, the whole width of the page each."""
    rows: list[list[Word]] = []
    for word in sorted(words, key=lambda w: (w.base, w.left)):
        near = _SAME_BASE * max(word.size, rows[-1][0].size) if rows else 0.0
        if rows and word.base - rows[-1][0].base <= near and not _stacked(rows[-1], word):
            rows[-1].append(word)
        else:
            rows.append([word])
    return [Strip(words=tuple(sorted(row, key=lambda w: w.left)), sheet=sheet) for row in rows]


def _stacked(row: Sequence[Word], word: Word) -> bool:
    """Two words of one line do not stand on one another."""
    return any(min(w.right, word.right) - max(w.left, word.left) > 0.5 * min(w.size, word.size) for w in row)


def joined(parts: Sequence[Strip]) -> Strip:
    return Strip(words=tuple(word for part in parts for word in part.words), sheet=parts[0].sheet)
