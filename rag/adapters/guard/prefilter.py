"""Text → where in it a slow pattern has to look. Pure. Used by finders whose patterns need a word or a sign to match.

A pattern of many alternatives is tried at every character. Looking for its telling parts first costs a hundredth of that,
and most lines hold none. A mark must be part of whatever the pattern can match: tests hold every finder to that.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

Stretch = tuple[int, int]
"""Whole lines, half-open, with the line break that ends them."""

_ALSO = {"ſ": "s", "ı": "i", "μ": "µ"}
"""What `re.IGNORECASE` takes for the same letter, though `str.lower` does not."""
_DIGIT = re.compile(r"\d")


def lowered(text: str) -> str | None:
    """Letter for letter; `None` if that is not possible, as with a dotted capital I."""
    lower = text.lower()
    if len(lower) != len(text):
        return None
    if not lower.isascii():
        for odd, plain in _ALSO.items():
            if odd in lower:
                lower = lower.replace(odd, plain)
    return lower


def has_any(text: str, marks: Sequence[str]) -> bool:
    """Whether one of `marks` (lower case) stands in it, in any case."""
    lower = lowered(text)
    return lower is None or any(mark in lower for mark in marks)


def lines_with(text: str, marks: Sequence[str], *, more: int = 0) -> list[Stretch]:
    """The lines in which one of `marks` stands, in any case, and `more` lines below each; merged, ascending.

    `marks` are lower case, not empty, and without line breaks.
    """
    lower = lowered(text)
    return [(0, len(text))] if lower is None else lines_with_exactly(lower, marks, more=more)


def lines_with_exactly(text: str, marks: Sequence[str], *, more: int = 0) -> list[Stretch]:
    """The same for marks of which the case matters."""
    return _merged(sorted(_around(text, at, more) for mark in marks for at in _once_a_line(text, mark)))


def with_a_digit(text: str, stretches: Iterable[Stretch]) -> list[Stretch]:
    """Those of the stretches in which a digit stands."""
    return [stretch for stretch in stretches if _DIGIT.search(text, *stretch)]


def lines_around(text: str, pattern: re.Pattern[str]) -> list[Stretch]:
    """The lines over which it matches, with the line above and the line below; merged, ascending."""
    return _merged(
        (_around(text, max(0, _around(text, found.start(), 0)[0] - 1), 0)[0], _around(text, found.end() - 1, 1)[1])
        for found in pattern.finditer(text)
    )


def searched(pattern: re.Pattern[str], text: str, stretches: Iterable[Stretch]) -> Iterator[re.Match[str]]:
    """What the pattern finds there."""
    for start, end in stretches:
        yield from pattern.finditer(text, start, end)


def _once_a_line(lower: str, mark: str) -> Iterator[int]:
    at = lower.find(mark)
    while at >= 0:
        yield at
        at = lower.find(mark, _line_end(lower, at))


def _around(text: str, at: int, more: int) -> Stretch:
    end = _line_end(text, at)
    for _ in range(more):
        end = _line_end(text, end)
    return text.rfind("\n", 0, at) + 1, end


def _line_end(text: str, at: int) -> int:
    """Behind the line break."""
    end = text.find("\n", at)
    return len(text) if end < 0 else end + 1


def _merged(stretches: Iterable[Stretch]) -> list[Stretch]:
    merged: list[Stretch] = []
    for start, end in stretches:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged
