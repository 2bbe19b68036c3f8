"""What a caller may write for "as of"."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.as_of import instant_of
from rag.errors import Permanent

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("2026-03-01", datetime(2026, 3, 1, 23, 59, 59, 999999, tzinfo=UTC)),
        (" 2024-02-29 ", datetime(2024, 2, 29, 23, 59, 59, 999999, tzinfo=UTC)),
        ("2026-06-01", NOW),
        ("2026-03-01T12:00", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01 12:00:30", datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC)),
        ("2026-03-01T12:00:00Z", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        ("2026-03-01T12:00:00.5+02:00", datetime(2026, 3, 1, 10, 0, 0, 500000, tzinfo=UTC)),
        ("2026-06-01T13:00:00+02:00", NOW - timedelta(hours=1)),
        ("0001-01-01", datetime(1, 1, 1, 23, 59, 59, 999999, tzinfo=UTC)),
    ],
)
def test_days_and_instants_are_understood(said: str, meant: datetime) -> None:
    """A day is its end in UTC, today is now, what has no zone is UTC."""
    assert instant_of(said, now=NOW) == meant


@pytest.mark.parametrize(
    "said",
    ["", " ", "yesterday", "01.03.2026", "2026-02-30", "2026-3-1", "20260301", "2026-W09-1", "2026-13-01", "٢٠٢٦-٠٣-٠١",
     "2026-03-01T25:00", "2026-03-01T12:00+99:00", "2026-03-01\n; DROP", "1e9", "0000-01-01", "0001-01-01T00:00+14:00", "x" * 9999],
)  # fmt: skip
def test_anything_else_is_an_error_that_says_how(said: str) -> None:
    """And never repeats what it was given."""
    with pytest.raises(Permanent) as caught:
        instant_of(said, now=NOW)
    assert caught.value.code == "bad_as_of"
    assert "2026-03-01" in caught.value.hint
    assert not said.strip() or said not in f"{caught.value}"


@pytest.mark.parametrize("said", ["2026-06-02", "2026-06-01T12:00:01Z", "9999-12-31", "2026-06-01T12:30"])
def test_the_future_is_not_told(said: str) -> None:
    """What lies in a zone for a later day is under embargo until then."""
    with pytest.raises(Permanent) as caught:
        instant_of(said, now=NOW)
    assert caught.value.code == "as_of_future"


@given(st.datetimes(timezones=st.just(UTC), max_value=NOW.replace(tzinfo=None)))
def test_every_instant_that_was_comes_back(then: datetime) -> None:
    assert instant_of(then.isoformat(), now=NOW) == then
