"""A question and its vector → the best chunks of the published generation. Any number of processes may read it at once.

Each side proposes candidates under the access filter, the scores that a side did not give are asked for, and
`rag.fusion` orders them. A new generation is loaded beside the old one, which serves until the new one is ready.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import qdrant_edge as qdrant

from rag import keywords
from rag.adapters.index import generations
from rag.adapters.index import qdrant_edge_shard as edge
from rag.adapters.index.generations import Manifest, Profile
from rag.adapters.index.payload import chunk_of
from rag.adapters.index.record import MOST_ROUNDS, Orphans, Record, Version
from rag.adapters.index.statistics import TermStatistics
from rag.errors import Permanent, Temporary
from rag.fusion import fuse, trust
from rag.types import Access, Classification, Hit, Vector

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 0.2
"""How often the pointer is looked at. A look costs 2 µs, but a question need not see what was published during it."""
_EXACT_UP_TO = 30_000
"""Chunks in a collection up to which the dense side compares all: 2 ms, and no chunk is missed."""
_JOINED = ["document_id", "version"]
_ATTEMPTS = 3
"""To load a generation: the writer may remove it between our look at the pointer and our load."""


@dataclass(frozen=True, slots=True)
class _Collection:
    shard: Any
    exact: bool


@dataclass(frozen=True, slots=True)
class _Generation:
    """What one search works with from beginning to end. Closed by the last search that holds it."""

    name: str
    collections: Mapping[Classification, _Collection]
    statistics: TermStatistics
    record: Record | None


class QdrantEdgeReader:
    """Port `Index`. Opens nothing until the first search; before the first publish it finds nothing.

    Another embedder than the index was built with: `Permanent("index_profile_mismatch")`. If that comes with a swap,
    the generation already loaded goes on serving, and an error is logged.

    Args:
        root: folder of the index; need not exist yet.
        embedder: name of the embedder that makes the question's vector. dimension: its.
        terms: revision of the tokeniser that the index was built with; unset = today's.
        clock: seconds that only grow.
    """

    def __init__(
        self, root: Path, *, embedder: str, dimension: int, terms: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._root = root
        self._profile = Profile(embedder=embedder, dimension=dimension, keywords=terms or keywords.REVISION)
        self._clock = clock
        self._loaded: _Generation | None = None
        self._refused: str | None = None
        self._looked_at = float("-inf")
        self._loading = Lock()
        self._orphans = Orphans()

    @property
    def generation(self) -> str | None:
        if self._loaded is not None:
            return self._loaded.name
        current = generations.pointer(self._root)
        return None if current is None else current.name

    @property
    def alarm(self) -> str | None:
        return self._orphans.alarm

    async def refresh(self) -> None:
        """Loads what the pointer names, if that has changed. `search` does it by itself."""
        await asyncio.to_thread(self._refresh)

    def close(self) -> None:
        """Lets go of the generation. A later search would open it again."""
        self._loaded = None
        self._looked_at = float("-inf")

    async def search(
        self, text: str, vector: Vector, *, language: str, access: Access, limit: int, prefetch: int
    ) -> list[Hit]:
        return await asyncio.to_thread(self._search, text, vector, language, access, limit, prefetch)

    # --- in threads -------------------------------------------------------------------------------------------

    def _search(self, text: str, vector: Vector, language: str, access: Access, limit: int, prefetch: int) -> list[Hit]:
        generation = self._current()
        if generation is None or limit < 1:
            return []
        asked = keywords.query(keywords.asked_words(text, language), generation.statistics.scope(access))
        search = _Search(vector.tolist(), edge.sparse(asked.weights), access, max(prefetch, limit), generation.record)
        dense: dict[str, float] = {}
        sparse: dict[str, float] = {}
        home: dict[str, _Collection] = {}
        with edge.translated():
            for classification, collection in generation.collections.items():
                if classification <= access.clearance:
                    orphans = search.collect(classification, collection, dense, sparse, home)
                    self._orphans.met(classification, orphans, generation.name)
            dense, sparse = search.complete(dense, sparse, home)
            best = fuse(dense, sparse, ceiling=asked.ceiling, trusted=trust(self._profile.embedder, language))[:limit]
            payloads = _payloads([candidate.key for candidate in best], home)
        return [
            Hit(
                chunk=chunk_of(candidate.key, payloads[candidate.key]),
                score=candidate.score,
                dense=dense.get(candidate.key),
                sparse=sparse.get(candidate.key),
            )
            for candidate in best
        ]

    def _current(self) -> _Generation | None:
        now = self._clock()
        if now - self._looked_at >= _LOOK_EVERY_S or self._loaded is None:
            self._looked_at = now
            self._refresh()
        return self._loaded

    def _refresh(self) -> None:
        """One thread loads; the others go on with what is there, unless there is nothing."""
        if not self._loading.acquire(blocking=self._loaded is None):
            return
        try:
            self._follow()
        finally:
            self._loading.release()

    def _follow(self) -> None:
        for attempt in range(_ATTEMPTS):
            current = generations.pointer(self._root)
            if current is None or current.name == (self._loaded.name if self._loaded else None):
                return
            try:
                self._loaded = self._load(current.name)
                self._orphans.clear()
            except Permanent:
                if self._loaded is None:
                    raise
                if self._refused != current.name:
                    log.error("index.profile_mismatch", extra={"generation": current.name})  # noqa: TRY400
                self._refused = current.name
                return
            except (OSError, Temporary) as error:
                if attempt + 1 < _ATTEMPTS:
                    continue
                log.warning("index.load_failed", extra={"generation": current.name})
                if self._loaded is None:
                    raise _unreadable() from error
                return
            log.info("index.loaded", extra={"generation": current.name})
            return

    def _load(self, name: str) -> _Generation:
        folder = generations.folder_of(self._root, name)
        manifest = Manifest.read(folder)
        self._profile.require(manifest.profile)
        with edge.translated():
            collections = {
                Classification[key]: _Collection(edge.open_published(folder / key), count <= _EXACT_UP_TO)
                for key, count in manifest.chunks.items()
            }
        return _Generation(name, collections, TermStatistics.load(folder), _record(folder, manifest))


def _record(folder: Path, manifest: Manifest) -> Record | None:
    """Raises `Temporary` if it is not the one that was published: without it nothing may be served."""
    if manifest.record is None:
        log.warning("index.no_record", extra={"generation": manifest.name})
        return None
    record = Record.parse((folder / "record.bin").read_bytes())
    if record.digest != manifest.record:
        raise _unreadable()
    return record


class _Search:
    """One question against several collections."""

    def __init__(self, vector: list[float], words: Any, access: Access, prefetch: int, record: Record | None) -> None:
        self._dense = qdrant.Query.Nearest(vector, using=edge.DENSE)
        self._words = qdrant.Query.Nearest(words, using=edge.WORDS) if words.indices else None
        self._access = access
        self._prefetch = prefetch
        self._record = record

    def collect(
        self, part: Classification, collection: _Collection, dense: dict[str, float], sparse: dict[str, float],
        home: dict[str, _Collection],
    ) -> set[Version]:  # fmt: skip
        """Adds what each side proposes. Returns the orphans, which are left out and take nobody's place."""
        orphans: set[Version] = set()
        for _ in range(MOST_ROUNDS):
            answers = self._proposed(collection, orphans)
            fresh = {version for points in answers for point in points if (version := self._orphan(point, part))}
            orphans |= fresh
            if not fresh:
                break
        for scores, points in zip((dense, sparse), answers, strict=False):
            for point in points:
                if not orphans or self._orphan(point, part) is None:
                    key = str(point.id)
                    scores[key] = point.score
                    home[key] = collection
        return orphans

    def _proposed(self, collection: _Collection, orphans: set[Version]) -> list[list[Any]]:
        wanted = edge.access_filter(self._access, orphans)
        params = qdrant.SearchParams(exact=collection.exact)
        fields: Any = False if self._record is None else _JOINED
        requests = [
            qdrant.QueryRequest(self._prefetch, query=self._dense, filter=wanted, params=params, with_payload=fields)
        ]
        if self._words is not None:
            requests.append(qdrant.QueryRequest(self._prefetch, query=self._words, filter=wanted, with_payload=fields))
        answers: list[list[Any]] = collection.shard.query_batch(qdrant.QueryBatchRequest(requests))
        return answers

    def _orphan(self, point: Any, part: Classification) -> Version | None:
        """Of a point that no live version has."""
        if self._record is None:
            return None
        version = Version(point.payload["document_id"], point.payload["version"])
        return None if self._record.holds(version, part) else version

    def complete(
        self, dense: dict[str, float], sparse: dict[str, float], home: dict[str, _Collection]
    ) -> tuple[dict[str, float], dict[str, float]]:
        """The best of each side over all collections, each with both scores."""
        leading_dense = heapq.nlargest(self._prefetch, dense, key=lambda key: (dense[key], key))
        leading_sparse = heapq.nlargest(self._prefetch, sparse, key=lambda key: (sparse[key], key))
        keys = {*leading_dense, *leading_sparse}
        for query, scores in ((self._dense, dense), (self._words, sparse)):
            missing: dict[int, tuple[_Collection, set[str]]] = {}
            for key in keys - scores.keys():
                missing.setdefault(id(home[key]), (home[key], set()))[1].add(key)
            for collection, wanted in missing.values() if query is not None else ():
                scores.update(_scores(collection, query, wanted))
        return {key: dense[key] for key in keys & dense.keys()}, {key: sparse[key] for key in keys & sparse.keys()}


def _scores(collection: _Collection, query: Any, keys: set[str]) -> dict[str, float]:
    """What a side thinks of these chunks. They have passed the access filter already."""
    request = qdrant.QueryRequest(
        len(keys),
        query=query,
        filter=qdrant.Filter(must=[qdrant.HasIdCondition({*keys})]),
        params=qdrant.SearchParams(exact=True),
        with_payload=False,
    )
    return {str(point.id): point.score for point in collection.shard.query(request)}


def _payloads(keys: list[str], home: Mapping[str, _Collection]) -> dict[str, dict[str, Any]]:
    wanted: dict[int, tuple[_Collection, list[str]]] = {}
    for key in keys:
        wanted.setdefault(id(home[key]), (home[key], []))[1].append(key)
    return {
        str(record.id): record.payload
        for collection, ids in wanted.values()
        for record in collection.shard.retrieve(ids, True, False)
    }


def _unreadable() -> Temporary:
    return Temporary(
        "index_unavailable",
        "The published index cannot be read.",
        hint="Try again; if it stays so, publish again or point the index to an older generation.",
    )
