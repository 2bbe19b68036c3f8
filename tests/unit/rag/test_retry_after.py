"""What an upstream says in its headers, however absurd, is a bounded number of seconds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from state_values import NOON

from rag.adapters.retry_after import LONGEST_S, SHORTEST_S, USUAL_S, seconds


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        ({"retry-after": "7"}, 7), ({"retry-after": "7.5"}, 7.5), ({"retry-after-ms": "2500", "retry-after": "9"}, 2.5),
        ({"retry-after": "0"}, SHORTEST_S), ({"retry-after": "-5"}, SHORTEST_S), ({"retry-after": "1e300"}, LONGEST_S),
        ({"retry-after": "inf"}, LONGEST_S), ({"retry-after": "nan"}, USUAL_S), ({}, USUAL_S), ({"retry-after": "soon"}, USUAL_S),
        ({"retry-after": NOON.strftime("%a, %d %b %Y 12:00:30 GMT")}, 30),
        ({"retry-after": "Fri, 31 Dec 1999 23:59:59 GMT"}, SHORTEST_S), ({"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"}, LONGEST_S),
        ({"retry-after": "Fri, 99 Dec 99999 23:59:59 GMT"}, USUAL_S),
    ],
)  # fmt: skip
def test_every_form(headers: dict[str, str], wanted: float) -> None:
    """Seconds, a date, Azure's milliseconds, nothing, rubbish."""
    assert seconds(headers, at=NOON.replace(microsecond=0)) == wanted


@given(st.text(max_size=40))
def test_nothing_breaks_it(said: str) -> None:
    """Whatever it says, somebody comes back, and not at once."""
    assert SHORTEST_S <= seconds({"retry-after": said}, at=NOON) <= LONGEST_S
