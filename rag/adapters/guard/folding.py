"""Text → the same text without invisible tricks, and the way back. Pure. Called by the guard before it looks.

A zero-width space inside a name or a no-break space inside an IBAN must not hide it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff]+"
)
_ODD = re.compile("[\u00a0\u1680\u2000-\u200a\u2010-\u2015\u202f\u205f\u2212\u3000\uff01-\uff5e]")
_SAME_WIDTH = {
    **dict.fromkeys((0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000), " "),
    **dict.fromkeys((0x2010, 0x2011, 0x2212), "-"),
    **{code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},
}


@dataclass(frozen=True, slots=True)
class Folded:
    """`text` is what to search; `back` turns its offsets into those of the original."""

    text: str
    cuts: tuple[int, ...] = ()
    """Offsets in `text` at which something was left out, ascending."""
    lost: tuple[int, ...] = ()
    """How many code points were left out up to and including each cut."""

    def start(self, at: int) -> int:
        """Original offset of a span's start: behind what was left out there."""
        return at + self._lost(bisect_right(self.cuts, at))

    def end(self, at: int) -> int:
        """Original offset of a span's end: before what was left out there."""
        return self.start(at - 1) + 1 if at > 0 else 0

    def _lost(self, index: int) -> int:
        return self.lost[index - 1] if index else 0


def fold(text: str) -> Folded:
    """Almost every text is returned as it is."""
    if _ODD.search(text):
        text = text.translate(_SAME_WIDTH)
    if not _INVISIBLE.search(text):
        return Folded(text)
    parts: list[str] = []
    cuts: list[int] = []
    lost: list[int] = []
    at = length = gone = 0
    for found in _INVISIBLE.finditer(text):
        parts.append(text[at : found.start()])
        length += found.start() - at
        gone += found.end() - found.start()
        cuts.append(length)
        lost.append(gone)
        at = found.end()
    return Folded("".join([*parts, text[at:]]), tuple(cuts), tuple(lost))
