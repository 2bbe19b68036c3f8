"""Limits and thresholds: which row is about the figure that is asked for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.figures import figures
from rag.ranges import fit


def closeness(question: str, text: str, language: str = "en") -> float | None:
    return fit(figures(question, language)[0], text, language)


def test_the_tightest_limit_that_holds_the_figure_is_closest() -> None:
    """Of a table of limits, the row whose band holds the figure wins."""
    rows = [
        "up to 1,000 euros | cost centre owner",
        "up to 25,000 euros | head of department",
        "up to 750,000 euros | finance committee",
        "above 750,000 euros | executive board",
    ]
    best = {
        asked: max(rows, key=lambda row: closeness(asked, row) or 0.0)
        for asked in ("Who approves 800 euros?", "Who approves 500,000 euros?", "Who approves 2 million euros?")
    }
    assert [row.partition(" | ")[2] for row in best.values()] == [
        "cost centre owner", "finance committee", "executive board",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("question", "text", "language"),
    [
        ("Wer genehmigt 5.000 Euro?", "über 10.000 Euro | Vorstand", "de"),
        ("Wer genehmigt 5.000 Euro?", "bis zu 500 Euro | Teamleitung", "de"),
        ("May I keep a gift of 50 euros?", "Gift from a supplier | up to 35 euros", "en"),
    ],
)
def test_what_lies_outside_is_told_apart_from_what_has_no_bound(question: str, text: str, language: str) -> None:
    """0.0 says that the sentence is about other figures."""
    assert closeness(question, text, language) == 0.0


@pytest.mark.parametrize("text", ["The board decides.", "up to 30 days", "up to 5", ""])
def test_no_bound_in_that_unit_says_nothing(text: str) -> None:
    assert closeness("Who approves 500 euros?", text) is None


@given(value=st.integers(1, 10**9), bound=st.integers(1, 10**9))
def test_a_figure_is_held_by_the_upper_or_by_the_lower_bound(value: int, bound: int) -> None:
    """Never by neither, and closeness is 0..1."""
    asked = f"{value} euros"
    upper, lower = closeness(asked, f"up to {bound} euros"), closeness(asked, f"more than {bound} euros")
    assert upper is not None
    assert lower is not None
    assert max(upper, lower) > 0
    assert all(0.0 <= found <= 1.0 for found in (upper, lower))
