"""Text → findings → the policy's decision → redacted text. Stands behind the port `Guard`.

Finds personal data by Presidio with our recognizers, measures how medical the text is, and asks the policy. Whatever
goes wrong inside is a refusal: no text leaves, neither in the answer nor in an error, its cause or a log.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from rag.adapters.guard.detector import Detected, Detector
from rag.adapters.guard.settings import GuardSettings
from rag.allowing import Allowed, live
from rag.errors import Refused
from rag.ports import AllowList, Policy
from rag.redaction import redact
from rag.types import Action, Direction, Screened, now

if TYPE_CHECKING:
    from presidio_analyzer import EntityRecognizer

log = logging.getLogger(__name__)

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
        self._detector = Detector(self._settings, recognizers)

    @property
    def revision(self) -> str:
        """Digest of code rules, word lists, settings and the DLP policy."""
        return f"{self._detector.revision}-{self._policy.screening_revision}"

    async def warm(self) -> None:
        """Loads Presidio now, so that the first text does not wait for it. Raises whatever its import raises."""
        await asyncio.to_thread(self._detector.warm)

    async def screen(self, text: str, *, direction: Direction, context: Mapping[str, str | None]) -> Screened:
        """Raises `Refused`: `guard_too_slow` for this text, `guard_unavailable` for whatever else goes wrong."""
        try:
            if not self._detector.is_warm:
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

    def _screen(
        self, text: str, direction: Direction, context: dict[str, str | None], allowed: Allowed | None
    ) -> Screened:
        detected = self._detector.detect(text, allowed)
        decision = self._policy.screen(_facts(detected, direction, context))
        counts = dict(sorted(Counter(f.entity for f in detected.findings).items()))
        facts = {"direction": direction.value, "action": decision.action.value, "rule": decision.rule, "counts": counts}
        log.info("guard.screened", extra=facts)
        match decision.action:
            case Action.allow:
                passed = text
            case Action.redact:
                passed = redact(text, detected.findings)
            case Action.block:
                passed = ""
        return Screened(
            text=passed,
            decision=decision,
            findings=detected.findings,
            counts=counts,
            medical_density=detected.health.density,
            medical_categories=detected.health.categories,
            allowed=detected.allowed,
        )


def _facts(detected: Detected, direction: Direction, context: Mapping[str, str | None]) -> dict[str, object]:
    """What `policies/dlp` decides on."""
    findings, health = detected.findings, detected.health
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
