"""Looking only where something can be found finds everything that looking everywhere does."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.adapters.guard import contacts, detector, medical, names, numbers, official
from rag.adapters.guard.detector import Detector
from rag.adapters.guard.names import PersonFinder
from rag.adapters.guard.numbers import NumberFinder
from rag.adapters.guard.prefilter import Stretch, has_any, lines_around, lines_with, searched
from rag.adapters.guard.settings import GuardSettings
from rag.adapters.guard.witnesses import WITNESSES

PIECES = (
    *"\n \t:|,.*()-=1ßſıİµμΣK", "\n\n", ", ", ": ", " | ", "Name", "name: ", "Vor- und Nachname", "Patientin", "geprüft von", "von: ",
    "Mit freundlichen Grüßen", "MIT BESTEN GRÜSSEN", "Viele Grueße", "Beſt regardſ", "gez.", "Yours truly", "Hallo ", "Hi ", "Liebe ",
    "Guten Tag ", "My name is ", "ich heiße ", "thıs is ", "Anna", "Anna-Lena", "Dr. ", "Herr ", "frau ", "K. ", "Müller", "Lindemann",
    "von Berg", "Weber", "geb. ", "geboren am", "Date of birth", "01.02.1980", "3. März 1971", "Am Markt 5", "Hauptstraße 12a",
    "10115 Berlin", "12 Main Street", "Flat B", "Springfield 62701", "wohnhaft in ", "Adreſſe ", "Personalausweis", "PERSONALAUSWEIS",
    "Reisepaſſ", "Ausweis-Nr. ", "L01X00T47", "C01234567", "Kunden-Nr.", "Kundennr ", "Fallnummer ", "MRN ", "4711-22", "Passwort: ",
    "paſſword=", "PIN: ", "api_key=", "hunter2!", "AKIAABCDEFGHIJKLMNOP", "ghp_", "abcdefghij0123456789", "eyJhbGciOiJI.eyJzdWIiOiIx.c2ln0123456",
    "-----BEGIN PRIVATE KEY-----", "ICD-10: ", "Diagnose ", "E11.9", "F32", "500 mg täglich", "1-0-1", "20 µg daily", "20 μG pro Tag",
    "DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432", "NL91 ABNA 0417 1643 00", "MT84MALT011000012345MTLCAST001S",
    "4111 1111 1111 1111", "12 345 678 903", "A123456780", "65 170839 J 008", "KZ75125KZT2069100100", "DE89",
)  # fmt: skip
texts = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=24).map("".join)
GATED = [
    *((witness.pattern, witness.marks, witness.more) for witness in WITNESSES),
    (official._NAMED, official._NAMED_MARKS, 0),
    (contacts._CITY_ONLY, contacts._CITY_MARKS, 0),
]


@given(text=texts, marks=st.lists(st.sampled_from(("name", "geb", ":", "x", "ß")), max_size=3), more=st.integers(0, 3))
def test_lines_with_a_mark_and_those_below(text: str, marks: list[str], more: int) -> None:
    if len(text.lower()) != len(text):
        assert lines_with(text, marks, more=more) == [(0, len(text))]
        return
    lines = re.findall(r"[^\n]*\n|[^\n]+$", text)
    wanted = {
        below
        for number, line in enumerate(lines)
        if any(mark in _plain(line) for mark in marks)
        for below in range(number, min(number + more + 1, len(lines)))
    }
    assert _held(lines_with(text, marks, more=more)) == _held(_spans(lines, wanted))


@given(text=texts)
def test_lines_around_what_is_found(text: str) -> None:
    lines = re.findall(r"[^\n]*\n|[^\n]+$", text)
    ends = [end for _, end in _spans(lines, range(len(lines)))]
    wanted = set[int]()
    for found in re.finditer(r"(?:\d\s?){3}", text):
        first, last = (sum(end <= at for end in ends) for at in (found.start(), found.end() - 1))
        wanted |= set(range(max(0, first - 1), min(last + 2, len(lines))))
    assert _held(lines_around(text, re.compile(r"(?:\d\s?){3}"))) == _held(_spans(lines, wanted))


@pytest.mark.parametrize("gate", range(len(GATED)))
@settings(max_examples=400, deadline=None)
@given(text=texts)
def test_a_pattern_finds_the_same_where_it_looks_as_everywhere(gate: int, text: str) -> None:
    pattern, marks, more = GATED[gate]
    gated = searched(pattern, text, lines_with(text, marks, more=more))
    assert _groups(gated) == _groups(pattern.finditer(text))


@settings(max_examples=400, deadline=None)
@given(text=texts)
def test_dates_of_birth_are_the_same(text: str) -> None:
    """Their dates: "(*" over a line break may begin a line higher."""
    stretches = lines_with(text, numbers._BIRTH_MARKS, more=numbers._BIRTH_BELOW)
    gated = [found.span("date") for found in searched(numbers._BIRTH, text, stretches)]
    assert gated == [found.span("date") for found in numbers._BIRTH.finditer(text)]


@settings(max_examples=400, deadline=None)
@given(text=texts)
def test_addresses_are_the_same(text: str) -> None:
    for pattern, stretches in (
        (contacts._GERMAN, contacts._german(text)),
        (contacts._ENGLISH, contacts._english(text)),
    ):
        assert _all(searched(pattern, text, stretches)) == _all(pattern.finditer(text))


@settings(max_examples=400, deadline=None)
@given(text=texts)
def test_labelled_numbers_are_the_same(text: str) -> None:
    finder = NumberFinder((*GuardSettings().numbers, *official.DOCUMENTS))
    everywhere = [f.span("value") for _, pattern, _ in finder._labelled for f in pattern.finditer(text)]
    assert [(span.start, span.end) for span in finder.find(text)] == everywhere


@settings(max_examples=400, deadline=None)
@given(text=texts)
def test_marks_stand_in_secrets_codes_and_doses(text: str) -> None:
    if official._SECRETS.search(text):
        assert has_any(text, official._SECRET_MARKS)
    if medical._ICD_SHORT.search(text) or (medical._ICD.search(text) and medical._ICD_NEAR.search(text)):
        assert has_any(text, medical._ICD_MARKS)
    if medical._DOSAGE.search(text):
        assert medical._ANY_AMOUNT.search(text)


PERSONS = PersonFinder()


@settings(max_examples=400, deadline=None)
@given(text=texts)
def test_names_are_the_same(text: str) -> None:
    running = [
        span
        for start, end in PERSONS._promising(text)
        for span in PERSONS._running(text, names._words(text, start, end))
    ]
    assert running == list(PERSONS._running(text, names._words(text, 0, len(text))))


DETECTOR = Detector(GuardSettings())


@settings(max_examples=300, deadline=None)
@given(text=texts)
def test_presidio_finds_the_same_where_it_is_asked_as_everywhere(text: str) -> None:
    presidio = DETECTOR.warm()
    near = {
        (span.entity, span.start + start, span.end + start, span.score)
        for start, end in lines_around(text, detector._LONG_NUMBER)
        for span in presidio(text[start:end])
    }
    assert near == {(span.entity, span.start, span.end, span.score) for span in presidio(text)}


def _plain(line: str) -> str:
    return line.lower().replace("ſ", "s").replace("ı", "i").replace("μ", "µ")


def _spans(lines: list[str], wanted: Iterable[int]) -> list[Stretch]:
    ends = [0]
    for line in lines:
        ends.append(ends[-1] + len(line))
    return [(ends[number], ends[number + 1]) for number in wanted]


def _held(stretches: list[Stretch]) -> set[int]:
    return {at for start, end in stretches for at in range(start, end)}


def _all(found: Iterable[re.Match[str]]) -> list[tuple[int, int]]:
    return [match.span() for match in found]


def _groups(found: Iterable[re.Match[str]]) -> list[list[tuple[int, int]]]:
    """What is taken from a match: it may begin with the line break above."""
    return [[match.span(name) for name in match.re.groupindex] for match in found]
