"""Strips in reading order → headings, paragraphs and list items. Last step of the PDF parser but for the building."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from rag.adapters.parsers.pdf.strips import Strip

_LARGER = 1.1
"""Times the body's type size: a heading."""
_HEADING_LINES, _HEADING_CHARACTERS = 3, 250
_BOLD_CHARACTERS = 80
_PARAGRAPH = 1.25
"""Times the usual distance of lines: a new paragraph."""
_DEEPEST = 6
_BULLET = re.compile(r"(?P<sure>[•‣◦▪●○■□➢➤✓✔])|[·*–—-]$")
_COUNTED = re.compile(r"[(]?(?P<number>\d{1,2}|[a-z])[.)]$")
_SECTION = re.compile(r"(?:§\s*)?(\d{1,2}(?:\.\d{1,2})*)\.?\s+\S")

Kind = Literal["title", "paragraph", "list_item"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """A strip in its flow. `flow`: changes with every column and page. `right`: where the flow's lines end."""

    strip: Strip
    flow: int
    right: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Strips that are one text. `level`: of a title."""

    kind: Kind
    strips: list[Strip]
    level: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """What is usual in a document.

    Attributes:
        body: type size of most of the text. leading: type size → distance of its lines.
        sizes: larger ones that headings have, largest first.
        bold_tells: whether bold sets a line apart, as it does not where most of the text is bold.
        bold_depth: fewest dots in the section number of a bold heading.
    """

    body: float
    leading: dict[float, float]
    sizes: tuple[float, ...]
    bold_tells: bool
    bold_depth: int = 0

    def distance(self, size: float) -> float:
        return self.leading.get(size, 1.3 * size)


def style(printed: Sequence[Printed]) -> Style:
    sizes = Counter[float]()
    bold = 0
    for line in printed:
        sizes[line.strip.size] += len(line.strip.text)
        bold += len(line.strip.text) if line.strip.bold else 0
    body = sizes.most_common(1)[0][0] if sizes else 10.0
    plain = Style(body=body, leading=_leading(printed), sizes=(), bold_tells=bold < 0.4 * sizes.total())
    larger = {group[0].strip.size for group in _groups(printed) if _is_large_heading(group, plain)}
    ordered: list[float] = []
    for size in sorted(larger, reverse=True):
        if not ordered or ordered[-1] - size > 0.5:
            ordered.append(size)
    bold_ones = [group for group in _groups(printed) if _is_bold_heading(group, plain, None)]
    depths = [number[1].count(".") for group in bold_ones if (number := _SECTION.match(group[0].strip.text))]
    return replace(plain, sizes=tuple(ordered), bold_depth=min(depths, default=0))


def blocks(printed: Sequence[Printed], usual: Style) -> Iterable[Block]:
    """Headings first, so that nothing runs over them; what is between them by distance, indent and labels."""
    pending: list[Printed] = []
    for group in _groups(printed):
        level = _level(group, usual, pending[-1] if pending else None)
        if level is None:
            pending += group
            continue
        yield from _texts(pending, usual)
        pending = []
        yield Block(kind="title", strips=[line.strip for line in group], level=level)
    yield from _texts(pending, usual)


def _leading(printed: Sequence[Printed]) -> dict[float, float]:
    """Per type size the distance of lines that follow one another closely."""
    pitches: dict[float, list[float]] = {}
    for above, line in itertools.pairwise(printed):
        pitch, size = line.strip.base - above.strip.base, line.strip.size
        if above.flow == line.flow and above.strip.size == size and 0.9 * size <= pitch <= 2.2 * size:
            pitches.setdefault(size, []).append(pitch)
    return {size: sorted(found)[len(found) // 10] for size, found in pitches.items()}


# --- headings -----------------------------------------------------------------------------------------------------


def _groups(printed: Sequence[Printed]) -> Iterable[list[Printed]]:
    """Lines of one look that follow one another: a heading may have two."""
    group: list[Printed] = []
    for line in printed:
        if group and not _looks_on(group[-1], line):
            yield group
            group = []
        group.append(line)
    if group:
        yield group


def _looks_on(above: Printed, line: Printed) -> bool:
    one, other = above.strip, line.strip
    same = above.flow == line.flow and one.size == other.size and one.bold == other.bold
    return same and 0 < other.base - one.base <= 1.8 * other.size and not _SECTION.match(other.text)


def _level(group: list[Printed], usual: Style, before: Printed | None) -> int | None:
    first = group[0].strip
    if _is_large_heading(group, usual):
        return min(1 + sum(size - first.size > 0.5 for size in usual.sizes), _DEEPEST)
    if usual.bold_tells and _is_bold_heading(group, usual, before):
        section = _SECTION.match(first.text)
        deeper = section[1].count(".") - usual.bold_depth if section else 0
        return min(len(usual.sizes) + 1 + max(0, deeper), _DEEPEST)
    return None


def _is_large_heading(group: list[Printed], usual: Style) -> bool:
    text = " ".join(line.strip.text for line in group)
    is_short = len(group) <= _HEADING_LINES and len(text) <= _HEADING_CHARACTERS
    return group[0].strip.size > _LARGER * usual.body and is_short and any(c.isalpha() for c in text)


def _is_bold_heading(group: list[Printed], usual: Style, before: Printed | None) -> bool:
    """Of the body's size, bold, short, on lines of its own, no sentence, and set apart from the text above it."""
    first, last = group[0].strip, group[-1].strip
    text = " ".join(line.strip.text for line in group)
    if (
        not first.bold
        or _is_labelled(first)
        or first.size < usual.body
        or len(group) > 2
        or len(text) > _BOLD_CHARACTERS
    ):
        return False
    if text.endswith((".", ",", ";", ":")) or not any(c.isalpha() for c in text) or len(last.runs()) > 1:
        return False
    if before is None or before.flow != group[0].flow:
        return True
    return first.base - before.strip.base > 1.15 * usual.distance(first.size)


# --- paragraphs and lists -----------------------------------------------------------------------------------------


def _texts(printed: Sequence[Printed], usual: Style) -> Iterable[Block]:
    pending: list[Printed] = []
    count: str | None = None
    for line in printed:
        label = _label(line, pending, count, usual)
        if pending and (label is not None or _breaks(pending, line, usual)):
            yield _text(pending)
            pending = []
        count = label or count
        pending.append(line)
    if pending:
        yield _text(pending)


def _text(lines: list[Printed]) -> Block:
    """Of a list item without its bullet, which is no word; a number stays, others may speak of it."""
    strips = [line.strip for line in lines]
    if not _is_labelled(strips[0]):
        return Block(kind="paragraph", strips=strips)
    if _BULLET.match(strips[0].words[0].text):
        strips[0] = replace(strips[0], words=strips[0].words[1:])
    return Block(kind="list_item", strips=strips)


def _is_labelled(strip: Strip) -> bool:
    first = strip.words[0].text
    return len(strip.words) > 1 and (_BULLET.match(first) or _COUNTED.match(first)) is not None


def _label(line: Printed, paragraph: list[Printed], count: str | None, usual: Style) -> str | None:
    """The item's label if an item begins here. "Am 14. September" may break before the figure and is none."""
    if not _is_labelled(line.strip):
        return None
    first = line.strip.words[0].text
    bullet, counted = _BULLET.match(first), _COUNTED.match(first)
    if (bullet and bullet["sure"]) or not paragraph or _is_apart(paragraph[-1], line, usual):
        return first
    follows = counted is not None and count is not None and _next(count) == counted["number"]
    return first if follows or _has_ended(paragraph[-1].strip) or _hangs_like(paragraph, line) else None


def _hangs_like(paragraph: list[Printed], line: Printed) -> bool:
    """Where the item above begins, or left of its second line."""
    opening, above, near = paragraph[0].strip, paragraph[-1].strip, 0.5 * line.strip.size
    if not _is_labelled(opening) or paragraph[-1].flow != line.flow:
        return False
    return abs(opening.left - line.strip.left) < near and (above is opening or above.left > line.strip.left + near)


def _next(label: str) -> str | None:
    match = _COUNTED.match(label)
    if match is None:
        return None
    return str(int(match["number"]) + 1) if match["number"].isdigit() else chr(ord(match["number"]) + 1)


def _breaks(paragraph: list[Printed], line: Printed, usual: Style) -> bool:
    above = paragraph[-1]
    if abs(line.strip.size - above.strip.size) >= 1:
        return True
    if line.flow != above.flow:
        return _has_ended(above.strip)
    if _is_apart(above, line, usual):
        return True
    room = above.right - above.strip.right
    first = line.strip.words[0]
    is_left_open = room > first.right - first.left + 0.5 * line.strip.size
    is_indented = line.strip.left > above.strip.left + 0.8 * line.strip.size and not _is_labelled(paragraph[0].strip)
    return _has_ended(above.strip) and (is_left_open or is_indented)


def _is_apart(above: Printed, line: Printed, usual: Style) -> bool:
    pitch = line.strip.base - above.strip.base
    return line.flow == above.flow and not 0 < pitch <= _PARAGRAPH * usual.distance(line.strip.size)


def _has_ended(strip: Strip) -> bool:
    return strip.text.rstrip("\"'“”’)]»").endswith((".", ":", "!", "?", ";"))
