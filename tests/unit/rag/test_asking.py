"""Questions, taken apart."""

from __future__ import annotations

import pytest

from rag.asking import asked
from rag.figures import figures
from rag.kinds import kind_of


@pytest.mark.parametrize(
    ("question", "language", "kind"),
    [
        ("Wie lange ist die Frist?", "de", "duration"),
        ("Wie viele Arbeitstage Urlaub habe ich?", "de", "duration"),
        ("Was kostet der Ausweis?", "de", "price"),
        ("How much does a ticket cost?", "en", "price"),
        ("Wann beginnt die Messe?", "de", "time"),
        ("I pay when I travel?", "en", None),
        ("When does it start?", "en", "time"),
        ("Wie schwer ist das Gerät?", "de", "weight"),
        ("Wer leitet die Abteilung?", "de", "name"),
        ("Which bank do we use?", "en", "provider"),
        ("How many rooms are there?", "en", "count"),
        ("Was ist zu tun?", "de", None),
    ],
)
def test_the_kind_of_answer_is_told_by_the_question(question: str, language: str, kind: str | None) -> None:
    """German and English cues say what an answer must hold."""
    found = kind_of(question)
    assert (found.name if found else None) == kind


@pytest.mark.parametrize(
    ("kind", "text", "held"),
    [
        ("Wie schwer ist es?", "Es wiegt 12 kg.", True),
        ("Wie schwer ist es?", "Es kostet 12 Euro.", False),
        ("Wie lange dauert es?", "Es dauert zwei volle Wochen.", True),
        ("Wie lange dauert es?", "Es dauert lange.", False),
        ("What does it cost?", "It costs 5 euros.", True),
        ("An welchem Tag kommt es?", "Es kommt am 27. jedes Monats.", True),
    ],
)
def test_a_text_holds_a_kind_or_not(kind: str, text: str, held: bool) -> None:
    """What the question asks for stands in the text, or does not."""
    found = kind_of(kind)
    assert found is not None
    assert found.is_held_by(text, figures(text, "de")[0], header="") is held


def test_a_header_names_the_unit_of_a_bare_cell() -> None:
    """In a column of prices a bare number is a price."""
    found = kind_of("Was kostet der Motor?")
    assert found is not None
    row = "AL-E-1020 | Antriebsmotor | 1675"
    assert found.is_held_by(row, figures(row, "de")[0], header="Nummer | Teil | Preis netto")
    assert not found.is_held_by(row, figures(row, "de")[0], header="Nummer | Teil | Bestand")


def test_what_must_be_met_exactly() -> None:
    """Codes, years and numbered things name what is asked about; quantities only describe."""
    assert {f.value for f in asked("Was bedeutet E-21 bei der Störung der Stufe 1 in 2026?", "de").exact} == {
        "e21",
        "1",
        "2026",
    }
    assert asked("Was gilt nach 30 Tagen bei 5 Prozent?", "de").exact == frozenset()


def test_names_are_told_from_words() -> None:
    """Acronyms, countries, and English capitals inside a sentence; German nouns are no names."""
    names = {t.stem for t in asked("What does the Kestrel project cost in Norway?", "en").terms if t.is_name}
    assert "kestrel" in names
    assert {t.stem for t in asked("Gilt das Tagegeld auch für die Schweiz?", "de").terms if t.is_name} == {"schweiz"}


def test_a_follow_up_takes_what_it_leaves_out_from_before() -> None:
    """Words of the last question count less, its code counts in full, and a question of its own takes nothing."""
    before = "Was kostet das Kühlaggregat AL-200?"
    follow = asked("Und wie lange dauert die Lieferung?", "de", before=before)
    alone = {term.stem: term.weight for term in asked(before, "de").terms}
    taken = {term.stem: term.weight for term in follow.terms if term.stem in alone}
    assert taken
    assert all(weight < alone[word] for word, weight in taken.items())
    assert {figure.value for figure in follow.exact} == {"al200"}
    assert asked("Welche Zahlungsfrist gilt für Krankenhäuser?", "de", before=before).exact == frozenset()


def test_circumstances_count_less_than_the_question() -> None:
    """What stands before the last sentence describes the asker, not what is asked."""
    terms = {
        term.stem: term.weight
        for term in asked("Mein Laptop ist gestohlen. Wann muss ich den Laptopverlust melden?", "de").terms
    }
    assert terms["laptop"] < asked("Wann muss ich den Laptop melden?", "de").terms[0].weight


@pytest.mark.parametrize("question", ["", "?", "Wie?", "…", "1", "\x00"])
def test_a_question_of_nothing_is_no_error(question: str) -> None:
    """Whatever is typed can be taken apart."""
    assert asked(question, "de").kind is None
