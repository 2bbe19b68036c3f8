"""Searches a published generation in a Qdrant server. Port `Index`."""

from __future__ import annotations

import asyncio
import base64
import heapq
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from qdrant_client import AsyncQdrantClient, models
from qdrant_client.http.exceptions import UnexpectedResponse

from rag import keywords
from rag.adapters.index import qdrant_server_shape as shape
from rag.adapters.index.generations import Profile
from rag.adapters.index.payload import chunk_of
from rag.adapters.index.qdrant_server_shape import DENSE, WORDS, Names
from rag.adapters.index.statistics import TermStatistics
from rag.errors import Permanent, Temporary
from rag.fusion import fuse, trust
from rag.types import Access, Classification, Hit, Vector

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 0.2


@dataclass(frozen=True, slots=True)
class _Generation:
    number: int
    name: str
    statistics: TermStatistics


class QdrantServerReader:
    """Before the first publish it finds nothing. Another embedder than the index was built with:
    `Permanent("index_profile_mismatch")`, unless a generation of the right one is loaded already.
    """

    def __init__(
        self, client: AsyncQdrantClient, *, prefix: str, embedder: str, dimension: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._client = client
        self._profile = Profile(embedder=embedder, dimension=dimension, keywords=keywords.REVISION)
        self._names = Names(prefix=prefix, profile=self._profile)
        self._clock = clock
        self._loaded: _Generation | None = None
        self._looked_at = float("-inf")
        self._loading = asyncio.Lock()

    @property
    def generation(self) -> str | None:
        return None if self._loaded is None else self._loaded.name

    async def refresh(self) -> None:
        with shape.translated():
            await self._follow()

    async def search(
        self, text: str, vector: Vector, *, language: str, access: Access, limit: int, prefetch: int
    ) -> list[Hit]:
        with shape.translated():
            generation = await self._current()
            if generation is None or limit < 1:
                return []
            asked = keywords.query(keywords.asked_words(text, language), generation.statistics.scope(access))
            search = _Search(
                self._client, self._names, access, generation.number, vector, asked.weights, max(prefetch, limit)
            )
            dense, sparse = await search.scores()
            best = fuse(dense, sparse, ceiling=asked.ceiling, trusted=trust(self._profile.embedder, language))[:limit]
            payloads = await search.payloads([candidate.key for candidate in best])
        return [
            Hit(
                chunk=chunk_of(candidate.key, payloads[candidate.key]), score=candidate.score,
                dense=dense.get(candidate.key), sparse=sparse.get(candidate.key),
            )
            for candidate in best
            if candidate.key in payloads
        ]  # fmt: skip

    async def _current(self) -> _Generation | None:
        now = self._clock()
        if now - self._looked_at >= _LOOK_EVERY_S or self._loaded is None:
            self._looked_at = now
            async with self._loading:
                try:
                    await self._follow()
                except (Temporary, Permanent):
                    if self._loaded is None:
                        raise
        return self._loaded

    async def _follow(self) -> None:
        found = await self._retrieve(self._names.prefix, shape.POINTER)  # by its alias
        if found is None:
            return
        own = await self._retrieve(self._names.meta, shape.POINTER)
        if own is None or own["name"] != found["name"]:
            raise Permanent(
                "index_profile_mismatch", "The index in the Qdrant server was built with another embedding model.",
                hint="Ingest again: that builds the index anew. Until then nothing can be found in it.",
            )  # fmt: skip
        if self._loaded is not None and self._loaded.name == found["name"]:
            return
        statistics = await self._retrieve(self._names.meta, shape.statistics_id(int(found["generation"])))
        if statistics is not None:
            terms = TermStatistics.parse(base64.b64decode(statistics["terms"]))
            self._loaded = _Generation(int(found["generation"]), str(found["name"]), terms)
            log.info("index.loaded", extra={"generation": found["name"]})

    async def _retrieve(self, collection: str, point: str) -> dict[str, Any] | None:
        """`None` also for a collection that is not there yet."""
        try:
            found = await self._client.retrieve(collection, [point])
        except UnexpectedResponse as error:
            if error.status_code == 404:
                return None
            raise
        except ValueError:  # the client in memory has no status codes
            return None
        return dict(found[0].payload or {}) if found else None


class _Search:
    """One question against the collections that the asker may read."""

    def __init__(
        self, client: AsyncQdrantClient, names: Names, access: Access, generation: int, vector: Vector,
        words: Mapping[int, float], prefetch: int,
    ) -> None:  # fmt: skip
        self._client, self._prefetch = client, prefetch
        self._collections = [names.of(c) for c in Classification if c <= access.clearance]
        self._filter = shape.access_filter(access, generation)
        self._generation = generation
        ordered = sorted(words.items())
        self._queries: dict[str, Any] = {DENSE: vector.tolist()}
        if ordered:
            self._queries[WORDS] = models.SparseVector(indices=[t for t, _ in ordered], values=[w for _, w in ordered])
        self._home: dict[str, tuple[str, Any]] = {}

    async def scores(self) -> tuple[dict[str, float], dict[str, float]]:
        """Of the best of each side over all collections, by chunk, each with both scores."""
        sides: dict[str, dict[str, float]] = {DENSE: {}, WORDS: {}}
        for collection in self._collections:
            for side, points in (await self._asked(collection, self._filter, self._prefetch)).items():
                for point in points:
                    chunk = (point.payload or {})["chunk"]
                    sides[side][chunk] = point.score
                    self._home[chunk] = (collection, point.id)
        keys = {key for scores in sides.values() for key in _leading(scores, self._prefetch)}
        for collection in self._collections:
            missing = [k for k in keys if self._home[k][0] == collection and any(k not in s for s in sides.values())]
            if missing:
                these = models.Filter(must=[models.HasIdCondition(has_id=[self._home[k][1] for k in missing])])
                for side, points in (await self._asked(collection, these, len(missing))).items():
                    sides[side] |= {(point.payload or {})["chunk"]: point.score for point in points}
        return tuple({k: scores[k] for k in keys & scores.keys()} for scores in (sides[DENSE], sides[WORDS]))  # type: ignore[return-value]

    async def _asked(self, collection: str, wanted: models.Filter, limit: int) -> dict[str, list[models.ScoredPoint]]:
        requests = [
            models.QueryRequest(query=query, using=side, filter=wanted, limit=limit, with_payload=["chunk"])
            for side, query in self._queries.items()
        ]
        answers = await self._client.query_batch_points(collection, requests)
        return {side: answer.points for side, answer in zip(self._queries, answers, strict=True)}

    async def payloads(self, chunks: list[str]) -> dict[str, dict[str, Any]]:
        """By chunk. A document that was taken out this very moment is not among them."""
        found: dict[str, dict[str, Any]] = {}
        for collection in self._collections:
            ids = [self._home[chunk][1] for chunk in chunks if self._home[chunk][0] == collection]
            if ids:
                records = await self._client.retrieve(collection, ids, with_payload=True)
                found |= {(r.payload or {})["chunk"]: dict(r.payload or {}) for r in records}
        return found


def _leading(scores: Mapping[str, float], count: int) -> list[str]:
    """The best of one side, ties by key."""
    return heapq.nlargest(count, scores, key=lambda key: (scores[key], key))
