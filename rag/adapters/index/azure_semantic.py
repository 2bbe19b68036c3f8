"""Azure AI Search's semantic ranker, for whoever pays for it: orders anew what a search has found. Wraps the port `Index`.

It sees only what the asker may read, for it is asked about those hits alone. Where it fails, the order stays as it was.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

from azure.search.documents.indexes import models as shapes

from rag.adapters.index.remote import Point
from rag.errors import Temporary
from rag.ports import Index
from rag.types import Access, Classification, Hit, Vector

log = logging.getLogger(__name__)

CONFIGURATION = "beleg"
MOST = 50
"""So many of a query's first results the service ranks."""
_HIGHEST = 4.0


class Ranker(Protocol):
    """`AzureStore`, as far as it is needed here."""

    async def rank(self, part: Classification, text: str, chunks: list[str]) -> dict[str, float]:
        """Chunk → 0..4, how well it answers; not all need to come back."""
        ...


class SemanticIndex:
    """See `rag.ports.Index`."""

    def __init__(self, index: Index, ranker: Ranker) -> None:
        self._index, self._ranker = index, ranker

    @property
    def generation(self) -> str | None:
        return self._index.generation

    @property
    def alarm(self) -> str | None:
        return self._index.alarm

    async def refresh(self) -> None:
        await self._index.refresh()

    async def search(
        self, text: str, vector: Vector, *, language: str, access: Access, limit: int, prefetch: int, **more: Any
    ) -> list[Hit]:
        """A hit's score is the ranker's; those that it leaves out keep their order behind the others."""
        wanted = max(limit, min(prefetch, MOST)) if limit else 0
        hits = await self._index.search(
            text, vector, language=language, access=access, limit=wanted, prefetch=prefetch, **more
        )
        try:
            ranks = await self._ranks(text, hits[:MOST])
        except Temporary as error:
            log.warning("index.not_ranked", extra={"code": error.code})
            return hits[:limit]
        return _ordered(hits, ranks)[:limit]

    async def _ranks(self, text: str, hits: list[Hit]) -> dict[str, float]:
        parts: dict[Classification, list[str]] = {}
        for hit in hits:
            parts.setdefault(hit.chunk.labels.classification, []).append(hit.chunk.id)
        found: dict[str, float] = {}
        for part, chunks in parts.items():
            found |= await self._ranker.rank(part, text, chunks)
        return found


def _ordered(hits: list[Hit], ranks: Mapping[str, float]) -> list[Hit]:
    ranked = [replace(h, score=min(ranks[h.chunk.id] / _HIGHEST, 1.0)) for h in hits if h.chunk.id in ranks]
    ranked.sort(key=lambda hit: -hit.score)
    lowest = ranked[-1].score if ranked else 1.0
    return [*ranked, *(replace(h, score=min(h.score, lowest)) for h in hits if h.chunk.id not in ranks)]


def with_ranker(index: shapes.SearchIndex) -> shapes.SearchIndex:
    """The index with the two fields that the ranker reads."""
    index.fields = [
        *index.fields,
        shapes.SearchableField(name="title", type="Edm.String"),
        shapes.SearchableField(name="text", type="Edm.String"),
    ]
    fields = shapes.SemanticPrioritizedFields(
        title_field=shapes.SemanticField(field_name="title"),
        content_fields=[shapes.SemanticField(field_name="text")],
    )
    made = shapes.SemanticConfiguration(name=CONFIGURATION, prioritized_fields=fields)
    index.semantic_search = shapes.SemanticSearch(configurations=[made])
    return index


def texts_of(point: Point) -> dict[str, str]:
    return {"title": str(point.payload["title"]), "text": str(point.payload["text"])}
