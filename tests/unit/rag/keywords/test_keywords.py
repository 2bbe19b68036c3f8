"""The keyword side: languages, codes, numbers, compounds; alike for documents and questions."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag import compounds, keywords
from rag.stems import stem


def found(text: str, language: str) -> set[str]:
    return {term.text for term in keywords.terms(text, language)}


def shared(document: str, question: str, language: str = "de") -> set[int]:
    return keywords.document_vector(document, "", language).keys() & asked(question, language).weights.keys()


class Seen:
    """Statistics in which exactly these terms occur, all alike."""

    def __init__(self, *terms: int) -> None:
        self._terms = frozenset(terms)

    def idf(self, term: int) -> float:
        return 1.0 if term in self._terms else 2.0

    def frequency(self, term: int) -> int:
        return int(term in self._terms)


def asked(question: str, language: str, seen: Seen | None = None) -> keywords.Query:
    return keywords.query(keywords.asked_words(question, language), seen or Seen())


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
    weights = asked("E-42", "en").weights
    assert _score(weights, right) > 2 * _score(weights, wrong)


def test_accented_words_are_not_cut_apart() -> None:
    """One word stays one term, whatever letters it has."""
    assert [*keywords.words("Überstundenausgleich naïve Łódź")] == ["überstundenausgleich", "naïve", "łódź"]


def test_stopwords_of_the_language_are_left_out_but_never_all_of_a_question() -> None:
    """`der` and `the` find nothing, yet a question of stopwords alone still asks for something."""
    assert found("der die das und", "de") == set()
    assert found("the who", "en") == set()
    assert asked("Who?", "en").weights
    assert asked("?!", "en") == keywords.Query(weights={}, ceiling=0.0)


def test_names_are_found_across_languages() -> None:
    """A German question finds an English document by its names, codes and loanwords, with less weight."""
    document = keywords.document_vector("The Kubernetes policies of Musterfirma", "", "en")
    assert len(document.keys() & asked("Welche Policies gibt es für Kubernetes?", "de").weights.keys()) >= 2


def test_a_word_that_is_in_no_passage_is_searched_for_by_what_stands_for_it() -> None:
    """`Urlaub` finds `holiday`, nearly as well as itself where nothing says `Urlaub`, and less where something does."""
    urlaub, holiday = (keywords.term_id(stem(word, "en")) for word in ("urlaub", "holiday"))
    unknown = asked("Urlaub", "de", Seen(holiday)).weights
    known = asked("Urlaub", "de", Seen(holiday, urlaub)).weights
    assert 0 < known[holiday] < unknown[holiday]
    assert known[holiday] < known[urlaub]


def test_context_counts_less_than_the_passage() -> None:
    """A word in the heading is found, but the passage that says it comes first."""
    term = keywords.term_id(stem("holiday", "en"))
    said = keywords.document_vector("holiday rules for everybody", "", "en")
    above = keywords.document_vector("rules for everybody", "holiday", "en")
    assert 0 < above[term] < said[term]


def test_repetition_saturates() -> None:
    """A word said fifty times is not fifty times as relevant."""
    term = keywords.term_id(stem("holiday", "en"))
    once = keywords.document_vector("holiday", "", "en")[term]
    often = keywords.document_vector("holiday " * 50, "", "en")[term]
    assert once < often < keywords.K1 + 1


@given(text=st.text(max_size=200), question=st.text(max_size=80), language=st.sampled_from(["de", "en", "fr", "xx"]))
def test_no_document_exceeds_the_ceiling_by_the_words_of_the_question(text: str, question: str, language: str) -> None:
    """The own words' share of the ceiling is at most 1, whatever the texts; no weight is negative."""
    words = keywords.asked_words(question, language)
    found = keywords.query(words, Seen())
    own = {term: found.weights[term] for word in words for term in word.own}
    document = keywords.document_vector(text, question, language)
    assert _score(own, document) <= found.ceiling + 1e-9
    assert all(0 <= term < 2**32 for term in document)
    assert all(weight > 0 for weight in (*document.values(), *found.weights.values()))


def _score(weights: Mapping[int, float], document: Mapping[int, float]) -> float:
    return sum(weight * document.get(term, 0.0) for term, weight in weights.items())


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
