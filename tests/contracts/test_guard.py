"""What every guard promises."""

from __future__ import annotations

import asyncio

import pytest
from guards import CONTEXT, presidio_guard

from rag.ports import Guard
from rag.redaction import redact
from rag.testing import WordGuard
from rag.types import Action, Direction

PERSONAL = "Bitte melden Sie sich bei Frau Katharina Lindemann, katharina.lindemann@posteo.example, im Werk."
HARMLESS = "Die Zentrifuge AL-200 erreicht 15.000 Umdrehungen in der Minute."
PATIENT = "Patientin Katharina Lindemann, geb. 17.08.1951, Diagnose: Diabetes mellitus (E11.90), Ramipril 5 mg 1-0-0."


class GuardContract:
    """Subclass with a fixture `guard` that masks Katharina Lindemann and blocks her diagnosis."""

    async def test_harmless_text_passes_unchanged(self, guard: Guard) -> None:
        """What holds nothing personal is not touched."""
        screened = await guard.screen(HARMLESS, direction=Direction.ingest, context=CONTEXT)
        assert (screened.text, screened.decision.action, screened.counts) == (HARMLESS, Action.allow, {})

    @pytest.mark.parametrize("direction", list(Direction))
    async def test_personal_text_is_masked(self, guard: Guard, direction: Direction) -> None:
        """The name is gone, whichever way the text goes, and the rest is as it was."""
        screened = await guard.screen(PERSONAL, direction=direction, context=CONTEXT)
        assert screened.decision.action is Action.redact
        assert "Lindemann" not in screened.text
        assert screened.text.startswith("Bitte melden Sie sich bei ")
        assert screened.text.endswith(", im Werk.")

    async def test_the_text_is_what_the_findings_say(self, guard: Guard) -> None:
        """Findings are ordered, do not overlap, and masking them gives exactly the screened text."""
        screened = await guard.screen(PERSONAL, direction=Direction.ingest, context=CONTEXT)
        assert redact(PERSONAL, screened.findings) == screened.text
        ends = [0, *(f.end for f in screened.findings)]
        assert all(before <= f.start < f.end for before, f in zip(ends, screened.findings, strict=False))
        assert sum(screened.counts.values()) == len(screened.findings)

    @pytest.mark.parametrize("direction", list(Direction))
    async def test_a_blocked_text_does_not_come_back(self, guard: Guard, direction: Direction) -> None:
        """Of what the policy blocks, nothing is handed on."""
        screened = await guard.screen(PATIENT, direction=direction, context=CONTEXT)
        assert (screened.text, screened.decision.action) == ("", Action.block)

    async def test_masked_text_is_clean(self, guard: Guard) -> None:
        """Screening twice changes nothing."""
        once = await guard.screen(PERSONAL, direction=Direction.ingest, context=CONTEXT)
        twice = await guard.screen(once.text, direction=Direction.input, context=CONTEXT)
        assert (twice.text, twice.decision.action) == (once.text, Action.allow)

    async def test_empty_text_passes(self, guard: Guard) -> None:
        """There is nothing to find in nothing."""
        assert (await guard.screen("", direction=Direction.ingest, context={})).decision.action is Action.allow

    async def test_many_at_once(self, guard: Guard) -> None:
        """Texts that are screened at the same time do not mix."""
        texts = [PERSONAL, HARMLESS, PATIENT] * 10
        results = await asyncio.gather(*(guard.screen(t, direction=Direction.ingest, context=CONTEXT) for t in texts))
        assert [r.decision.action for r in results] == [Action.redact, Action.allow, Action.block] * 10

    async def test_nothing_shows_in_a_repr(self, guard: Guard) -> None:
        """A screened text can be logged by mistake without showing what it says."""
        assert "Werk" not in repr(await guard.screen(PERSONAL, direction=Direction.ingest, context=CONTEXT))


class TestPresidioGuard(GuardContract):
    @pytest.fixture
    def guard(self) -> Guard:
        return presidio_guard()


class TestWordGuard(GuardContract):
    @pytest.fixture
    def guard(self) -> Guard:
        return WordGuard(mask=("Katharina Lindemann", "katharina.lindemann@posteo.example"), block=("Diabetes",))
