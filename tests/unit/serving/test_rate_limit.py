"""A minute's worth of requests per key."""

from __future__ import annotations

from datetime import timedelta

import pytest
from state_values import NOON

from rag.errors import Temporary
from serving.adapters.rate_limit import MemoryRateLimit


def used_up(per_minute: int = 6) -> MemoryRateLimit:
    limit = MemoryRateLimit(per_minute)
    for _ in range(per_minute):
        limit.admit("a", now=NOON)
    return limit


def test_a_key_that_has_used_its_minute_up_waits() -> None:
    """And learns how long: exactly then the next one passes, and only one."""
    limit = used_up()
    with pytest.raises(Temporary) as error:
        limit.admit("a", now=NOON)
    assert (error.value.code, error.value.after_s) == ("rate_limited", 10.0)
    with pytest.raises(Temporary):
        limit.admit("a", now=NOON + timedelta(seconds=9.9))
    limit.admit("a", now=NOON + timedelta(seconds=10.1))
    with pytest.raises(Temporary):
        limit.admit("a", now=NOON + timedelta(seconds=10.2))


def test_keys_do_not_pay_for_each_other() -> None:
    """One that floods leaves the others alone."""
    used_up().admit("b", now=NOON)


def test_a_rest_gives_no_more_than_a_minutes_worth() -> None:
    """A night without requests is no licence for a flood."""
    limit = used_up()
    for _ in range(6):
        limit.admit("a", now=NOON + timedelta(hours=9))
    with pytest.raises(Temporary):
        limit.admit("a", now=NOON + timedelta(hours=9))


def test_a_clock_that_is_set_back_locks_nobody_out_for_long() -> None:
    """The wait starts anew from the new time, nothing is given twice."""
    limit, earlier = used_up(), NOON - timedelta(hours=1)
    with pytest.raises(Temporary):
        limit.admit("a", now=earlier)
    limit.admit("a", now=earlier + timedelta(seconds=10.1))
    with pytest.raises(Temporary):
        limit.admit("a", now=earlier + timedelta(seconds=10.2))


def test_keys_that_rest_are_forgotten() -> None:
    """Memory does not grow with every key that ever asked."""
    limit = MemoryRateLimit(60)
    for number in range(10_001):
        limit.admit(f"{number}", now=NOON)
    limit.admit("late", now=NOON + timedelta(minutes=2))
    assert len(limit._buckets) == 1
