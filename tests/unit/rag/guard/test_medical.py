"""Details of somebody's health are told from the everyday words of a maker of medical devices."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.adapters.guard.medical import HealthReader

READER = HealthReader()


@pytest.mark.parametrize(
    ("category", "text"),
    [
        ("diagnosis", "Bekannt ist ein Diabetes mellitus Typ 2."),
        ("diagnosis", "Zustand nach Mammakarzinom links"),
        ("diagnosis", "Er hatte zwei Schlaganfälle."),
        ("diagnosis", "She was treated for heart failure."),
        ("diagnosis", "HIV-Infektion seit 2011"),
        ("medication", "Ramipril wurde abgesetzt."),
        ("medication", "continue Metoprolol"),
        ("icd10", "Diagnosen: E11.90, I10.00"),
        ("icd10", "ICD-10: F32"),
        ("dosage", "5 mg täglich"),
        ("dosage", "Tabletten 10 mg, 1-0-1"),
        ("dosage", "20 mg twice a day"),
    ],
)
def test_details_of_health_are_recognised(category: str, text: str) -> None:
    """Diagnoses, codes, medication and dosages are specific."""
    health = READER.read(text)
    assert category in health.categories
    assert health.has_terms


@pytest.mark.parametrize(
    "text",
    [
        "Patient, Klinik, Diagnose, Therapie, Pflege, Station: Wörter aus jedem Handbuch.",
        "The patient monitor supports diagnosis and therapy in the clinic.",
        "Röntgen, Endoskopie und Dialyse sind Anwendungen unserer Leuchten.",
        "Fehlercode E11.90 und Ersatzteil I10.00, Firmware 1-0-1, Satz 0-0-1",
        "Die Wanne fasst 500 ml, das Pulver 5 mg.",
        "Schwangerschaft und Elternzeit: Anträge sieben Wochen vorher.",
        "Insgesamt 4 Stück pro Tag",
    ],
)
def test_everyday_words_are_not_specific(text: str) -> None:
    """What a maker of medical devices writes on every page says nothing of somebody's health."""
    assert not READER.read(text).has_terms


def test_care_words_do_not_make_a_text_dense() -> None:
    """A clinic's canteen plan is no clinical document."""
    assert READER.read("Klinik Station Patient Pflege " * 20).density == 0.0
    assert READER.read("Fieber Husten Atemnot Schwellung " * 20).density == 100.0


def test_features_of_one_person() -> None:
    """Age and stay point at somebody without a name, but only in a medical text."""
    text = "Die 67-jährige Patientin wurde am 12. März 2026 aufgenommen. Fieber seit gestern."
    assert set(READER.read(text).features) >= {"age"}
    assert READER.read("Der 67-jährige Geschäftsführer tritt zurück.").features == ()


def test_words_of_the_house_can_be_left_out() -> None:
    """A product may be called like a disease."""
    assert not HealthReader(("glaukom",)).read("Glaukom heißt unser Messgerät.").has_terms


WORDS = [
    "diabetes",
    "mellitus",
    "heart",
    "failure",
    "Ramipril",
    "Klinik",
    "zustand",
    "nach",
    "Mammakarzinom",
    "Schlaganfälle",
    "the",
    "a1c",
]


@given(st.lists(st.sampled_from(WORDS), max_size=30))
def test_terms_are_counted_one_by_one(words: list[str]) -> None:
    """However often a word stands in a text, alone or as the beginning of a phrase: as if each were looked at in its place."""
    text = " ".join(words)
    told = READER.read(text)
    tokens = text.lower().split()
    found = [
        READER._phrase(token, tokens, at) if token in READER._terms.phrases else None for at, token in enumerate(tokens)
    ]
    one_by_one = [phrase or READER._category(token) for phrase, token in zip(found, tokens, strict=True)]
    assert told.categories == {category for category in one_by_one if category}
    telling = sum(category not in {None, "care"} for category in one_by_one)
    assert told.density == (round(100 * telling / len(tokens), 2) if tokens else 0.0)
