"""Sentences: German and English, lists and tables, and streams."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.sentences import SentenceStream, spans, units


def cut(text: str) -> list[str]:
    return [text[start:end] for start, end in units(text)]


@pytest.mark.parametrize(
    "text",
    [
        "Das gilt z. B. für Dr. Meier, d. h. den Chef.",
        "Siehe § 3 Abs. 2 Nr. 4 der Satzung.",
        "Ab dem 1. Januar 2026 gilt der Satz von ca. 3.5 Prozent bzw. 1.000,50 Euro.",
        "Im 3. Quartal sinkt der Preis.",
        "See e.g. the manual of Mr. Smith, i.e. chapter No. 5.",
        "The price is 3.5 percent of approx. 1,000.50 dollars.",
        "J. Smith left at 5 p.m. on Friday.",
        "Der Wert „Nr. 5“ steht auf www.beispiel.de/seite.html im Netz.",
        "1. Anmelden und warten.",
        "Dies ist eine Zeile, die von einem Layout umbrochen wurde und dann\nmit Nomen weitergeht.",
    ],
)
def test_one_sentence_stays_one(text: str) -> None:
    """Abbreviations, ordinals, decimals, initials and wrapped lines do not end a sentence."""
    assert cut(text) == [text]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Er sagt: „Nein.“ Dann geht er.", ["Er sagt: „Nein.“", "Dann geht er."]),
        ("Es gibt Obst usw. Der Rest folgt.", ["Es gibt Obst usw.", "Der Rest folgt."]),
        ("We meet at 5 p.m. The door is open.", ["We meet at 5 p.m.", "The door is open."]),
        ("Das kostet 30. Danach ist Schluss.", ["Das kostet 30.", "Danach ist Schluss."]),
        ("Urlaub\nJeder hat 30 Tage.", ["Urlaub", "Jeder hat 30 Tage."]),
        ("Punkte:\n- erstens\n- zweitens\n2. drittens", ["Punkte:", "- erstens", "- zweitens", "2. drittens"]),
        ("Preise\nA | 1,50 € | neu. gut.\nB | 2 €", ["Preise", "A | 1,50 € | neu. gut.", "B | 2 €"]),
        ("Wirklich? Ja! Gut…", ["Wirklich?", "Ja!", "Gut…"]),
        ("Erster Absatz ohne Punkt\n\nZweiter Absatz", ["Erster Absatz ohne Punkt", "Zweiter Absatz"]),
    ],
)
def test_ends_are_found(text: str, expected: list[str]) -> None:
    """Sentences, list items, headings, paragraphs and table rows are units of their own."""
    assert cut(text) == expected


def test_a_marker_belongs_to_the_sentence_before() -> None:
    """A model writes its marker before or after the full stop; both belong to the claim."""
    assert cut("Es sind 30 Tage. [1][2] Mehr [3]. Ende. [1, 2]") == [
        "Es sind 30 Tage. [1][2]",
        "Mehr [3].",
        "Ende. [1, 2]",
    ]


def test_nothing_has_no_sentences() -> None:
    """An empty text has no spans, and white space alone no units."""
    assert spans("") == []
    assert units(" \n\t ") == []


TEXTS = st.lists(
    st.sampled_from(
        ["Satz", "ist", "z. B.", "Dr.", "3.", "1.5", "am", "Januar", "[1]", "[1, 2]", "(2)", ".", "!", "?", "\n", "\n\n", " ", " ",
         "- ", "ende.", "Ende. ", "Der", "the", "„", "“", "etc.", "usw. ", ":", "…", "A" * 50, "x" * 60 + " "]
    ),
    max_size=40,
).map("".join)  # fmt: skip


@given(st.one_of(st.text(max_size=200), TEXTS))
@settings(max_examples=300, deadline=None)
def test_spans_tile_the_text(text: str) -> None:
    """No character is lost, none comes twice, and no span is empty."""
    found = spans(text)
    assert "".join(text[start:end] for start, end in found) == text
    assert all(start < end for start, end in found)


@given(TEXTS, st.lists(st.integers(min_value=1, max_value=9), min_size=1, max_size=20))
@settings(max_examples=300, deadline=None)
def test_a_stream_gives_the_sentences_of_the_whole(text: str, sizes: list[int]) -> None:
    """However a text is cut into pieces, the same sentences come out."""
    stream = SentenceStream()
    got: list[str] = []
    at, turn = 0, 0
    while at < len(text):
        size = sizes[turn % len(sizes)]
        got += stream.feed(text[at : at + size])
        at, turn = at + size, turn + 1
    got += stream.end()
    assert got == [text[start:end] for start, end in spans(text)]


def test_a_sentence_leaves_before_the_text_has_ended() -> None:
    """The first sentence is out as soon as the next word is known, not at the end of the answer."""
    stream = SentenceStream()
    assert stream.feed("Es sind 30 Tage. [1] ") == []
    assert stream.feed("Mehr sind ") == ["Es sind 30 Tage. [1] "]
    assert stream.end() == ["Mehr sind "]
