"""Text → findings → the policy's decision → redacted text. Stands behind the port `Guard`.

Finds personal data by Presidio with our recognizers, measures how medical the text is, and asks the policy. Whatever
goes wrong inside is a refusal: no text leaves, neither in the answer nor in an error, its cause or a log.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
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
from rag.adapters.guard.settings import GuardSettings
from rag.adapters.guard.spans import Finder, Span, settle, without
from rag.adapters.guard.tables import TableFinder
from rag.allowing import Allowed, live
from rag.errors import Refused
from rag.ports import AllowList, Policy
from rag.redaction import redact
from rag.types import Action, Direction, Finding, Screened, now

if TYPE_CHECKING:
    from presidio_analyzer import EntityRecognizer

log = logging.getLogger(__name__)

_RULES_REVISION = "guard-4"
"""Raise it when the code finds something else than before, so that documents are screened again."""
_ATTRIBUTES = ("usecase_class", "tenant", "business_unit", "user_role", "endpoint_class")


class PresidioGuard:
    """Port `Guard`, thread-safe. Presidio is loaded at the first text or by `warm`: it imports torch, some seconds."""

    def __init__(
        self, policy: Policy, settings: GuardSettings | None = None, *, recognizers: Sequence[EntityRecognizer] = (),
        allow_list: AllowList | None = None, clock: Callable[[], datetime] = now,
    ) -> None:  # fmt: skip
        """`recognizers`: more of Presidio's own kind, with `supported_language="xx"`. Without an `allow_list` whatever is
        found counts.
        """
        self._allow_list, self._clock = allow_list, clock
        self._policy, self._settings = policy, settings or GuardSettings()
        self._persons = PersonFinder()
        self._tables = TableFinder((*self._settings.numbers, *DOCUMENTS))
        self._health = HealthReader(self._settings.medical_ignore)
        self._engine: Callable[[str], list[Span]] | None = None
        self._recognizers = recognizers
        self._opening = Lock()
        allow = self._settings.allow
        self._allowed_texts = frozenset(text.casefold() for text in allow.texts)
        self._allowed = re.compile("|".join(f"(?:{p})" for p in allow.patterns)) if allow.patterns else None
        more = sorted(type(recognizer).__name__ for recognizer in recognizers)
        own = (_RULES_REVISION, words.revision(), self._settings.revision, *more)
        self._revision = hashlib.sha256("\n".join(own).encode()).hexdigest()[:12]

    @property
    def revision(self) -> str:
        """Digest of code rules, word lists, settings and the DLP policy."""
        return f"{self._revision}-{self._policy.screening_revision}"

    async def warm(self) -> None:
        """Loads Presidio now, so that the first text does not wait for it. Raises whatever its import raises."""
        await asyncio.to_thread(self._opened)

    async def screen(self, text: str, *, direction: Direction, context: Mapping[str, str | None]) -> Screened:
        """Raises `Refused`: `guard_too_slow` for this text, `guard_unavailable` for whatever else goes wrong."""
        try:
            if self._engine is None:
                await self.warm()  # before the clock runs
            async with asyncio.timeout(self._settings.timeout_s):
                allowed = await self._allowed_now(direction, context)
                return await asyncio.to_thread(self._screen, text, direction, dict(context), allowed)
        except TimeoutError:
            log.error("guard.too_slow", extra={"characters": len(text), "direction": direction.value})  # noqa: TRY400
            message = "The text is so long that the guard does not finish, so it does not pass."
            raise Refused("guard_too_slow", message, hint="Split it.") from None
        except Exception as error:  # noqa: BLE001 - anything at all: unseen text must not pass
            log.error("guard.failed", extra={"error": type(error).__name__, "direction": direction.value})  # noqa: TRY400 - a traceback may hold text
        message = "The guard could not check this text, so it does not pass."
        raise Refused("guard_unavailable", message, hint="Try again; if it stays, tell an operator.")

    async def _allowed_now(self, direction: Direction, context: Mapping[str, str | None]) -> Allowed | None:
        """What the allow-list leaves out of such a text; `None` = nothing, which costs nothing."""
        tenant = context.get("tenant")
        if self._allow_list is None or tenant is None:
            return None
        standing = await self._allow_list.standing(tenant)
        if not standing:
            return None
        held = live(standing, tenant=tenant, zone=context.get("zone"), direction=direction, at=self._clock())
        return Allowed(held, tenant=tenant, digest=self._allow_list.digest) if held else None

    def _finders(self) -> list[tuple[Finder, Sequence[str]]]:
        numbers = self._settings.numbers
        return [
            (self._persons, ["PERSON"]),
            (EmailFinder(self._settings.allow.mailboxes), ["EMAIL_ADDRESS"]),
            (PhoneFinder(), ["PHONE_NUMBER"]),
            (AddressFinder(), ["ADDRESS"]),
            (BirthFinder(), ["DATE_OF_BIRTH"]),
            (NumberFinder(numbers), sorted({kind.entity for kind in numbers}) or ["NUMBER"]),
            (NumberFinder(DOCUMENTS), [kind.entity for kind in DOCUMENTS]),
            (PensionFinder(), ["DE_SOCIAL_SECURITY"]),
            (PlateFinder(), ["LICENSE_PLATE"]),
            (SecretFinder(), ["SECRET"]),
        ]

    def _opened(self) -> Callable[[str], list[Span]]:
        with self._opening:
            if self._engine is None:
                from rag.adapters.guard.engine import build_engine, spans_of

                self._engine = partial(spans_of, build_engine(self._finders(), self._recognizers))
            return self._engine

    def _screen(
        self, text: str, direction: Direction, context: dict[str, str | None], allowed: Allowed | None
    ) -> Screened:
        findings, left = self._find(text, allowed)
        health = self._health.read(text)
        decision = self._policy.screen(_facts(findings, health, direction, context))
        counts = dict(sorted(Counter(f.entity for f in findings).items()))
        facts = {"direction": direction.value, "action": decision.action.value, "rule": decision.rule, "counts": counts}
        log.info("guard.screened", extra=facts)
        match decision.action:
            case Action.allow:
                passed = text
            case Action.redact:
                passed = redact(text, findings)
            case Action.block:
                passed = ""
        return Screened(
            text=passed,
            decision=decision,
            findings=tuple(findings),
            counts=counts,
            medical_density=health.density,
            medical_categories=health.categories,
            allowed=left,
        )

    def _find(self, text: str, allowed: Allowed | None) -> tuple[list[Finding], dict[str, int]]:
        """With how many of each type were left out, because the allow-list says so."""
        folded = fold(text)
        spans = self._opened()(folded.text)
        spans += self._tables.find(folded.text)
        spans = [s for s in spans if self._counts(s, folded.text)]
        left: dict[str, int] = {}
        if allowed is not None:
            spans, left = without(allowed, spans, folded.text)
        # Not asked of the allow-list: once somebody of that name is found, the name alone may be hers.
        spans += [s for s in self._persons.repeats(folded.text, spans) if self._counts(s, folded.text)]
        return settle(s._replace(start=folded.start(s.start), end=folded.end(s.end)) for s in spans), left

    def _counts(self, span: Span, text: str) -> bool:
        if span.score < self._settings.thresholds.get(span.entity, self._settings.threshold):
            return False
        found = text[span.start : span.end]
        if found.strip().casefold() in self._allowed_texts:
            return False
        return not (self._allowed and self._allowed.fullmatch(found.strip()))


def _facts(
    findings: Sequence[Finding], health: Health, direction: Direction, context: Mapping[str, str | None]
) -> dict[str, object]:
    """What `policies/dlp` decides on."""
    return {
        "direction": direction.value,
        "has_pii": bool(findings),
        "pii_types": sorted({f.entity for f in findings}),
        "pii_confidence": max((f.score for f in findings), default=0.0),
        "has_medical_terms": health.has_terms,
        "medical_term_density": health.density,
        "medical_categories": sorted(health.categories),
        "identifying_features": list(health.features),
        "words": health.words,
        **{name: context.get(name) for name in _ATTRIBUTES},
    }
