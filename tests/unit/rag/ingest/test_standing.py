"""Waiting, starved and failed are told apart, with their age; every file has one line, and all lines are true."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from state_values import NOON, entry, receipt, zone

from rag.ingest.standing import UNSETTLED, Fate, FileStatus, ZoneStatus, zone_status
from rag.types import Entry, State, SweepProgress

LATER = NOON + timedelta(hours=5)
SWEEP = SweepProgress(zone="handbuch", began_at=LATER, seen_at=LATER, ended_at=LATER, due=0)
SWEEP_S = 300.0


def waiting(since: datetime, tried: datetime = LATER, **changed: object) -> Entry:
    """Tried again at `tried`, waiting since `since`."""
    facts: dict[str, object] = {"state": State.discovered, "code": "disk_full", "version": None, "reason": "Voll."}
    made = receipt(**{**facts, **changed})
    first = entry(made, recorded_at=since).after(None)
    return entry(made, recorded_at=tried).after(first)


def told(*entries: Entry, sweep: SweepProgress | None = SWEEP, at: datetime = LATER) -> ZoneStatus:
    return zone_status(zone(), entries, sweep=sweep, at=at, sweep_s=SWEEP_S)


def line(one: Entry, **options: object) -> FileStatus:
    return told(one, **options).files[0]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("minutes", "fate"),
    [(0, Fate.waiting), (14, Fate.waiting), (16, Fate.starved), (6000, Fate.starved)],
)
def test_what_waits_through_three_sweeps_starves(minutes: int, fate: Fate) -> None:
    """Its age counts from the first try, not from the last; its reason stays the one that keeps it waiting."""
    since = LATER - timedelta(minutes=minutes)
    one = line(waiting(since))
    assert (one.fate, one.since, one.reason) == (fate, since, "Voll.")


def test_what_waits_while_nobody_works_starves() -> None:
    """However short: the process that would come to it is not there. The zone says so too."""
    at = LATER + timedelta(minutes=16)
    status = told(waiting(LATER - timedelta(seconds=1)), at=at)
    assert status.files[0].fate is Fate.starved
    assert "beleg up" in status.files[0].hint
    assert [alarm.code for alarm in status.alarms] == ["nobody_works"]
    assert line(waiting(LATER), sweep=None).fate is Fate.starved


def test_what_failed_by_its_own_fault_is_its_owners() -> None:
    """Blocked after three attempts: neither waiting nor starved, however long ago and whoever works."""
    failed = waiting(NOON, state=State.blocked, code="file_changing", hint="Retry.")
    for sweep in (SWEEP, None):
        one = line(failed, sweep=sweep)
        assert (one.fate, one.hint, one.since) == (Fate.failed, "Retry.", NOON)


@pytest.mark.parametrize(
    ("made", "fate"),
    [
        (entry(), Fate.masked), (entry(receipt(code="indexed")), Fate.indexed),
        (entry(receipt(state=State.quarantined, code="empty_file")), Fate.quarantined),
        (entry(receipt(state=State.quarantined), fingerprint=""), Fate.waiting),
        (entry(receipt(state=State.deleted)), Fate.deleted), (entry(receipt(state=State.forgotten)), Fate.forgotten),
        (entry(missing_since=NOON), Fate.missing),
    ],
)  # fmt: skip
def test_every_state_has_its_line(made: Entry, fate: Fate) -> None:
    """Released by a steward, it waits for the next sweep; gone with many others, it is missing."""
    one = line(replace(made, recorded_at=LATER))
    assert one.fate is fate
    assert bool(one.reason) or fate is Fate.indexed


def test_deletions_that_wait_and_a_zone_in_trouble_are_alarms() -> None:
    """The zone's own, once, beside the lines of its files."""
    status = told(entry(missing_since=NOON), entry(receipt("b")), sweep=replace(SWEEP, trouble="Not there. Mount it."))
    assert [alarm.code for alarm in status.alarms] == ["sweep_failed", "deletions_held"]
    assert "1 of 2 documents have vanished" in status.alarms[1].message
    assert not status.is_settled


def test_a_sweep_in_progress_says_what_is_queued() -> None:
    """Files that it has not come to are in no row yet; one that was killed is no longer working."""
    going = replace(SWEEP, ended_at=None, due=100, done=40)
    assert (told(sweep=going).is_working, told(sweep=going).queued) == (True, 60)
    later = told(sweep=going, at=LATER + timedelta(hours=1))
    assert (later.is_working, later.queued, [alarm.code for alarm in later.alarms]) == (False, 60, ["nobody_works"])
    assert (told().is_working, told().queued, told().is_settled) == (False, 0, True)


@given(st.lists(st.tuples(st.sampled_from(State), st.integers(0, 10_000), st.booleans()), max_size=30))
def test_every_file_has_exactly_one_line(cases: list[tuple[State, int, bool]]) -> None:
    """Counts add up; whatever is unsettled says what to do; only what failed or waits can starve."""
    entries = [
        replace(
            waiting(LATER - timedelta(minutes=age), state=state, path=f"{n}", hint="Do it.", code=f"{state}"),
            missing_since=NOON if is_missing else None,
        )
        for n, (state, age, is_missing) in enumerate(cases)
    ]
    status = told(*entries)
    assert [one.path for one in status.files] == [one.receipt.path for one in entries]
    assert sum(status.counts.values()) == len(entries)
    for one, (state, _, is_missing) in zip(status.files, cases, strict=True):
        assert bool(one.hint) or one.fate not in UNSETTLED
        assert (one.fate in {Fate.waiting, Fate.starved}) == (state is State.discovered and not is_missing)
