"""Citing: what no passage carries is not said, and what is said can be looked up."""

from __future__ import annotations

import pytest
from evidence import hit
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.answer.cite import Citing
from rag.types import Citation, Hit, Place

LEAVE = hit("Der Urlaub beträgt 30 Tage im Jahr. Resturlaub verfällt am 31. März des Folgejahres.", 1)
PRICES = hit("Produkt | Preis\nX200 | 12,50 €\nX300 | 15,00 €", 2)
EVIDENCE = (LEAVE, PRICES)


def cited(
    *sentences: str, evidence: tuple[Hit, ...] = EVIDENCE, language: str = "de"
) -> tuple[str, tuple[Citation, ...]]:
    citing = Citing(evidence, language=language)
    text = ""
    for sentence in sentences:
        verified = citing.verify(sentence)
        if verified is not None:
            citing.emitted(verified, verified.text, at=len(text))
            text += verified.text
    return text, citing.citations()


def test_a_true_claim_keeps_its_marker_and_gets_the_exact_quote() -> None:
    """The quote is the sentence that carries the claim, at its place in the stored text."""
    text, (citation,) = cited("Resturlaub verfällt am 31. März [1]. ")
    assert text == "Resturlaub verfällt am 31. März. [1] "
    assert citation.quote == "Resturlaub verfällt am 31. März des Folgejahres."
    assert LEAVE.chunk.text[citation.quote_start - 100 : citation.quote_end - 100] == citation.quote
    assert text[citation.start : citation.end] == "Resturlaub verfällt am 31. März."
    assert citation.support == 1.0


@pytest.mark.parametrize(
    "sentence",
    [
        "Der Urlaub beträgt 28 Tage im Jahr [1].",
        "Der Urlaub beträgt nicht 30 Tage im Jahr [1].",
        "X400 kostet 12,50 € [2].",
        "Die Firma wurde 1974 gegründet [1].",
        "Die Firma wurde 1974 gegründet.",
        "Die Dokumente beantworten das nicht.",
        "Hier ist die Antwort:",
        "[1]",
        "[1][2] ",
        "\n",
        "",
    ],
)
def test_what_no_passage_carries_is_dropped(sentence: str) -> None:
    """Wrong numbers, denials, inventions, empty phrases and bare markers do not leave."""
    assert cited(sentence) == ("", ())


def test_a_wrong_marker_is_pointed_at_the_passage_that_carries_the_claim() -> None:
    """A model's marker is a hint; the passage that says it is what counts."""
    _, (citation,) = cited("Resturlaub verfällt am 31. März [2].")
    assert citation.document_id == "document-1"


def test_a_claim_without_a_marker_finds_its_passage() -> None:
    """A model that forgot the marker has still said something true."""
    text, (citation,) = cited("Der Urlaub beträgt 30 Tage.")
    assert (text, citation.document_id) == ("Der Urlaub beträgt 30 Tage. [1]", "document-1")


@pytest.mark.parametrize("marker", ["[1]", "[1][9]", "[9, 1]", "[1; 2]", "(1)", "[1–2]", "[ 1 ]", "[99]", "[0]"])
def test_every_form_of_marker_is_read_and_invented_numbers_vanish(marker: str) -> None:
    """Whatever brackets and numbers a model writes, one true marker comes out."""
    text, citations = cited(f"Der Urlaub beträgt 30 Tage {marker}.")
    assert text == "Der Urlaub beträgt 30 Tage. [1]"
    assert [citation.document_id for citation in citations] == ["document-1"]


def test_numbers_follow_the_order_of_first_use_and_stand_for_one_quote() -> None:
    """Whoever reads [1] first meets source one; the same quote keeps its number."""
    text, citations = cited("X200: 12,50 € [2]. ", "Der Urlaub beträgt 30 Tage [1]. ", "X200 für 12,50 € [2].")
    assert [citation.number for citation in citations] == [1, 2, 1]
    assert text == "X200: 12,50 €. [1] Der Urlaub beträgt 30 Tage. [2] X200 für 12,50 €. [1]"


def test_two_claims_of_one_sentence_are_cited_apart() -> None:
    """Each half of the sentence points at its own passage."""
    text, (first, second) = cited("Der Urlaub beträgt 30 Tage [1] und X200 kostet 12,50 € [2].")
    assert text == "Der Urlaub beträgt 30 Tage [1] und X200 kostet 12,50 € [2]."
    assert text[first.start : first.end] == "Der Urlaub beträgt 30 Tage"
    assert text[second.start : second.end] == "und X200 kostet 12,50 €"
    assert second.quote == "X200 | 12,50 €"


def test_one_false_half_drops_the_sentence() -> None:
    """A sentence is as true as its worst part."""
    assert cited("Der Urlaub beträgt 30 Tage [1] und X200 kostet 99 € [2].")[0] == ""


def test_half_a_sentence_is_not_taken_for_the_whole() -> None:
    """A part of a sentence may say the opposite, so the quote is always whole and its support says so."""
    evidence = (hit("Handys sind im Labor erlaubt, jedoch nur ausgeschaltet.", 1),)
    _, (citation,) = cited("Handys sind im Labor erlaubt [1].", evidence=evidence)
    assert citation.quote == "Handys sind im Labor erlaubt, jedoch nur ausgeschaltet."


def test_the_quote_grows_only_if_that_carries_more() -> None:
    """Two sentences are quoted when the claim joins them, one when one is enough."""
    evidence = (hit("Die Kantine öffnet um 11 Uhr. Sie schließt um 14 Uhr. Montags gibt es Suppe.", 1),)
    _, (both,) = cited("Die Kantine öffnet um 11 Uhr und schließt um 14 Uhr [1].", evidence=evidence)
    _, (one,) = cited("Montags gibt es Suppe [1].", evidence=evidence)
    assert both.quote == "Die Kantine öffnet um 11 Uhr. Sie schließt um 14 Uhr."
    assert one.quote == "Montags gibt es Suppe."


def test_places_are_those_under_the_quote() -> None:
    """The page and box that are shown are where the quote stands, not the whole passage."""
    text = LEAVE.chunk.text
    places = (Place(start=100, end=135, page=1), Place(start=136, end=100 + len(text), page=2))
    _, (citation,) = cited("Resturlaub verfällt am 31. März [1].", evidence=(hit(text, 1, places=places),))
    assert [place.page for place in citation.places] == [2]


def test_a_passage_in_another_language_is_read_by_its_own_rules() -> None:
    """1,500 in an English passage is fifteen hundred, also for a German answer."""
    evidence = (hit("Limit: 1,500 liter", 1, language="en"),)
    assert len(cited("Limit: 1.500 Liter [1]", evidence=evidence)[1]) == 1
    assert cited("Limit: 1,5 Liter [1]", evidence=evidence)[1] == ()


def test_spans_fit_the_text_that_the_guard_let_through() -> None:
    """When the guard redacts a sentence, the claim's span is that of the redacted one."""
    citing = Citing(EVIDENCE, language="de")
    verified = citing.verify("Der Urlaub beträgt 30 Tage [1].")
    assert verified is not None
    text = "Der <THING> beträgt 30 Tage. [1]"
    citing.emitted(verified, text, at=7)
    (citation,) = citing.citations()
    assert ("." * 7 + text)[citation.start : citation.end] == "Der <THING> beträgt 30 Tage."


def test_brackets_in_the_source_are_no_markers_of_ours() -> None:
    """A footnote sign in a document neither cites nor breaks the quote."""
    evidence = (hit("Der Wert liegt bei 7 bar [12]. Mehr steht im Anhang.", 1),)
    text, (citation,) = cited("Der Wert liegt bei 7 bar [12]. [1]", evidence=evidence)
    assert text == "Der Wert liegt bei 7 bar. [1]"
    assert citation.quote == "Der Wert liegt bei 7 bar [12]."


@given(st.text(max_size=120), st.lists(st.text(min_size=1, max_size=150), max_size=3))
@settings(max_examples=200, deadline=None)
def test_whatever_is_drafted_each_citation_holds(sentence: str, passages: list[str]) -> None:
    """Quotes stand verbatim in their passage, spans lie in the answer, and support is enough."""
    evidence = tuple(hit(text, number) for number, text in enumerate(passages, start=1))
    text, citations = cited(sentence, *passages, evidence=evidence)
    by_id = {one.chunk.id: one.chunk for one in evidence}
    for citation in citations:
        chunk = by_id[citation.chunk_id]
        assert chunk.text[citation.quote_start - chunk.start : citation.quote_end - chunk.start] == citation.quote
        assert 0 <= citation.start <= citation.end <= len(text)
        assert citation.support >= 0.6
        assert f"[{citation.number}]" in text
