"""What a model reads around a hit is the same document, to the letter and to the label, bounded, and never read twice."""

from __future__ import annotations

import itertools
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from rag.answer.cite import Citing
from rag.answer.surround import surrounded
from rag.chunking import built_in
from rag.errors import Temporary
from rag.ingest.chunk import chunk
from rag.testing import EPOCH, MemoryLibrary, decision
from rag.types import Chunk, Classification, Cleared, Document, Element, Hit, Labels, Place

LABELS = Labels(
    tenant="acme", business_unit=None, classification=Classification.internal, readers=frozenset({"hr"}), valid_from=None,
    valid_until=None,
)  # fmt: skip
SENTENCES = [
    "Der Antrag ist bis zum 3. Mai zu stellen.", "Wer krank ist, meldet sich bis neun Uhr.", "Die Frist beträgt vier Wochen.",
    "Resturlaub verfällt Ende März.", "Nach § 5 Abs. 2 gilt das auch in Teilzeit.", "Die Kantine öffnet um elf Uhr dreißig.",
]  # fmt: skip
PARKING = "Der Parkplatz kostet 17 Euro im Monat."
SECTIONS = st.lists(st.lists(st.sampled_from(SENTENCES), min_size=1, max_size=40), min_size=1, max_size=5)


def count(text: str) -> int:
    return len(text.split())


def cleared(sections: list[list[str]], labels: Labels = LABELS) -> Cleared:
    """A heading a section, a paragraph a sentence, a page a section."""
    text, elements, places = "", list[Element](), list[Place]()
    for number, said in enumerate(sections, start=1):
        title = f"Abschnitt {number}"
        for at, line in enumerate([title, *said]):
            text += "\n\n" if text else ""
            kind, headings = ("title", ()) if at == 0 else ("paragraph", (title,))
            places.append(Place(start=len(text), end=len(text) + len(line), page=number))
            elements.append(
                Element(kind=kind, start=len(text), end=len(text) + len(line), level=1 if at == 0 else None, headings=headings)  # type: ignore[arg-type]
            )  # fmt: skip
            text += line
    document = Document(
        id="d", version="v", zone="z", path="p", uri="u", content=b"", modified_at=EPOCH, labels=labels
    )  # fmt: skip
    return Cleared(
        document=document, media_type="text/plain", title="Ordnung", text=text, elements=tuple(elements), places=tuple(places),
        pages=None, language="de", decision=decision(), counts={},
    )  # fmt: skip


def cut(made: Cleared) -> list[Chunk]:
    return chunk(made, rules=built_in(), count_tokens=count)


async def library(*kept: Cleared) -> MemoryLibrary:
    made = MemoryLibrary()
    for one in kept:
        await made.keep(one)
    return made


@settings(deadline=None, max_examples=100)
@given(SECTIONS, st.data(), st.integers(0, 300))
async def test_what_is_read_is_verbatim_bounded_and_read_once(
    sections: list[list[str]], data: st.DataObject, tokens: int
) -> None:
    """Whatever was found, neighbours among it: nothing is lost, nothing said twice, nothing of other labels."""
    made = cleared(sections)
    chunks = cut(made)
    found = data.draw(st.lists(st.sampled_from(chunks), unique_by=lambda one: one.id, max_size=6))
    hits = [Hit(chunk=one, score=1.0) for one in found]
    wide = await surrounded(hits, library=await library(made), tokens=tokens, count_tokens=count)
    assert [hit.chunk for hit in wide] == found
    for hit in wide:
        read, own = hit.passage, hit.chunk
        assert read.text == made.text[read.start : read.end]
        assert read.start <= own.start < own.end <= read.end
        assert (read.id, read.version, read.labels) == (own.id, own.version, LABELS)
        assert count(read.text) <= count(own.text) + tokens
        assert read.places == tuple(p for p in made.places if p.start < read.end and p.end > read.start)
    spans = sorted((hit.passage.start, hit.passage.end) for hit in wide)
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(spans))


async def test_a_section_is_read_before_its_neighbours() -> None:
    """All of it if it fits, under its own heading; what stands beside it only with what is left."""
    made = cleared([[SENTENCES[0]] * 60, [f"{SENTENCES[2]} Fall {n}." for n in range(40)], [SENTENCES[5]] * 60])
    chunks = [one for one in cut(made) if one.places[0].page == 2]
    hit = Hit(chunk=chunks[1], score=1.0)
    whole_section = sum(count(one.text) for one in chunks)
    (small,) = await surrounded([hit], library=await library(made), tokens=20, count_tokens=count)
    (whole,) = await surrounded([hit], library=await library(made), tokens=whole_section + 30, count_tokens=count)
    assert {place.page for place in small.passage.places} == {2}
    assert small.passage.context == "Ordnung › Abschnitt 2"
    assert "Fall 0." in whole.passage.text
    assert "Fall 39." in whole.passage.text
    assert {place.page for place in whole.passage.places} > {2}
    assert whole.passage.context == "Ordnung"


async def test_what_is_not_what_the_index_holds_is_not_read() -> None:
    """Other labels, another text, no text: each leaves the hit alone."""
    made = cleared([SENTENCES * 30])
    hit = Hit(chunk=cut(made)[1], score=1.0)
    stricter = replace(LABELS, classification=Classification.confidential)
    fewer = replace(LABELS, readers=frozenset())
    masked = replace(made, text=made.text.replace("Kantine", "<NAME>!"))
    newer = replace(made, document=replace(made.document, version="w"))
    others = [replace(made, document=replace(made.document, labels=labels)) for labels in (stricter, fewer)]
    for other in (*others, masked, newer):
        assert await surrounded([hit], library=await library(other), tokens=200, count_tokens=count) == [hit]
    assert await surrounded([hit], library=MemoryLibrary(), tokens=200, count_tokens=count) == [hit]
    assert await surrounded([hit], library=await library(made), tokens=0, count_tokens=count) == [hit]
    (read,) = await surrounded([hit], library=await library(made), tokens=200, count_tokens=count)
    assert read.wide is not None


async def test_a_library_out_of_reach_costs_the_surroundings_alone() -> None:
    """The hits are there, and can be answered from."""

    class Away(MemoryLibrary):
        async def cleared(self, document_id: str, version: str) -> Cleared | None:
            raise Temporary("database.unavailable", "away", after_s=1.0)

    hits = [Hit(chunk=one, score=1.0) for one in cut(cleared([SENTENCES * 30]))]
    assert await surrounded(hits, library=Away(), tokens=200, count_tokens=count) == hits


async def test_a_claim_from_the_surroundings_is_cited_at_its_place() -> None:
    """Verbatim in the stored text, with its own page, under the hit that led there."""
    made = cleared([[SENTENCES[0]] * 30 + [PARKING], [SENTENCES[2]] * 30])
    hit = Hit(chunk=cut(made)[0], score=1.0)
    assert "Parkplatz" not in hit.chunk.text
    (wide,) = await surrounded([hit], library=await library(made), tokens=400, count_tokens=count)
    assert Citing([hit], language="de").verify(f"{PARKING} [1]") is None
    citing = Citing([wide], language="de")
    verified = citing.verify(f"{PARKING} [1]")
    assert verified is not None
    citing.emitted(verified, verified.text, at=0)
    (citation,) = citing.citations()
    assert made.text[citation.quote_start : citation.quote_end] == citation.quote == PARKING
    assert {place.page for place in citation.places} == {1}
