"""A cleared document is the parsed one without what must not be read, and everything still points at its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from guards import presidio_guard
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import Permanent, Refused
from rag.ingest.clear import clear
from rag.redaction import redact
from rag.testing import EPOCH, FixedPolicy, WordGuard, decision, zone
from rag.types import Action, Box, Direction, Document, Element, Finding, Labels, Parsed, Place, Screened

ZONE = zone()
LABELS = Labels(
    tenant="acme", business_unit=None, classification=ZONE.classification, readers=frozenset(), valid_from=None, valid_until=None
)  # fmt: skip


def document(*, path: str = "umzug.pdf", title: str | None = None, language: str | None = "de") -> Document:
    return Document(
        id="d", version="v", zone=ZONE.name, path=path, uri=f"memory://{path}", content=b"", modified_at=EPOCH,
        labels=LABELS, title=title, language=language,
    )  # fmt: skip


def parsed(*lines: str, of: Document | None = None, title: str = "Umzug") -> Parsed:
    """One paragraph and one place (with a box) per line."""
    elements, places, at = [], [], 0
    for number, line in enumerate(lines):
        elements.append(Element(kind="paragraph", start=at, end=at + len(line)))
        box = Box(left=0.1, top=number / 100, right=0.9, bottom=(number + 1) / 100)
        places.append(Place(start=at, end=at + len(line), page=1, box=box))
        at += len(line) + 1
    return Parsed(
        document=of or document(), media_type="application/pdf", title=title, text="\n".join(lines),
        elements=tuple(elements), places=tuple(places), pages=1,
    )  # fmt: skip


class SpanGuard:
    """Masks the spans that it is told."""

    revision = "spans"

    def __init__(self, *spans: tuple[int, int]) -> None:
        self._spans = spans

    async def screen(self, text: str, *, direction: Direction, context: Mapping[str, str | None]) -> Screened:
        findings = tuple(Finding(entity="X", start=a, end=b, score=1.0, recognizer="test") for a, b in self._spans)
        action = Action.redact if findings else Action.allow
        return Screened(text=redact(text, findings), decision=decision(action), findings=findings, counts={})


async def test_a_harmless_document_is_unchanged() -> None:
    """Text, elements, places and title are those that were parsed."""
    source = parsed("Der Umzug beginnt im Mai.", "Er endet im Juni.")
    cleared = await clear(source, guard=WordGuard(), policy=FixedPolicy(), zone=ZONE)
    assert (cleared.text, cleared.elements, cleared.places, cleared.title) == (
        source.text,
        source.elements,
        source.places,
        "Umzug",
    )
    assert (cleared.masked, cleared.counts, cleared.is_redacted) == ((), {}, False)


async def test_masked_lines_are_remembered_for_the_picture() -> None:
    """A place whose line was masked keeps page and box, and is listed to be blacked out."""
    cleared = await clear(
        parsed("Alles ruhig.", "Es kommt Lindemann heute.", "Ende."),
        guard=WordGuard(mask=["Lindemann"]),
        policy=FixedPolicy(),
        zone=ZONE,
    )
    assert cleared.text == "Alles ruhig.\nEs kommt <MASKED> heute.\nEnde."
    assert [cleared.text[p.start : p.end] for p in cleared.places] == [
        "Alles ruhig.",
        "Es kommt <MASKED> heute.",
        "Ende.",
    ]
    assert [(p.page, p.box) for p in cleared.masked] == [(1, Box(left=0.1, top=0.01, right=0.9, bottom=0.02))]
    assert cleared.counts == {"MASKED": 1}
    assert cleared.is_redacted


async def test_titles_headings_and_sheets_are_masked_too() -> None:
    """What is shown beside a text passes the guard like the text."""
    source = parsed("Lindemann", "Text", of=document(title="Akte Lindemann"), title="Akte\tLindemann")
    elements = (replace(source.elements[0], kind="title"), replace(source.elements[1], headings=("Lindemann", "Neues")))
    places = (source.places[0], replace(source.places[1], sheet="Lindemann", part="Lindemann.txt"))
    cleared = await clear(
        replace(source, elements=elements, places=places),
        guard=WordGuard(mask=["Lindemann"]),
        policy=FixedPolicy(),
        zone=ZONE,
    )
    assert (cleared.title, cleared.document.title) == ("Akte <MASKED>", "Akte <MASKED>")
    assert cleared.elements[1].headings == ("<MASKED>", "Neues")
    assert (cleared.places[1].sheet, cleared.places[1].part) == ("<MASKED>", "<MASKED>.txt")
    assert cleared.counts == {"MASKED": 1}


async def test_a_name_in_the_file_name_is_recorded() -> None:
    """The path stays, since it is the file's identity, but the data owner is told."""
    source = parsed("Unterlagen.", of=document(path="bewerbungen/katharina_lindemann.pdf"))
    cleared = await clear(source, guard=presidio_guard(), policy=FixedPolicy(), zone=ZONE)
    assert cleared.text == "Unterlagen."
    assert cleared.counts == {"FILE_NAME_PERSON": 1}
    assert cleared.is_redacted


async def test_a_table_keeps_its_header() -> None:
    """The end of a header row moves with the table, and not with what is masked below."""
    text = "Name Lindemann | Ort\nLindemann | Jena"
    source = replace(parsed(text), elements=(Element(kind="table", start=0, end=len(text), header_end=20),), places=())
    cleared = await clear(source, guard=WordGuard(mask=["Lindemann"]), policy=FixedPolicy(), zone=ZONE)
    (table,) = cleared.elements
    assert table.header_end is not None
    assert cleared.text[table.start : table.header_end] == "Name <MASKED> | Ort"
    assert cleared.text[table.start : table.end] == cleared.text


async def test_patient_data_is_refused_in_words() -> None:
    """The reason names types, counts and the rule, so that a data owner understands, and no content."""
    letter = parsed("Frau Hildegard Brenner, geb. 17.08.1951", "Diagnose: I10.00 Hypertonie, Ramipril 5 mg 1-0-0")
    with pytest.raises(Permanent) as caught:
        await clear(letter, guard=presidio_guard(), policy=FixedPolicy(), zone=ZONE)
    assert caught.value.code == "contains_patient_data"
    for told in ("1 x PERSON", "1 x DATE_OF_BIRTH", "diagnosis", "dlp.pii_with_medical_terms"):
        assert told in caught.value.message
    assert caught.value.hint
    assert "Brenner" not in str(caught.value)


async def test_a_name_in_the_file_name_and_a_diagnosis_inside_meet() -> None:
    """Patient data is recognised although the text itself names nobody."""
    source = parsed("Diagnose: Diabetes mellitus, Ramipril 5 mg 1-0-0", of=document(path="Hildegard_Brenner.txt"))
    with pytest.raises(Permanent, match="patients"):
        await clear(source, guard=presidio_guard(), policy=FixedPolicy(), zone=ZONE)


async def test_another_block_is_no_patient_data() -> None:
    """A rule of the operator's own is told as what it is."""
    with pytest.raises(Permanent) as caught:
        await clear(parsed("geheim"), guard=WordGuard(block=["geheim"]), policy=FixedPolicy(), zone=ZONE)
    assert caught.value.code == "blocked_by_policy"
    assert "test.block" in caught.value.message


async def test_a_guard_that_contradicts_itself_is_not_trusted() -> None:
    """If text and findings do not fit, nothing is cleared."""

    class Careless(SpanGuard):
        async def screen(self, text: str, *, direction: Direction, context: Mapping[str, str | None]) -> Screened:
            return replace(await super().screen(text, direction=direction, context=context), text=text)

    with pytest.raises(Refused, match="do not match"):
        await clear(parsed("Es kommt Lindemann."), guard=Careless((9, 18)), policy=FixedPolicy(), zone=ZONE)


async def test_a_dead_guard_refuses() -> None:
    """Without a guard nothing is indexed."""
    guard = WordGuard()
    guard.dead = True
    with pytest.raises(Refused):
        await clear(parsed("Alles ruhig."), guard=guard, policy=FixedPolicy(), zone=ZONE)


async def test_the_language_is_the_sidecars_or_the_texts() -> None:
    """A named language is believed, otherwise the text is asked."""
    german = "Der Umzug der Logistik nach Jena beginnt im September und dauert bis zum Ende des Jahres."
    assert (
        await clear(parsed(german, of=document(language="en")), guard=WordGuard(), policy=FixedPolicy(), zone=ZONE)
    ).language == "en"
    assert (
        await clear(parsed(german, of=document(language=None)), guard=WordGuard(), policy=FixedPolicy(), zone=ZONE)
    ).language == "de"


@given(st.lists(st.text(alphabet="abc äö", min_size=1, max_size=12), min_size=1, max_size=6), st.data())
async def test_everything_still_points_at_its_place(lines: list[str], data: st.DataObject) -> None:
    """Whatever is masked: spans are inside the text, in order, apart, and untouched lines read as before."""
    source = parsed(*lines)
    edges = sorted(data.draw(st.sets(st.integers(0, len(source.text)), max_size=8)))
    spans = list(zip(edges[::2], edges[1::2], strict=False))
    cleared = await clear(source, guard=SpanGuard(*spans), policy=FixedPolicy(), zone=ZONE)
    for pieces in (cleared.elements, cleared.places):
        last = 0
        for piece in pieces:
            assert last <= piece.start < piece.end <= len(cleared.text)
            last = piece.end
    untouched = [p for p in source.places if not any(a < p.end and p.start < b for a, b in spans)]
    by_box = {p.box: cleared.text[p.start : p.end] for p in cleared.places}
    assert all(by_box[p.box] == source.text[p.start : p.end] for p in untouched)
    assert {p.box for p in cleared.masked} == {p.box for p in source.places} - {p.box for p in untouched}
