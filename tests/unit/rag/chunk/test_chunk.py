"""Chunks are slices of the text: all of it, once, in order, and small enough for the model."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.chunking import Chunking, built_in
from rag.ingest import cut
from rag.ingest.chunk import chunk as chunk_by
from rag.ingest.chunk import revision
from rag.testing import EPOCH, decision
from rag.types import Chunk, ChunkRules, ChunkSetting, Classification, Cleared, Document, Element, Labels, Place

LABELS = Labels(tenant="t", business_unit=None, classification=Classification.public, readers=frozenset(), valid_from=None, valid_until=None)  # fmt: skip
LINES = st.lists(
    st.sampled_from([
        "Der Antrag ist z. B. bis zum 3. Mai zu stellen.", "Kosten: 12,50 Euro", "a" * 90, "§ 3 | 4 | 5", "x" * 900, "Nein!",
        "Die Frist von vier Wochen beginnt mit dem Zugang, endet aber nicht vor dem 1. Juli; sie gilt auch dann.",
    ]),
    min_size=1, max_size=60,
)  # fmt: skip
KINDS = ["title", "paragraph", "table", "list_item", "slide", "message"]
BLOCKS = st.lists(st.tuples(st.sampled_from(KINDS), LINES), min_size=1, max_size=6)
SLIDES = "application/vnd.openxmlformats-officedocument.presentationml.presentation"


TYPES = ["text/plain", *(name for rule in built_in().rules for name in rule.media_types if "*" not in name)]
CELLS = st.builds(
    lambda target, more, merges, header: Chunking(operators=tuple(
        ChunkSetting(kind=rule.kind, key=key, value=value)
        for rule in built_in().rules
        for key, value in (("target", target), ("most", max(80, target + more)), ("merges", merges), ("header", header))
    )).of(),
    st.integers(20, 400), st.integers(0, 200), st.booleans(), st.integers(0, 300),
)  # fmt: skip
"""Tables that somebody may have set."""


def chunk(made: Cleared, *, count_tokens: Callable[[str], int], rules: ChunkRules | None = None) -> list[Chunk]:
    return chunk_by(made, rules=rules or built_in(), count_tokens=count_tokens)


def by_length(text: str) -> int:
    return max(1, len(text) // 4)


def by_words(text: str) -> int:
    """As a tokenizer counts that calls every word that it does not know one token."""
    return len(text.split())


def cleared(blocks: list[tuple[str, list[str]]], media_type: str = "text/plain") -> Cleared:
    """Titles are the headings of what follows; every line has a place."""
    text, elements, places, headings = "", list[Element](), list[Place](), list[str]()
    for kind, said in blocks:
        text += "\n\n" if text else ""
        start, header = len(text), None
        lines = said[:1] if kind == "title" else said
        for number, line in enumerate(lines):
            text += ("\n" if kind in {"table", "slide", "message"} else " ") if number else ""
            places.append(Place(start=len(text), end=len(text) + len(line), page=len(places) + 1))
            text += line
            header = len(text) if kind == "table" and number == 0 and len(lines) > 1 else header
        headings = [] if kind == "title" else headings
        elements.append(Element(kind=kind, start=start, end=len(text), level=1 if kind == "title" else None, headings=tuple(headings), header_end=header))  # type: ignore[arg-type]  # fmt: skip
        headings = lines if kind == "title" else headings
    document = Document(id="d", version="v", zone="z", path="p", uri="u", content=b"", modified_at=EPOCH, labels=LABELS)
    return Cleared(
        document=document, media_type=media_type, title="Titel", text=text, elements=tuple(elements), places=tuple(places),
        pages=None, language="de", decision=decision(), counts={},
    )  # fmt: skip


def said(made: list[Chunk]) -> list[str]:
    return [c.text for c in made]


@settings(deadline=None, max_examples=120)
@given(BLOCKS, st.sampled_from(TYPES), st.sampled_from([by_length, by_words]), CELLS | st.just(built_in()))
def test_chunks_tile_the_text(
    blocks: list[tuple[str, list[str]]], media_type: str, count: Callable[[str], int], rules: ChunkRules
) -> None:
    """Every character that is not white space is in exactly one chunk; none is empty or too long; ids are stable."""
    made = cleared(blocks, media_type)
    chunks = chunk(made, count_tokens=count, rules=rules)
    assert all(c.text == made.text[c.start : c.end] for c in chunks)
    assert all(c.text and c.text == c.text.strip() for c in chunks)
    assert all(a.end <= b.start for a, b in itertools.pairwise(chunks))
    assert "".join("".join(said(chunks)).split()) == "".join(made.text.split())
    assert all(cut.measured(count)(c.text) <= rules.of(media_type).most for c in chunks)
    assert [c.position for c in chunks] == list(range(len(chunks)))
    assert len({c.id for c in chunks}) == len(chunks)
    assert chunks == chunk(made, count_tokens=count, rules=rules)


@settings(deadline=None, max_examples=60)
@given(BLOCKS)
def test_a_chunk_has_the_places_of_its_words(blocks: list[tuple[str, list[str]]]) -> None:
    """All that overlap it, and no others."""
    made = cleared(blocks)
    for one in chunk(made, count_tokens=by_length):
        assert one.places == tuple(p for p in made.places if p.start < one.end and p.end > one.start)


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=3000), st.integers(5, 60), st.sampled_from([cut.lines, cut.prose]))
def test_cuts_tile_any_text(text: str, size: int, cutting: Any) -> None:
    """Whatever characters there are: nothing is lost, nothing is said twice, nothing is too long."""
    count = cut.measured(by_length)
    spans = list(cutting(text, size, count))
    assert "".join(text[a:b] for a, b in spans) == text
    assert all(a < b for a, b in spans)
    assert all(count(text[a:b]) <= 2 * size for a, b in spans)


def test_a_long_table_keeps_its_header_with_every_part() -> None:
    """Rows that are cut off from their header carry it as context, and rows stay whole."""
    rows = ["Artikel | Preis", *[f"Artikel {n} mit längerer Bezeichnung | {n},50 Euro" for n in range(80)]]
    chunks = chunk(cleared([("table", rows)]), count_tokens=by_length)
    assert len(chunks) > 1
    assert all(c.context.endswith("\nArtikel | Preis") for c in chunks[1:])
    assert chunks[0].context == "Titel"
    assert [line for c in chunks for line in c.text.split("\n")] == rows


def test_a_short_table_stays_whole_under_its_heading() -> None:
    """It does not run together with the prose around it."""
    rows = ["Artikel | Preis", "Deckel | 3 Euro"]
    chunks = chunk(
        cleared([("title", ["Preise"]), ("table", rows), ("paragraph", ["Danach."])]), count_tokens=by_length
    )
    assert said(chunks) == ["Preise\n\nArtikel | Preis\nDeckel | 3 Euro", "Danach."]
    assert chunks[1].context == "Titel › Preise"


@pytest.mark.parametrize("words", [130, 175, 300])
def test_no_chunk_is_a_heading_alone(words: int) -> None:
    """However long what follows is."""
    text = " ".join(["Wort"] * words)
    chunks = chunk(
        cleared([("title", ["Eine Überschrift von üblicher Länge"]), ("paragraph", [text])]), count_tokens=by_words
    )
    assert chunks[0].text.startswith("Eine Überschrift von üblicher Länge\n\nWort")


def test_short_neighbours_under_one_heading_share_a_chunk() -> None:
    """Until the target; never over a heading, and slides not at all."""
    blocks = [("title", ["Eins"]), ("paragraph", ["Erster."]), ("list_item", ["Zweiter."]), ("title", ["Zwei"]), ("paragraph", ["Dritter."])]  # fmt: skip
    assert said(chunk(cleared(blocks), count_tokens=by_length)) == ["Eins\n\nErster.\n\nZweiter.", "Zwei\n\nDritter."]
    slides = [("slide", ["Erste Folie"]), ("slide", ["Zweite Folie"])]
    assert said(chunk(cleared(slides, SLIDES), count_tokens=by_length)) == ["Erste Folie", "Zweite Folie"]


def test_prose_is_cut_between_sentences() -> None:
    """Not after an abbreviation, nor within a date."""
    sentence = "Das gilt z. B. für Dr. Ada Beispiel ab dem 3. Mai nach § 5 Abs. 2 Nr. 7."
    chunks = chunk(cleared([("paragraph", [sentence] * 30)]), count_tokens=by_length)
    assert len(chunks) > 3
    assert all(c.text.replace(sentence, "").strip() == "" for c in chunks)


def test_a_text_without_words_is_cut_all_the_same() -> None:
    """A megabyte of base64 is one word to the tokenizer, and no chunk."""
    chunks = chunk(cleared([("paragraph", ["QUJD" * 50_000])]), count_tokens=by_words)
    assert max(len(c.text) for c in chunks) <= 2_400


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 8), st.integers(2, 120), st.integers(1, 30), CELLS | st.just(built_in()), st.sampled_from(TYPES))
def test_no_row_is_torn_from_its_header(
    columns: int, rows: int, words: int, rules: ChunkRules, media_type: str
) -> None:
    """Whatever the table and the rules: each part below the header carries it, unless the rules call it too long."""
    head = " | ".join(f"Spalte {n}" for n in range(columns))
    lines = [head, *[" | ".join(f"{n}.{m} " + "wort " * words for m in range(columns)).strip() for n in range(rows)]]
    rule = rules.of(media_type)
    chunks = chunk(cleared([("paragraph", ["Vorher."]), ("table", lines)], media_type), count_tokens=by_length, rules=rules)  # fmt: skip
    below = [c for c in chunks if c.text != "Vorher." and not c.text.startswith(head)]
    may_be_repeated = cut.measured(by_length)(head) <= min(rule.header, rule.most // 2)
    assert all(c.context.endswith(f"\n{head}") is may_be_repeated for c in below)


@settings(deadline=None, max_examples=60)
@given(BLOCKS, CELLS, CELLS, st.sampled_from(TYPES))
def test_an_id_is_a_function_of_version_rule_set_and_position(
    blocks: list[tuple[str, list[str]]], one: ChunkRules, other: ChunkRules, media_type: str
) -> None:
    """Another rule for this kind of document makes other ids, at every position; one for another kind makes none."""
    made = cleared(blocks, media_type)
    first, second = (chunk(made, count_tokens=by_length, rules=rules) for rules in (one, other))
    is_same = one.of(media_type) == other.of(media_type)
    assert {c.id for c in first}.isdisjoint(c.id for c in second) is not is_same
    mine = one.of(media_type)
    mixed = ChunkRules(tuple(mine if rule.kind == mine.kind else rule for rule in other.rules))
    assert chunk(made, count_tokens=by_length, rules=mixed) == first
    assert (revision(one) == revision(other)) is (one == other)


def test_a_new_version_has_new_ids() -> None:
    """An id is a function of the version too."""
    first = cleared([("paragraph", ["Text."])])
    second = replace(first, document=replace(first.document, version="w"))
    assert chunk(first, count_tokens=by_length)[0].id != chunk(second, count_tokens=by_length)[0].id
