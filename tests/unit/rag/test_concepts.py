"""The thesaurus: every line well formed, what belongs together together, and opposites apart."""

from __future__ import annotations

import unicodedata
from importlib.resources import files

import pytest

from rag.concepts import concepts, groups_of, neighbours
from rag.gloss import gloss
from rag.stems import stem

LINES = files("rag").joinpath("concepts.txt").read_text(encoding="utf-8").splitlines()
GROUPS = [line.split() for line in LINES if line and not line.startswith("#")]


def share_a_group(german: str, english: str) -> bool:
    return not concepts(stem(german, "de")).isdisjoint(concepts(stem(english, "en")))


def test_every_line_is_a_group_of_single_lower_case_words() -> None:
    """None twice, in composed letters."""
    for group in GROUPS:
        assert len(set(group)) == len(group), group
        assert all(word == unicodedata.normalize("NFC", word).lower() for word in group), group


def test_no_group_stands_twice() -> None:
    sets = [frozenset(group) for group in GROUPS]
    assert [group for group in sets if sets.count(group) > 1] == []


@pytest.mark.parametrize(
    ("german", "english"),
    [
        ("Urlaub", "holiday"), ("Rechnung", "invoice"), ("Lieferant", "supplier"), ("Frist", "deadline"),
        ("Drucker", "printer"), ("Wartung", "maintenance"), ("Schlauch", "hose"), ("Dichtung", "gasket"),
        ("Gewährleistung", "warranty"), ("Kündigung", "termination"), ("Krankenhaus", "hospital"),
        ("Desinfektion", "disinfection"), ("Speicher", "memory"), ("Vertretung", "deputy"), ("Fahrkosten", "fare"),
        ("Mietwagen", "cab"), ("Aufbewahrung", "retention"), ("Zuschuss", "subsidy"), ("Aktie", "share"),
    ],
)  # fmt: skip
def test_translations_share_a_group(german: str, english: str) -> None:
    assert share_a_group(german.lower(), english)


@pytest.mark.parametrize(
    ("german", "english"),
    [
        ("kaufen", "sell"), ("höchstens", "minimum"), ("mindestens", "maximum"), ("erlaubt", "forbidden"),
        ("Montag", "tuesday"), ("Januar", "february"), ("einschalten", "shutdown"), ("Umsatz", "loss"),
        ("Einnahme", "expenditure"), ("heiß", "cold"), ("innen", "outside"), ("Mutter", "father"), ("früh", "late"),
        ("öffnen", "closing"), ("senken", "increase"), ("intern", "external"), ("bezahlt", "unpaid"),
    ],
)  # fmt: skip
def test_what_a_question_keeps_apart_shares_none(german: str, english: str) -> None:
    assert not share_a_group(german.lower(), english)


def test_neighbours_leave_the_word_itself_out() -> None:
    word = stem("urlaub", "de")
    assert stem("holiday", "en") in neighbours(word)
    assert word not in neighbours(word)
    assert groups_of("thatisnoword") == []
    assert neighbours("thatisnoword") == frozenset()


@pytest.mark.parametrize(
    ("german", "expected"),
    [
        ("Der Urlaub beträgt 30 Tage.", {"the", "30"}),
        ("Wer haftet?", {"who"}),
        ("E-33 AL-200", {"E-33", "AL-200"}),
        ("", set()),
    ],
)
def test_a_gloss_keeps_figures_and_codes_and_knows_function_words(german: str, expected: set[str]) -> None:
    """What it does not know stays as it is."""
    assert expected <= set(gloss(german).split())
