"""A sweep says how far it has come, however it ends."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from state_values import NOON

from rag.errors import Temporary
from rag.ingest.follow import followed
from rag.testing_records import MemorySweeps
from rag.types import SweepProgress


async def test_a_sweep_is_told_from_its_beginning_to_its_end() -> None:
    """What it found, what it has done, and that it is over."""
    sweeps = MemorySweeps()
    async with followed("z", sweeps=sweeps) as follow:
        await follow.found(10, 5)
        await follow.done(8)
        await follow.done(2)
        await follow.ended(held=3)
    assert [(p.due, p.done, p.ended_at is not None) for p in sweeps.told] == [
        (10, 0, False), (10, 8, False), (10, 10, False), (10, 10, True),
    ]  # fmt: skip
    assert (sweeps.told[-1].unchanged, sweeps.told[-1].held, sweeps.told[-1].trouble) == (5, 3, "")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Temporary("zone_vanished", "The folder is not there.", hint="Mount it."), "The folder is not there. Mount it."),
        (ValueError("a word of a document"), "Something unforeseen went wrong on our side (ValueError). It is tried again."),
    ],
)  # fmt: skip
async def test_what_ends_a_sweep_is_told_and_goes_on(error: Exception, said: str) -> None:
    """Our errors in their words, others by their kind alone: their words may be a document's."""
    sweeps = MemorySweeps()
    with pytest.raises(type(error)):
        async with followed("z", sweeps=sweeps):
            raise error
    assert sweeps.told[-1].trouble == said
    assert sweeps.told[-1].ended_at is not None


async def test_a_record_that_cannot_be_written_stops_nothing() -> None:
    """People then wait without a number; the files come in all the same."""

    class Away(MemorySweeps):
        async def record(self, progress: SweepProgress) -> None:
            raise Temporary("database.locked", "Away.")

    async with followed("z", sweeps=Away()) as follow:
        await follow.found(1, 0)
        await follow.done(1)
        await follow.ended()


BEGUN = SweepProgress(zone="z", began_at=NOON, seen_at=NOON)


@pytest.mark.parametrize(("done", "seconds"), [(0, 600), (7, 600), (8, 4), (10_000, 0)])
def test_no_rate_without_evidence(done: int, seconds: int) -> None:
    """Too few files or too short a time is a guess, and a guess is not shown."""
    early = replace(BEGUN, due=20_000, done=done, seen_at=NOON + timedelta(seconds=seconds))
    assert early.files_per_minute is None
    assert early.remaining_s is None


@given(done=st.integers(8, 10**6), left=st.integers(0, 10**6), seconds=st.integers(5, 10**6))
def test_what_remains_is_the_rest_at_the_rate_so_far(done: int, left: int, seconds: int) -> None:
    """Twice the rest takes twice as long; nothing left takes no time; what is over has nothing left."""
    at = replace(BEGUN, due=done + left, done=done, seen_at=NOON + timedelta(seconds=seconds))
    assert at.remaining_s is not None
    assert at.remaining_s == pytest.approx(left * seconds / done)
    assert replace(at, ended_at=at.seen_at).remaining_s is None
    assert replace(at, due=None).remaining_s is None
