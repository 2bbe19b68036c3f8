"""Text → spans of dates of birth and of numbers behind their labels. Pure. Run by the guard."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from rag.adapters.guard.prefilter import lines_with, lowered, searched
from rag.adapters.guard.settings import NumberKind
from rag.adapters.guard.spans import Span

_MONTH = (
    r"(?:jan(?:uar|uary)?|feb(?:ruar|ruary)?|märz|mrz|mar(?:ch)?|apr(?:il)?|mai|may|jun[ie]?|jul[iy]?|aug(?:ust)?|"
    r"sep(?:t(?:ember)?)?|o[kc]t(?:ober)?|nov(?:ember)?|de[zc](?:ember)?)\.?"
)
DATE = (
    rf"(?:\d{{1,2}}\.[ ]?\d{{1,2}}\.[ ]?(?:\d{{4}}|\d{{2}})|\d{{4}}-\d{{2}}-\d{{2}}|\d{{1,2}}[/-]\d{{1,2}}[/-]\d{{2,4}}|"
    rf"\d{{1,2}}\.?[ ]{_MONTH}[ ]\d{{4}}|{_MONTH}[ ]\d{{1,2}}(?:st|nd|rd|th)?,?[ ]\d{{4}})"
)
BIRTH_LABELS = r"(?:geburtsdatum|geburtstag|geb\.?-?[ ]?(?:datum|dat\.?|am)|geb\.|geboren(?:[ ]am)?|date of birth|birth ?date|birthday|dob|d\.o\.b\.|born(?:[ ]on)?)"
_BIRTH = re.compile(
    rf"(?i)(?:(?<!\w){BIRTH_LABELS}[\s:|=()-]{{0,6}}(?:am[ ]|on[ ])?|\(\s?\*\s?|(?<!\w)\*\s?)(?P<date>{DATE})(?!\d)"
)
_BIRTH_MARKS = ("geb", "birth", "dob", "d.o.b", "born", "*")
_BIRTH_BELOW = 6
"""Lines: what stands between label and date may be line breaks."""


class BirthFinder:
    """Implements `Finder`. A date counts only behind a word for birth."""

    def find(self, text: str) -> Iterator[Span]:
        for found in searched(_BIRTH, text, lines_with(text, _BIRTH_MARKS, more=_BIRTH_BELOW)):
            yield Span("DATE_OF_BIRTH", *found.span("date"), 0.85, "birth")


class NumberFinder:
    """Implements `Finder` for the numbers that an organisation configured."""

    def __init__(self, kinds: Iterable[NumberKind]) -> None:
        self._labelled: list[tuple[str, re.Pattern[str], tuple[str, ...]]] = []
        self._shaped: list[tuple[str, re.Pattern[str]]] = []
        for kind in kinds:
            if kind.labels:
                either = "|".join(_label(label) for label in sorted(kind.labels, key=len, reverse=True))
                behind = rf"(?i:(?<!\w)(?:{either}))\.?[ \t]*(?:(?i:lautet|ist|is|no|nr)\.?)?[ \t]*[:#|=]?[ \t]*(?P<value>{kind.value})(?!\w)"
                self._labelled.append((kind.entity, re.compile(behind), _marks(kind.labels)))
            if kind.shape:
                self._shaped.append((kind.entity, re.compile(rf"(?<!\w)(?P<value>{kind.shape})(?!\w)")))

    def find(self, text: str) -> Iterator[Span]:
        for entity, pattern, marks in self._labelled:
            for found in searched(pattern, text, lines_with(text, marks)):
                yield Span(entity, *found.span("value"), 0.9, "number")
        for entity, pattern in self._shaped:
            for found in pattern.finditer(text):
                yield Span(entity, *found.span("value"), 0.8, "number")


def _label(label: str) -> str:
    """`Kunden-Nr` is also written `Kunden Nr` and `KundenNr.`."""
    return r"[ .-]{0,2}".join(re.escape(part) for part in _parts(label))


def _marks(labels: Iterable[str]) -> tuple[str, ...]:
    """Of each label the longest part, which fewest other words hold; none of them inside another."""
    longest = {lowered(part) or part for part in (max(_parts(label), key=len) for label in labels)}
    return tuple(sorted(mark for mark in longest if not any(other in mark for other in longest - {mark})))


def _parts(label: str) -> list[str]:
    return [part for part in re.split(r"[ .-]+", label) if part]
