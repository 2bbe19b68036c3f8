"""Searches a published generation in an index server. Port `Index`, over any `Store`."""

from __future__ import annotations

import asyncio
import base64
import heapq
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from rag import keywords
from rag.adapters.index import remote
from rag.adapters.index.generations import Profile
from rag.adapters.index.payload import chunk_of
from rag.adapters.index.record import MOST_ROUNDS, Orphans, Record, Version
from rag.adapters.index.remote import POINTER, Scores, Store
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
    record: Record | None


class RemoteReader:
    """Before the first publish it finds nothing. Another embedder than the index was built with:
    `Permanent("index_profile_mismatch")`, unless a generation of the right one is loaded already.
    """

    def __init__(self, store: Store, *, profile: Profile, clock: Callable[[], float] = time.monotonic) -> None:
        self._store, self._profile, self._clock = store, profile, clock
        self._loaded: _Generation | None = None
        self._looked_at = float("-inf")
        self._loading = asyncio.Lock()
        self._orphans = Orphans()

    @property
    def generation(self) -> str | None:
        return None if self._loaded is None else self._loaded.name

    @property
    def alarm(self) -> str | None:
        return self._orphans.alarm

    async def refresh(self) -> None:
        live = await self._store.live_fact(POINTER)
        if live is None or (self._loaded is not None and self._loaded.name == live["name"]):
            return
        own = await self._store.fact(POINTER)
        if own is None or own["name"] != live["name"]:
            raise Permanent(
                "index_profile_mismatch", "The index in the server was built with another embedding model.",
                hint="Ingest again: that builds the index anew. Until then nothing can be found in it.",
            )  # fmt: skip
        statistics = await self._store.fact(remote.statistics_key(int(live["generation"])))
        if statistics is not None:
            terms = TermStatistics.parse(base64.b64decode(statistics["terms"]))
            record = await self._record(live)
            self._loaded = _Generation(int(live["generation"]), str(live["name"]), terms, record)
            self._orphans.clear()
            log.info("index.loaded", extra={"generation": live["name"]})

    async def _record(self, live: Mapping[str, Any]) -> Record | None:
        """Raises `Temporary` if it is not the one that was published: without it nothing may be served."""
        if live.get("record") is None:
            log.warning("index.no_record", extra={"generation": live["name"]})
            return None
        stored = await self._store.fact(remote.record_key(int(live["generation"])))
        record = Record.parse(base64.b64decode(stored["versions"])) if stored is not None else None
        if record is None or record.digest != live["record"]:
            raise remote.unavailable(LookupError())
        return record

    async def search(
        self, text: str, vector: Vector, *, language: str, access: Access, limit: int, prefetch: int
    ) -> list[Hit]:
        generation = await self._current()
        if generation is None or limit < 1:
            return []
        asked = keywords.query(keywords.asked_words(text, language), generation.statistics.scope(access))
        search = _Search(self._store, access, generation, vector, asked.weights, max(prefetch, limit))
        dense, sparse = await search.scores()
        for part, orphans in search.orphans.items():
            self._orphans.met(part, orphans, generation.name)
        best = fuse(dense, sparse, ceiling=asked.ceiling, trusted=trust(self._profile.embedder, language))[:limit]
        payloads = await search.payloads([candidate.key for candidate in best])
        return [
            Hit(
                chunk=chunk_of(candidate.key, payloads[candidate.key]), score=candidate.score,
                dense=dense.get(candidate.key), sparse=sparse.get(candidate.key),
            )
            for candidate in best
            if candidate.key in payloads  # not what was taken out this very moment
        ]  # fmt: skip

    async def _current(self) -> _Generation | None:
        now = self._clock()
        if now - self._looked_at >= _LOOK_EVERY_S or self._loaded is None:
            self._looked_at = now
            async with self._loading:
                try:
                    await self.refresh()
                except (Temporary, Permanent):
                    if self._loaded is None:
                        raise
        return self._loaded


class _Search:
    """One question against the parts that the asker may read."""

    def __init__(
        self, store: Store, access: Access, generation: _Generation, vector: Vector, words: Mapping[int, float],
        prefetch: int,
    ) -> None:  # fmt: skip
        self._store, self._vector, self._words, self._prefetch = store, vector, words, prefetch
        self._parts = [part for part in Classification if part <= access.clearance]
        self._access, self._generation = access, generation
        self.orphans: dict[Classification, set[Version]] = {}
        self._home: dict[str, tuple[Classification, str]] = {}

    async def scores(self) -> tuple[dict[str, float], dict[str, float]]:
        """Of the best of each side over all parts, by chunk, each with both scores."""
        dense: dict[str, float] = {}
        sparse: dict[str, float] = {}
        for part in self._parts:
            found = await self._proposed(part)
            self._home |= {chunk: (part, point) for point, chunk in found.chunks.items()}
            _take(found, dense, sparse)
        keys = {*_leading(dense, self._prefetch), *_leading(sparse, self._prefetch)}
        lacking = [key for key in keys if key not in dense or key not in sparse]
        for part in self._parts:
            points = [self._home[key][1] for key in lacking if self._home[key][0] is part]
            if points:
                _take(await self._store.score(part, points, self._vector, self._words), dense, sparse)
        return {key: dense[key] for key in keys & dense.keys()}, {key: sparse[key] for key in keys & sparse.keys()}

    async def _proposed(self, part: Classification) -> Scores:
        """Without orphans, which are asked for no more, so that they take nobody's place."""
        record, orphans = self._generation.record, self.orphans.setdefault(part, set())
        found = Scores(dense={}, sparse={}, chunks={}, versions={})
        for _ in range(MOST_ROUNDS):
            wanted = remote.granted(self._access, self._generation.number, orphans)
            found = await self._store.propose(part, wanted, self._vector, self._words, self._prefetch)
            fresh = {one for one in found.versions.values() if record is not None and not record.holds(one, part)}
            orphans |= fresh
            if not fresh:
                break
        return _without(found, orphans)

    async def payloads(self, chunks: list[str]) -> dict[str, dict[str, Any]]:
        """By chunk."""
        found: dict[str, dict[str, Any]] = {}
        for part in self._parts:
            points = [self._home[chunk][1] for chunk in chunks if self._home[chunk][0] is part]
            if points:
                payloads = await self._store.payloads(part, points)
                found |= {str(payload["chunk"]): payload for payload in payloads.values()}
        return found


def _without(found: Scores, orphans: set[Version]) -> Scores:
    gone = {point for point, version in found.versions.items() if version in orphans}
    return Scores(
        dense={point: score for point, score in found.dense.items() if point not in gone},
        sparse={point: score for point, score in found.sparse.items() if point not in gone},
        chunks={point: chunk for point, chunk in found.chunks.items() if point not in gone},
        versions=found.versions,
    )


def _take(found: Scores, dense: dict[str, float], sparse: dict[str, float]) -> None:
    dense |= {found.chunks[point]: score for point, score in found.dense.items()}
    sparse |= {found.chunks[point]: score for point, score in found.sparse.items()}


def _leading(scores: Mapping[str, float], count: int) -> list[str]:
    """The best of one side, ties by key."""
    return heapq.nlargest(count, scores, key=lambda key: (scores[key], key))
