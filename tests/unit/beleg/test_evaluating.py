"""What an evaluation does to the release that it measured."""

from __future__ import annotations

from pathlib import Path

import pytest
from state_values import NOON, recipe

from beleg.evaluating import AWAITS_EVALUATION, record
from beleg.home import writable_home
from lifecycle import releases
from lifecycle.compose import open_store
from lifecycle.stages import TABLE, Move, Stage
from lifecycle.types import Result, Scorecard
from rag.compose import open_state
from rag.settings import Settings

WHO = {"actor": "mia", "at": NOON}


def card(release: str, *, failure: str = "") -> Scorecard:
    result = Result(item="q1", language="de", answerable=True, failure=failure, outcome=None, latency_ms=1.0, scores={})
    return Scorecard(use_case="assistant", release=release, split="dev", results=(result,), measures=(), by_language={})


async def test_a_draft_and_one_that_was_taken_back_become_evaluated(tmp_path: Path) -> None:
    """So that both may be promoted; a live one stays live; questions that failed are no evidence."""
    settings = Settings(home=tmp_path)
    writable_home(settings)
    async with open_state(settings) as state:
        store = open_store(state)
        first = (await releases.create(recipe(1), store=store, **WHO)).name
        second = (await releases.create(recipe(2), store=store, **WHO)).name
        assert "1 questions did not run" in await record(card(first, failure="timeout"), "", store)
        assert (await store.release(first)).stage is Stage.draft

        assert "evaluated now" in await record(card(first), "run-1", store)
        await releases.promote(first, store=store, **WHO)
        assert "stays production" in await record(card(first), "run-2", store)
        await record(card(second), "run-3", store)
        await releases.promote(second, store=store, **WHO)
        await releases.roll_back("assistant", store=store, **WHO)
        assert (await store.release(second)).stage is Stage.rolled_back

        assert "evaluated now" in await record(card(second), "run-4", store)
        assert (await releases.promote(second, store=store, **WHO)).release == second


@pytest.mark.parametrize("stage", list(Stage))
def test_every_stage_that_an_evaluation_changes_is_known_here(stage: Stage) -> None:
    """A row added to the table of stages must not be forgotten here."""
    leads_to = TABLE.get((stage, Move.evaluate))
    assert (stage in AWAITS_EVALUATION) == (leads_to not in {None, stage})
