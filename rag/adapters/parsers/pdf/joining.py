"""Lines of one text → pieces that read on: words that are cut at a line's end are put together, each half in its box."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from rag.adapters.parsers.building import Line
from rag.adapters.parsers.pdf.strips import Strip

_CUT = re.compile(r"\w[-‐]$")
_SHARED = {"und", "oder", "bzw.", "sowie", "bis", "beziehungsweise", "and", "or", "to"}
"""After a hyphen they go on with a list ("Ein- und Ausgang"), not with the word."""
_STANDS_ALONE = {"self", "well", "high", "low", "long", "short", "half", "cross"}
"""English words that make compounds with a hyphen far more often than they are a first syllable."""
_EDGES = "„“”\"'()[]{}.,;:!?…«»‚‘’"

Known = Counter[str]


def known(strips: Iterable[Strip]) -> Known:
    """The words of a document, each line's last one aside: it may be half of one."""
    return Counter(word.text.strip(_EDGES).casefold() for strip in strips for word in strip.words[:-1])


def lines(strips: Sequence[Strip], vocabulary: Known, *, in_cell: bool = False) -> list[Line]:
    """One piece a strip, with what stands before it. A cell may cut a word without a hyphen."""
    made: list[Line] = []
    for strip in strips:
        if not made:
            made.append(strip.line())
            continue
        above = made[-1].text
        text, joint = _joint(above, strip.words[0].text, vocabulary)
        if in_cell and text == above and _is_torn(above, strip.words[0].text, vocabulary):
            joint = ""
        if text != above:
            made[-1] = Line(text=text, place=made[-1].place, joint=made[-1].joint)
        made.append(strip.line(joint))
    return made


def _joint(above: str, tail: str, vocabulary: Known) -> tuple[str, str]:
    """The upper line, with or without its hyphen, and what comes between it and the lower one's first word."""
    head = above.rpartition(" ")[2]
    if re.search(r"\w/$", above) or re.search(r"\d[–—]$", above):
        return above, ""
    if not _CUT.search(above) or tail.casefold().strip(_EDGES) in _SHARED or not tail[0].isalnum():
        return above, " "
    return (above, "") if _keeps_hyphen(head, tail, vocabulary) else (above[:-1], "")


def _keeps_hyphen(head: str, tail: str, vocabulary: Known) -> bool:
    """Before a capital or a figure it belongs to the word; else what the document writes elsewhere decides."""
    stem = head[:-1].strip(_EDGES)
    rest = tail.strip(_EDGES)
    if not tail[0].islower() or not stem[-1:].isalpha():
        return True
    whole, hyphenated = vocabulary[(stem + rest).casefold()], vocabulary[f"{stem}-{rest}".casefold()]
    if whole != hyphenated:
        return hyphenated > whole
    last = re.split(r"[-‐]", stem)[-1]
    return len(last) == 1 or last.casefold() in _STANDS_ALONE


def _is_torn(above: str, tail: str, vocabulary: Known) -> bool:
    """A word too long for its cell: its parts are no words here, but together they are."""
    head = above.rpartition(" ")[2].casefold()
    rest = tail.strip(_EDGES).casefold()
    is_inside = head[-1:].isalpha() and tail[0].islower()
    return is_inside and vocabulary[head + rest] > 0 and vocabulary[head] == 0
