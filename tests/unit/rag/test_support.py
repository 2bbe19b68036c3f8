"""How far a quote carries a claim."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.support import CONTRADICTED, MISSING_FIGURE, MISSING_NAME, support


@pytest.mark.parametrize(
    ("claim", "quote", "language"),
    [
        ("Der Urlaub beträgt 30 Tage.", "Der Urlaub beträgt 30 Tage im Jahr.", "de"),
        ("Es gibt 30 Urlaubstage [1].", "Der Urlaub beträgt 30 Tage.", "de"),
        ("Die Häuser in Muenchen", "das Haus in München", "de"),
        ("Es kostet 1.000 Euro.", "Es kostet EUR 1.000,00.", "de"),
        ("Frist: 1. Januar 2026", "Die Frist endet am 01.01.2026.", "de"),
        ("The employees may carry over five days.", "Each employee may carry over 5 days, but not beyond March.", "en"),
        ("Mobile phones are not allowed.", "Mobile phones aren't allowed in the lab.", "en"),
    ],
)
def test_a_carried_claim_scores_full(claim: str, quote: str, language: str) -> None:
    """Inflection, compounds, umlauts, number formats and markers make no difference."""
    assert support(claim, quote, language) == 1.0


@pytest.mark.parametrize(
    ("claim", "quote", "language", "cap"),
    [
        ("Der Urlaub beträgt 28 Tage im Jahr.", "Der Urlaub beträgt 30 Tage im Jahr.", "de", MISSING_FIGURE),
        ("Der Rabatt beträgt 5 Prozent.", "Der Rabatt beträgt 5 Euro.", "de", MISSING_FIGURE),
        ("Error E-21 means imbalance of the rotor.", "Error E-22 means imbalance of the rotor.", "en", MISSING_FIGURE),
        (
            "The group is led by Anna Brown in Linz today.",
            "The group is led by Peter Brown in Linz today.",
            "en",
            MISSING_NAME,
        ),
        ("Die Abteilung in Linz leitet Frau Brandt.", "Die Abteilung in Linz leitet Frau Meier.", "de", MISSING_NAME),
        ("Telefone sind im Labor nicht erlaubt.", "Telefone sind im Labor erlaubt.", "de", CONTRADICTED),
        ("Phones are allowed in the laboratory.", "Phones are not allowed in the laboratory.", "en", CONTRADICTED),
    ],
)
def test_a_wrong_fact_caps_the_score(claim: str, quote: str, language: str, cap: float) -> None:
    """One wrong number, code, name or negation outweighs all words that agree."""
    assert support(claim, quote, language) <= cap


@pytest.mark.parametrize(
    ("claim", "language"),
    [("", "de"), ("  ", "en"), ("Ja.", "de"), ("[1]", "de"), ("Das ist es.", "de"), ("Yes, it is.", "en")],
)
def test_a_claim_without_content_has_no_support(claim: str, language: str) -> None:
    """What says nothing cannot be carried."""
    assert support(claim, "Das ist es, ja. Yes, it is.", language) == 0.0


def test_each_side_has_its_language() -> None:
    """A German claim about an English passage: the passage's numbers are read as English ones."""
    assert support("1.500 Liter", "1,500 liter", "de", quote_language="en") == 1.0
    assert support("1.500 Liter", "1.500 liter", "de", quote_language="en") <= MISSING_FIGURE


@given(st.text(max_size=80), st.text(max_size=80), st.sampled_from(["de", "en", "fr"]))
def test_support_is_a_share(claim: str, quote: str, language: str) -> None:
    """Whatever comes in, the score lies between 0 and 1, and a text never contradicts itself."""
    assert 0.0 <= support(claim, quote, language) <= 1.0
    assert support(claim, claim, language) in {0.0, 1.0}
