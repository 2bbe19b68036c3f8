"""What `rag.types.Parsed` promises, as one check that every parsed file is put through."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Sequence

from rag.types import Document, Element, Parsed, Place


def check(parsed: Parsed, document: Document) -> None:
    """Raises `AssertionError` for a text that is not clean, or a span that does not point into it."""
    assert parsed.document == document
    assert "/" in parsed.media_type
    assert 0 < len(parsed.title) <= 300
    assert "\n" not in parsed.title
    assert parsed.text.strip()
    assert unicodedata.is_normalized("NFC", parsed.text)
    assert not {c for c in parsed.text if c not in "\n\t" and unicodedata.category(c) in {"Cc", "Cs"}}
    spans: tuple[Sequence[Element | Place], ...] = (parsed.elements, parsed.places)
    for items in spans:
        assert all(0 <= item.start < item.end <= len(parsed.text) for item in items)
        assert all(a.end <= b.start for a, b in itertools.pairwise(items))
    above: set[str] = set()
    for element in parsed.elements:
        _element(parsed, element, above)
    for place in (*parsed.places, *parsed.echoes):
        assert 0 <= place.start < place.end <= len(parsed.text)
        _place(parsed, place)


def _element(parsed: Parsed, element: Element, above: set[str]) -> None:
    text = parsed.text[element.start : element.end]
    assert text == text.strip()
    assert (element.level is not None) == (element.kind == "title")
    own = {text.partition("\n")[0]} if element.kind == "slide" else set()
    assert set(element.headings) <= above | own, "a heading that no title above has"
    if element.kind == "title":
        above.add(text)
    if element.header_end is not None:
        assert element.kind == "table"
        assert element.start < element.header_end < element.end
        assert "\n" not in parsed.text[element.start : element.header_end]
        assert parsed.text[element.header_end] == "\n", "a header is a whole row"


def _place(parsed: Parsed, place: Place) -> None:
    for number in (place.page, place.slide):
        assert number is None or 1 <= number <= (parsed.pages or 0) or (place.part and number >= 1)
    if place.box is not None:
        assert place.page is not None
        assert 0 <= place.box.left < place.box.right <= 1
        assert 0 <= place.box.top < place.box.bottom <= 1


def tables(parsed: Parsed) -> list[tuple[str, list[str]]]:
    """Header and rows of each table."""
    found = []
    for element in parsed.elements:
        if element.kind == "table" and element.header_end is not None:
            rows = parsed.text[element.header_end + 1 : element.end].split("\n")
            found.append((parsed.text[element.start : element.header_end], rows))
    return found


def place_of(parsed: Parsed, text: str) -> Place:
    """Where the first occurrence of a text stands in its file."""
    at = parsed.text.index(text)
    return next(place for place in parsed.places if place.start <= at < place.end)
