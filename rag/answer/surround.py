"""Hits → the same hits with what stands around each in its document (small-to-big). Called by `answer()`.

Small chunks are found better, larger ones are understood better: a model that reads gets the hit's section, or as much of it
as its share of tokens allows, then what stands beside the section. What an index hands out was filtered by access; a neighbour
is of the very same version with the very same labels, or it is not handed out.
"""

from __future__ import annotations

import logging
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from rag.errors import Temporary
from rag.ports import Library
from rag.sentences import units
from rag.types import Chunk, Cleared, Hit, Place

log = logging.getLogger(__name__)

Count = Callable[[str], int]

_CHARACTERS_A_TOKEN = 8
"""Looked at on each side of a hit, so that a book is not cut into sentences for one question."""


async def surrounded(hits: Sequence[Hit], *, library: Library, tokens: int, count_tokens: Count) -> list[Hit]:
    """In the order given, each with at most `tokens` more; no text is handed out twice.

    A hit whose stored text is out of reach, or is not what the index holds of it, stays alone.
    """
    places: dict[tuple[str, str], list[int]] = {}
    for at, hit in enumerate(hits):
        places.setdefault((hit.chunk.document_id, hit.chunk.version), []).append(at)
    found = list(hits)
    for (document_id, version), of_document in places.items() if tokens > 0 else ():
        try:
            readings = await library.readings(document_id, version)
        except Temporary as error:
            log.warning("surround.library_unreachable", extra={"code": error.code})
            return found
        taken = _Taken([(hits[at].chunk.start, hits[at].chunk.end) for at in of_document])
        for at in of_document:
            cleared = next((one for one in readings if _is_same(one, hits[at].chunk)), None)
            if cleared is not None:
                found[at] = replace(hits[at], wide=_widened(cleared, hits[at].chunk, taken, tokens, count_tokens))
    return found


def _is_same(cleared: Cleared, chunk: Chunk) -> bool:
    """A document that is being indexed anew has its new text and labels in the library before readers move on."""
    return cleared.document.labels == chunk.labels and cleared.text[chunk.start : chunk.end] == chunk.text


def _widened(cleared: Cleared, chunk: Chunk, taken: _Taken, tokens: int, count: Count) -> Chunk | None:
    """Section by section outwards, sentence by sentence or row by row; `None` if there is nothing to add."""
    free = taken.around(chunk.start, chunk.end)
    start, end, left = chunk.start, chunk.end, tokens
    path = _path(cleared, chunk)
    depth = 0
    for depth in range(len(path), -1, -1):
        section = _section(cleared, chunk, path[:depth])
        within = max(free[0], section[0]), min(free[1], section[1])
        start, end, left, is_full = _grown(cleared.text, (start, end), within, left, count)
        if is_full:
            break
    if (start, end) == (chunk.start, chunk.end):
        return None
    taken.replace((chunk.start, chunk.end), (start, end))
    return replace(
        chunk, start=start, end=end, text=cleared.text[start:end], context=_context(cleared, chunk, path[:depth], start),
        places=_places(cleared, start, end),
    )  # fmt: skip


def _grown(
    text: str, span: tuple[int, int], within: tuple[int, int], left: int, count: Count
) -> tuple[int, int, int, bool]:
    """Start, end and the tokens left; whether one of both sides had no room for its next sentence. What follows goes first."""
    start, end = span
    reach = left * _CHARACTERS_A_TOKEN
    before, after = _before(text, start, within[0], reach), _after(text, end, within[1], reach)
    is_full, sides = False, [after, before]
    while sides:
        side = sides.pop(0)
        unit = next(side, None)
        if unit is None:
            continue
        cost = count(text[unit[0] : unit[1]])
        if cost > left:
            is_full = True
            continue
        start, end, left = min(start, unit[0]), max(end, unit[1]), left - cost
        sides.append(side)
    return start, end, left, is_full


def _before(text: str, at: int, lowest: int, reach: int) -> Iterator[tuple[int, int]]:
    """Sentences and rows, nearest first; the farthest is left out where it may be torn."""
    begin = max(lowest, at - reach)
    cut = [(begin + a, begin + b) for a, b in units(text[begin:at])] if begin < at else []
    yield from reversed(cut[1:] if begin > lowest else cut)


def _after(text: str, at: int, highest: int, reach: int) -> Iterator[tuple[int, int]]:
    stop = min(highest, at + reach)
    cut = [(at + a, at + b) for a, b in units(text[at:stop])] if at < stop else []
    yield from cut[:-1] if stop < highest else cut


def _path(cleared: Cleared, chunk: Chunk) -> tuple[str, ...]:
    """The headings over the chunk's last element: its first may be the heading itself."""
    at = bisect_left(cleared.elements, chunk.end, key=lambda element: element.start) - 1
    return cleared.elements[at].headings if at >= 0 else ()


def _section(cleared: Cleared, chunk: Chunk, path: tuple[str, ...]) -> tuple[int, int]:
    """From the heading to the last element under it, around the chunk."""
    if not path:
        return 0, len(cleared.text)
    elements = cleared.elements
    first = last = max(0, bisect_left(elements, chunk.end, key=lambda element: element.start) - 1)
    while first > 0 and elements[first - 1].headings[: len(path)] == path:
        first -= 1
    while last + 1 < len(elements) and elements[last + 1].headings[: len(path)] == path:
        last += 1
    above = elements[first - 1] if first else None
    if above is not None and above.kind == "title" and above.headings == path[:-1]:
        first -= 1
    return elements[first].start, elements[last].end


def _context(cleared: Cleared, chunk: Chunk, path: tuple[str, ...], start: int) -> str:
    """Title and the headings that hold for all of it; the table's header while it still stands above."""
    headed = " › ".join(dict.fromkeys((cleared.title, *path)))
    _, _, header = chunk.context.partition("\n")
    is_below = header and header not in cleared.text[start : chunk.start]
    return f"{headed}\n{header}" if is_below else headed


def _places(cleared: Cleared, start: int, end: int) -> tuple[Place, ...]:
    """Those that overlap the span; they are sorted and do not overlap one another."""
    first = bisect_right(cleared.places, start, key=lambda place: place.end)
    return cleared.places[first : bisect_left(cleared.places, end, key=lambda place: place.start)]


@dataclass(slots=True)
class _Taken:
    """Spans of one document that are handed out already, apart from each other."""

    spans: list[tuple[int, int]]

    def around(self, start: int, end: int) -> tuple[int, int]:
        """How far one may grow to each side."""
        return (
            max((b for _, b in self.spans if b <= start), default=0),
            min((a for a, _ in self.spans if a >= end), default=1 << 62),
        )

    def replace(self, old: tuple[int, int], new: tuple[int, int]) -> None:
        self.spans = [new if span == old else span for span in self.spans]
