"""Chunks are slices of the text: all of it, once, in order, and small enough for the model."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from rag.ingest.chunk import RULES, chunk
from rag.testing import EPOCH, decision
from rag.types import Classification, Cleared, Document, Element, Labels

LABELS = Labels(tenant="t", business_unit=None, classification=Classification.public, readers=frozenset(), valid_from=None, valid_until=None)  # fmt: skip
SENTENCES = st.lists(st.sampled_from(["Der Antrag ist bis Freitag zu stellen.", "Kosten: 12,50 Euro", "a" * 90, "§ 3 | 4 | 5"]), min_size=1, max_size=60)  # fmt: skip


def count(text: str) -> int:
    return max(1, len(text) // 4)


def cleared(blocks: list[tuple[str, list[str]]], media_type: str = "text/plain") -> Cleared:
    text, elements = "", []
    for kind, lines in blocks:
        text += "\n\n" if text else ""
        body = ("\n" if kind == "table" else " ").join(lines)
        header = len(text) + len(lines[0]) if kind == "table" and len(lines) > 1 else None
        elements.append(Element(kind=kind, start=len(text), end=len(text) + len(body), level=1 if kind == "title" else None, header_end=header))  # type: ignore[arg-type]  # fmt: skip
        text += body
    document = Document(id="d", version="v", zone="z", path="p", uri="u", content=b"", modified_at=EPOCH, labels=LABELS)
    return Cleared(
        document=document, media_type=media_type, title="Titel", text=text, elements=tuple(elements), places=(), pages=None,
        language="de", decision=decision(), counts={},
    )  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(["title", "paragraph", "table", "list_item"]), SENTENCES), min_size=1, max_size=6), st.sampled_from(["text/plain", *RULES]))  # fmt: skip
def test_chunks_tile_the_text(blocks: list[tuple[str, list[str]]], media_type: str) -> None:
    """Every character that is not white space is in exactly one chunk; none is too long; ids are stable."""
    made = cleared(blocks, media_type)
    chunks = chunk(made, count_tokens=count)
    assert all(c.text == made.text[c.start : c.end] for c in chunks)
    assert all(a.end <= b.start for a, b in itertools.pairwise(chunks))
    covered = "".join(c.text for c in chunks)
    assert "".join(covered.split()) == "".join(made.text.split())
    assert all(count(c.text) <= 205 for c in chunks)
    assert len({c.id for c in chunks}) == len(chunks)
    assert [c.id for c in chunks] == [c.id for c in chunk(made, count_tokens=count)]


def test_a_long_table_keeps_its_header_with_every_part() -> None:
    """Rows that are cut off from their header carry it as context."""
    rows = ["Artikel | Preis", *[f"Artikel {n} mit längerer Bezeichnung | {n},50 Euro" for n in range(80)]]
    chunks = chunk(cleared([("table", rows)]), count_tokens=count)
    assert len(chunks) > 1
    assert all("Artikel | Preis" in c.context for c in chunks[1:])


def test_a_new_version_has_new_ids() -> None:
    """An id is a function of the version too."""
    first = cleared([("paragraph", ["Text."])])
    from dataclasses import replace

    second = replace(first, document=replace(first.document, version="w"))
    assert chunk(first, count_tokens=count)[0].id != chunk(second, count_tokens=count)[0].id
