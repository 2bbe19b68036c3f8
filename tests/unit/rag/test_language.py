"""German and English are told apart, in questions of a few words too."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.language import detect


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Wie lange ist die Kündigungsfrist?", "de"),
        ("How long is the notice period?", "en"),
        ("Wer genehmigt Dienstreisen?", "de"),
        ("Who approves business trips?", "en"),
        ("What did Marlee Matlin say about Energiprojekt AB?", "en"),
        ("Was kostet der Servicestick für die Firmware?", "de"),
        ("Who may enter the data centre in Freiburg?", "en"),
        ("Wer ist der General Manager der Broncos?", "de"),
        ("Stufe | Zeitpunkt | Gebühr | Folge", "de"),
        ("Programme | Temperature | Holding time", "en"),
        ("14 | 7,50 | 2026", "de"),
    ],
)
def test_german_and_english(text: str, language: str) -> None:
    """The likelier of the two; the first named where nothing tells."""
    assert detect(text, ("de", "en")) == language


def test_only_what_may_occur_is_answered() -> None:
    """One candidate needs no look, and codes that nobody knows are left out."""
    assert detect("How long?", ("de",)) == "de"
    assert detect("Wie lange?", ("xx",)) == "en"
    assert detect("La durée du contrat est de deux ans.", ("de", "en", "fr")) == "fr"


@given(st.text(max_size=200))
def test_any_text_has_one_of_them(text: str) -> None:
    """Whatever characters it holds."""
    assert detect(text, ("de", "en")) in {"de", "en"}
