"""The keyword side: languages, codes, numbers, compounds; alike for documents and questions."""

from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag import compounds, keywords


def found(text: str, language: str) -> set[str]:
    return {term.text for term in keywords.terms(text, language)}


def shared(document: str, question: str, language: str = "de") -> set[int]:
    return keywords.document_vector(document, "", language).keys() & keywords.query_vector(question, language).keys()


@pytest.mark.parametrize(
    ("document", "question", "language"),
    [
        ("Häuser in München", "Haus", "de"),
        ("Münchens Straßen", "muenchen", "de"),
        ("Die Strasse", "Straße", "de"),
        ("notice periods", "period", "en"),
        ("Les congés payés", "congé", "fr"),
        ("un café", "cafe", "fr"),
        ("Die Kündigungsfristen", "Frist", "de"),
        ("Frist zur Kündigung", "Kündigungsfrist", "de"),
        ("Reisekostenabrechnung", "Kosten der Reise", "de"),
        ("Er bezahlt per Überweisung", "Bezahlung", "de"),
        ("colonial rule", "colony", "en"),
    ],
)
def test_forms_of_a_word_meet(document: str, question: str, language: str) -> None:
    """Inflection, umlauts, accents, compounds and long words with one root are one term in their own language."""
    assert shared(document, question, language)


@pytest.mark.parametrize(
    ("document", "question"),
    [("E-42", "e42"), ("E42", "E-42"), ("AL-200", "al200"), ("AL‑200", "AL-200"), ("ISO/IEC 27001", "27001"),
     ("1.234,56 €", "1,234.56"), ("5.000", "5000"), ("12,5 %", "12.5"), ("12.03.2024", "12.03.2024"),
     ("Az. 17/2024", "17/2024"), ("hr@acme.example", "hr@acme.example")],
)  # fmt: skip
def test_codes_numbers_and_dates_meet_in_any_spelling(document: str, question: str) -> None:
    """What people type exactly is found exactly."""
    assert shared(document, question)


def test_a_whole_code_weighs_more_than_its_parts() -> None:
    """`E-42` finds E-42 before E-17, though both hold an `e`."""
    right, wrong = (keywords.document_vector(text, "", "en") for text in ("Error E-42", "Error E-17"))
    asked = keywords.query_vector("E-42", "en")
    assert sum(w * right.get(t, 0) for t, w in asked.items()) > 2 * sum(w * wrong.get(t, 0) for t, w in asked.items())


def test_accented_words_are_not_cut_apart() -> None:
    """One word stays one term, whatever letters it has."""
    assert [*keywords.words("Überstundenausgleich naïve Łódź")] == ["überstundenausgleich", "naïve", "łódź"]


def test_stopwords_of_the_language_are_left_out_but_never_all_of_a_question() -> None:
    """`der` and `the` find nothing, yet a question of stopwords alone still asks for something."""
    assert found("der die das und", "de") == set()
    assert found("the who", "en") == set()
    assert keywords.query_vector("Who?", "en")
    assert keywords.query_vector("?!", "en") == {}


def test_names_are_found_across_languages() -> None:
    """A German question finds an English document by its names, codes and loanwords, with less weight."""
    document = keywords.document_vector("The Kubernetes policies of Musterfirma", "", "en")
    asked = keywords.query_vector("Welche Policies gibt es für Kubernetes?", "de")
    assert len(document.keys() & asked.keys()) >= 2


def test_context_counts_less_than_the_passage() -> None:
    """A word in the heading is found, but the passage that says it comes first."""
    term = keywords.term_id(keywords.stem("holiday", "en"))
    said = keywords.document_vector("holiday rules for everybody", "", "en")
    above = keywords.document_vector("rules for everybody", "holiday", "en")
    assert 0 < above[term] < said[term]


def test_repetition_saturates() -> None:
    """A word said fifty times is not fifty times as relevant."""
    term = keywords.term_id(keywords.stem("holiday", "en"))
    once = keywords.document_vector("holiday", "", "en")[term]
    often = keywords.document_vector("holiday " * 50, "", "en")[term]
    assert once < often < keywords.K1 + 1


@given(text=st.text(max_size=200), question=st.text(max_size=80), language=st.sampled_from(["de", "en", "fr", "xx"]))
def test_no_document_exceeds_the_ceiling(text: str, question: str, language: str) -> None:
    """The share of the ceiling is at most 1, whatever the texts."""
    asked = keywords.query_vector(question, language)
    document = keywords.document_vector(text, question, language)
    score = sum(weight * document.get(term, 0.0) for term, weight in asked.items())
    assert score <= keywords.ceiling(asked) + 1e-9
    assert all(0 <= term < 2**32 for term in document)
    assert all(weight > 0 for weight in document.values())


def test_term_ids_are_the_same_in_every_process() -> None:
    """Ids are stored, so they must not depend on Python's salted hash."""
    code = "from rag import keywords; print(keywords.term_id('kundig'))"
    others = {subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout}
    assert others == {f"{keywords.term_id('kundig')}\n"}


# --- compounds --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "parts"),
    [
        ("kündigungsfrist", ("kündigung", "frist")),
        ("betriebsvereinbarung", ("betriebs", "vereinbarung")),
        ("haustür", ("haus", "tür")),
        ("sprachkurs", ("sprach", "kurs")),
        ("regenwald", ("regen", "wald")),
        ("wachstumsrate", ("wachstums", "rate")),
        ("donaudampfschifffahrtsgesellschaft", ("donau", "dampf", "schifffahrt", "gesellschaft")),
    ],
)
def test_compounds_are_split_at_the_right_place(word: str, parts: tuple[str, ...]) -> None:
    """Few, long, frequent parts, with linking elements taken off where the part is no word with them."""
    assert compounds.split(word) == parts


@pytest.mark.parametrize(
    "word",
    ["verantwortung", "gesellschaft", "eigenschaften", "informationen", "gemeinsam", "universität", "e-42", "haus"],
)
def test_words_that_are_no_compounds_stay_whole(word: str) -> None:
    """Derivations, foreign words and short words are not torn apart."""
    assert compounds.split(word) == ()


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyzäöüß", max_size=70))
def test_splitting_ends_for_any_letters(word: str) -> None:
    """Nonsense is split or left, but never hangs; parts are never shorter than three letters."""
    parts = compounds.split(word)
    assert len(parts) != 1
    assert all(len(part) >= 3 for part in parts)
