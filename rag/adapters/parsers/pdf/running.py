"""Running heads and page numbers: found by coming back at the same height of page after page.

A page number says nothing and goes. A running head is said once, at the end of the text (it may be the only place
that names the patient, or the date from which a rule holds), and remembered wherever it stands.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rag.adapters.parsers.pdf.strips import Strip

_EDGE, _LINES = 0.2, 3
"""Of the page's height, and of its lines, above and below."""
_SAME_HEIGHT = 0.012
_APART = 1.6
"""In type sizes, from base line to base line: further than lines of one text."""
_SAMPLES = 20
"""Of a group's heights that are tried."""
_ENOUGH = 3
"""Pages with the same words at the same height; of a shorter document, two."""
_NUMBER = re.compile(
    r"[-–—]?\s*(?P<named>(?:seite|page|s\.|p\.)\s*)?(?P<number>\d{1,4}|[ivxl]{1,6})"
    r"(?P<of>\s*(?:von|of|/)\s*\d{1,4})?\s*[-–—]?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Where it stands first, and where again."""

    first: Strip
    again: tuple[Strip, ...]


def without(pages: Sequence[list[Strip]]) -> tuple[list[list[Strip]], list[Head]]:
    """The pages without running heads and page numbers, and the heads in the order in which they come up."""
    edges = [run for page in pages for strip in _at_edge(page) for run in strip.cut()]
    numbers = _page_numbers(edges, len(pages))
    heads = list(_heads([run for run in edges if id(run) not in numbers], len(pages)))
    gone = {id(word) for run in edges if id(run) in numbers for word in run.words}
    gone |= {id(word) for head in heads for run in (head.first, *head.again) for word in run.words}
    kept = [[rest for strip in page if (rest := _without(strip, gone)) is not None] for page in pages]
    return kept, heads


def _at_edge(page: list[Strip]) -> list[Strip]:
    """Lines near the upper and lower edge that stand apart from those further inside."""
    if not page:
        return []
    _, height = page[0].sheet.read_size
    upper = [strip for strip in page[:_LINES] if strip.bottom < _EDGE * height]
    lower = [strip for strip in page[-_LINES:] if strip.top > (1 - _EDGE) * height]
    while upper and len(page) > 1 and (len(upper) == len(page) or not _are_apart(upper[-1], page[len(upper)])):
        upper.pop()
    while lower and len(page) > 1 and (len(lower) == len(page) or not _are_apart(page[-len(lower) - 1], lower[0])):
        lower.pop(0)
    return upper + [strip for strip in lower if strip not in upper]


def _are_apart(above: Strip, below: Strip) -> bool:
    return below.base - above.base > _APART * max(above.size, below.size)


def _page_numbers(runs: Iterable[Strip], pages: int) -> set[int]:
    """Those that say so ("Seite 3", "3/7"), and bare figures that count along with the pages."""
    found, bare = set[int](), list[tuple[int, Strip]]()
    for run in runs:
        match = _NUMBER.fullmatch(run.text)
        if match is None:
            continue
        if match["named"] or (match["of"] and match["number"].isdigit()):
            found.add(id(run))
        elif pages > 1:
            number = int(match["number"]) if match["number"].isdigit() else _roman(match["number"])
            bare.append((number - run.sheet.number, run))
    counts = Counter(offset for offset, _ in bare)
    return found | {id(run) for offset, run in bare if counts[offset] >= 2}


def _roman(text: str) -> int:
    values = [{"i": 1, "v": 5, "x": 10, "l": 50}[c] for c in text.lower()]
    return sum(-v if v < after else v for v, after in zip(values, [*values[1:], 0], strict=True))


def _heads(runs: Sequence[Strip], pages: int) -> Iterable[Head]:
    """Same words at the same height of enough pages; then also those that but count along with the pages."""
    left = list(runs)
    for key in (_words, _words_but_own_number):
        groups: dict[str, list[Strip]] = {}
        for run in left:
            groups.setdefault(key(run), []).append(run)
        for group in groups.values():
            same = _at_one_height(group)
            if pages > 1 and len({run.sheet.number for run in same}) >= min(_ENOUGH, pages):
                taken = set(map(id, same))
                left = [run for run in left if id(run) not in taken]
                yield Head(first=same[0], again=tuple(same[1:]))


def _at_one_height(group: Sequence[Strip]) -> list[Strip]:
    """The most that stand there together: a head may also be a heading, once, further down."""
    height = group[0].sheet.read_size[1]
    near = [[run for run in group if abs(run.base - one.base) <= _SAME_HEIGHT * height] for one in group[:_SAMPLES]]
    return max(near, key=len)


def _words(run: Strip) -> str:
    return run.text


def _words_but_own_number(run: Strip) -> str:
    return re.sub(rf"\b{run.sheet.number}\b", "#", run.text)


def _without(strip: Strip, gone: set[int]) -> Strip | None:
    words = tuple(word for word in strip.words if id(word) not in gone)
    if len(words) == len(strip.words):
        return strip
    return Strip(words=words, sheet=strip.sheet) if words else None
