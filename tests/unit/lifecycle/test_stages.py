"""The table of stages: what it allows, and what no order of moves can do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.stages import TABLE, Move, Stage, after
from rag.errors import Refused


@given(moves=st.lists(st.sampled_from(Move), max_size=12))
def test_a_release_that_went_live_was_evaluated_or_let_through_expressly(moves: list[Move]) -> None:
    """Whatever is tried from a draft on, production has one of two doors."""
    stage, done = Stage.draft, set()
    for move in moves:
        try:
            stage = after(stage, move)
        except Refused:
            continue
        done.add(move)
        if stage is Stage.production:
            assert done & {Move.evaluate, Move.promote_unevaluated}


@given(moves=st.lists(st.sampled_from(Move), max_size=12))
def test_what_was_rejected_stays_rejected(moves: list[Move]) -> None:
    """No move leads out."""
    stage = after(Stage.draft, Move.reject)
    for move in moves:
        with pytest.raises(Refused):
            after(stage, move)


def test_what_was_taken_back_needs_a_new_evaluation() -> None:
    """Neither a promotion nor a rollback of another brings it back."""
    for move in (Move.promote, Move.promote_unevaluated, Move.restore):
        with pytest.raises(Refused):
            after(Stage.rolled_back, move)
    assert after(after(Stage.rolled_back, Move.evaluate), Move.promote) is Stage.production


def test_every_stage_can_be_reached() -> None:
    """A stage that no row leads to is a word without a meaning."""
    assert {Stage.draft, *TABLE.values()} == set(Stage)


def test_a_refusal_says_what_to_do() -> None:
    """The commonest mistake: promoting a draft."""
    with pytest.raises(Refused) as refused:
        after(Stage.draft, Move.promote)
    assert refused.value.code == "release.stage"
    assert "Evaluate" in refused.value.hint
