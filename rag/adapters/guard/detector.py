"""Text → findings and how medical it is, before any policy. Pure but for Presidio's import. Called by the guard.

Everything that is looked for is put together here: our finders, Presidio's recognizers, and the second look for names.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING

from rag.adapters.guard import words
from rag.adapters.guard.contacts import AddressFinder, EmailFinder, PhoneFinder
from rag.adapters.guard.folding import fold
from rag.adapters.guard.medical import Health, HealthReader
from rag.adapters.guard.names import PersonFinder
from rag.adapters.guard.numbers import BirthFinder, NumberFinder
from rag.adapters.guard.official import DOCUMENTS, PensionFinder, PlateFinder, SecretFinder
from rag.adapters.guard.prefilter import lines_around
from rag.adapters.guard.settings import GuardSettings
from rag.adapters.guard.spans import Finder, Span, settle, without
from rag.adapters.guard.tables import TableFinder
from rag.allowing import Allowed
from rag.types import Finding

if TYPE_CHECKING:
    from presidio_analyzer import EntityRecognizer

_RULES_REVISION = "guard-4"
"""Raise it when the code finds something else than before, so that documents are screened again."""
_LONG_NUMBER = re.compile(r"(?:\d[\s.-]?){9}|\b[A-Za-z]{2}[ -]?\d{2}(?:[\s-]?[A-Za-z0-9]){9}")
"""What stands in each of the numbers that Presidio confirms (`engine`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Detected:
    """What stands in a text.

    Attributes:
        findings: sorted, without overlaps, in the text's own offsets.
        allowed: per entity type, how many places an allow-list took out.
    """

    findings: tuple[Finding, ...]
    allowed: dict[str, int]
    health: Health


class Detector:
    """Thread-safe. Presidio is loaded at the first text or by `warm`: it imports torch, some seconds."""

    def __init__(self, settings: GuardSettings, recognizers: Sequence[EntityRecognizer] = ()) -> None:
        """`recognizers`: more of Presidio's own kind, with `supported_language="xx"`."""
        self._settings = settings
        self._persons = PersonFinder()
        self._finders: tuple[Finder, ...] = (
            self._persons,
            EmailFinder(settings.allow.mailboxes),
            PhoneFinder(),
            AddressFinder(),
            BirthFinder(),
            NumberFinder((*settings.numbers, *DOCUMENTS)),
            PensionFinder(),
            PlateFinder(),
            SecretFinder(),
            TableFinder((*settings.numbers, *DOCUMENTS)),
        )
        self._health = HealthReader(settings.medical_ignore)
        self._engine: Callable[[str], list[Span]] | None = None
        self._recognizers = recognizers
        self._opening = Lock()
        allow = settings.allow
        self._allowed_texts = frozenset(text.casefold() for text in allow.texts)
        self._allowed = re.compile("|".join(f"(?:{p})" for p in allow.patterns)) if allow.patterns else None

    @property
    def is_warm(self) -> bool:
        return self._engine is not None

    @property
    def revision(self) -> str:
        """Digest of code rules, word lists and settings."""
        more = sorted(type(recognizer).__name__ for recognizer in self._recognizers)
        own = (_RULES_REVISION, words.revision(), self._settings.revision, *more)
        return hashlib.sha256("\n".join(own).encode()).hexdigest()[:12]

    def warm(self) -> Callable[[str], list[Span]]:
        """Loads Presidio now, so that the first text does not wait for it. Raises whatever its import raises."""
        with self._opening:
            if self._engine is None:
                from rag.adapters.guard.engine import build_engine, spans_of

                self._engine = partial(spans_of, build_engine(self._recognizers))
            return self._engine

    def detect(self, text: str, allowed: Allowed | None = None) -> Detected:
        """In the whole text. `allowed`: what an allow-list leaves out of it."""
        folded = fold(text)
        spans = [s for s in self._spans(folded.text) if self._counts(s, folded.text)]
        left: dict[str, int] = {}
        if allowed is not None:
            spans, left = without(allowed, spans, folded.text)
        # Not asked of the allow-list: once somebody of that name is found, the name alone may be hers.
        spans += [s for s in self._persons.repeats(folded.text, spans) if self._counts(s, folded.text)]
        findings = settle(s._replace(start=folded.start(s.start), end=folded.end(s.end)) for s in spans)
        return Detected(findings=tuple(findings), allowed=left, health=self._health.read(text))

    def _spans(self, text: str) -> Iterator[Span]:
        """Everything that anybody believes, however weakly."""
        presidio = self.warm()
        for finder in self._finders:
            yield from finder.find(text)
        if self._recognizers:
            yield from presidio(text)
            return
        for start, end in lines_around(text, _LONG_NUMBER):
            yield from (s._replace(start=s.start + start, end=s.end + start) for s in presidio(text[start:end]))

    def _counts(self, span: Span, text: str) -> bool:
        if span.score < self._settings.thresholds.get(span.entity, self._settings.threshold):
            return False
        found = text[span.start : span.end].strip()
        if found.casefold() in self._allowed_texts:
            return False
        return not (self._allowed and self._allowed.fullmatch(found))
