"""Text → spans of dates of birth and of numbers behind their labels. Pure. Run by the guard inside Presidio."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

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


class BirthFinder:
    """Implements `Finder`. A date counts only behind a word for birth."""

    def find(self, text: str) -> Iterator[Span]:
        for found in _BIRTH.finditer(text):
            yield Span("DATE_OF_BIRTH", *found.span("date"), 0.85, "birth")


class NumberFinder:
    """Implements `Finder` for the numbers that an organisation configured."""

    def __init__(self, kinds: Iterable[NumberKind]) -> None:
        self._patterns: list[tuple[str, re.Pattern[str], float]] = []
        for kind in kinds:
            if kind.labels:
                either = "|".join(_label(label) for label in sorted(kind.labels, key=len, reverse=True))
                behind = rf"(?i:(?<!\w)(?:{either}))\.?[ \t]*(?:(?i:lautet|ist|is|no|nr)\.?)?[ \t]*[:#|=]?[ \t]*(?P<value>{kind.value})(?!\w)"
                self._patterns.append((kind.entity, re.compile(behind), 0.9))
            if kind.shape:
                self._patterns.append((kind.entity, re.compile(rf"(?<!\w)(?P<value>{kind.shape})(?!\w)"), 0.8))

    def find(self, text: str) -> Iterator[Span]:
        for entity, pattern, score in self._patterns:
            for found in pattern.finditer(text):
                yield Span(entity, *found.span("value"), score, "number")


def _label(label: str) -> str:
    """`Kunden-Nr` is also written `Kunden Nr` and `KundenNr.`."""
    return r"[ .-]{0,2}".join(re.escape(part) for part in re.split(r"[ .-]+", label) if part)
