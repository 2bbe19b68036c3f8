"""Numbers, units, dates, times and codes, normalised."""

from __future__ import annotations

import pytest

from rag.figures import Figure, figures


def only(text: str, language: str) -> Figure:
    found, _ = figures(text, language)
    assert len(found) == 1, found
    return next(iter(found))


@pytest.mark.parametrize(
    ("german", "english"),
    [
        ("1.000,50 €", "EUR 1,000.50"),
        ("1.000 Stück", "1,000 pieces"),
        ("3,5 Prozent", "3.5 %"),
        ("1,5 Mio. Euro", "€1,500,000"),
        ("14 Tage", "14 days"),
        ("zwei Wochen", "2 weeks"),
        ("1. Januar 2026", "2026-01-01"),
        ("01.02.2026", "February 1, 2026"),
        ("9 Uhr", "9 a.m."),
        ("17:30 Uhr", "5:30 pm"),
        ("−18 °C", "-18 °C"),
        ("AL-200", "AL200"),
    ],
)
def test_one_fact_written_twice_is_one_figure(german: str, english: str) -> None:
    """What two languages write in their own way is the same figure."""
    assert only(german, "de") == only(english, "en")


def test_a_german_preposition_is_no_time() -> None:
    """A code before "am" is a code and a place, not noon or midnight."""
    assert only("Code T-12 am Trockner", "de") == Figure("code", "t12")
    assert only("um 12 am Tor", "de") == Figure("number", "12")
    assert only("at 12 am", "en") == Figure("time", "0:00")


def test_thousand_or_one_depends_on_the_language() -> None:
    """1.500 is fifteen hundred in German and one and a half in English."""
    assert only("1.500", "de").value == "1500"
    assert only("1.500", "en").value == "1.5"


@pytest.mark.parametrize(
    ("claim", "given", "agrees"),
    [
        ("5 %", "5 Tage", False),
        ("5", "5 Tage", True),
        ("5 Tage", "5", True),
        ("1. Mai", "1. Mai 2026", True),
        ("1. Mai 2026", "1. Mai", False),
        ("E-21", "E-22", False),
        ("30 Tage", "30 Wochen", False),
    ],
)
def test_agreement(claim: str, given: str, agrees: bool) -> None:
    """A unit that only one side has does no harm; another unit, a year of one's own or another code does."""
    assert only(claim, "de").agrees(only(given, "de")) is agrees


def test_the_rest_keeps_its_length_and_its_words() -> None:
    """Figures are blanked out in place, and words of time stay for those who look for words."""
    text = "Nach 30 Tagen kostet E-21 genau 5,00 Euro."
    _, rest = figures(text, "de")
    assert len(rest) == len(text)
    assert rest.split() == ["Nach", "Tagen", "kostet", "genau", "."]
