"""Hits for the tests of answers."""

from __future__ import annotations

from rag.types import Chunk, Classification, Hit, Labels, Place

LABELS = Labels(
    tenant="acme",
    business_unit=None,
    classification=Classification.internal,
    readers=frozenset(),
    valid_from=None,
    valid_until=None,
)


def hit(  # one document per number, unless told otherwise
    text: str,
    number: int = 1,
    *,
    language: str = "de",
    start: int = 100,
    context: str = "",
    places: tuple[Place, ...] = (),
    document: str | None = None,
    score: float = 0.9,
    dense: float | None = 0.5,
) -> Hit:
    chunk = Chunk(
        id=f"chunk-{number}",
        document_id=document or f"document-{number}",
        version="v1",
        zone="handbook",
        path=f"file-{number}.md",
        uri=f"file:///file-{number}.md",
        title=f"Title {number}",
        media_type="text/markdown",
        position=0,
        start=start,
        end=start + len(text),
        text=text,
        context=context,
        places=places,
        language=language,
        labels=LABELS,
    )
    return Hit(chunk=chunk, score=score, dense=dense)
