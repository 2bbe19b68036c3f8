"""The index as a dictionary: the twin for tests, and a second reading of the access rules for the contract.

Same terms, statistics and fusion as the engine's adapter; brute force over the chunks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from rag import keywords
from rag.adapters.index.record import Orphans, Record, Version
from rag.adapters.index.statistics import TermCounter, TermStatistics
from rag.fusion import fuse, trust
from rag.ports import Publications
from rag.types import Access, Chunk, Hit, Vector, Vectors


@dataclass(frozen=True, slots=True)
class _Entry:
    chunk: Chunk
    vector: Vector
    words: dict[int, float]


def is_granted(chunk: Chunk, access: Access) -> bool:
    """The access rules in plain Python."""
    labels = chunk.labels
    return (
        labels.tenant == access.tenant
        and labels.classification <= access.clearance
        and (labels.business_unit is None or labels.business_unit in access.business_units)
        and (not labels.readers or bool(labels.readers & access.groups))
        and (labels.valid_from is None or labels.valid_from <= access.at)
        and (labels.valid_until is None or access.at < labels.valid_until)
        and (access.zones is None or chunk.zone in access.zones)
    )


class InMemoryIndex:
    """Ports `Index` and `IndexWriter` in one; nothing is visible to `search` before `publish`.

    `publications`: `None` = whatever is written is live.
    """

    def __init__(
        self, *, embedder: str = "hashing", dimension: int = 64, publications: Publications | None = None
    ) -> None:
        self._embedder = embedder
        self._publications = publications
        self._record: Record | None = None
        self._orphans = Orphans()
        self._dimension = dimension
        self._working: dict[str, _Entry] = {}
        self._published: dict[str, _Entry] = {}
        self._statistics = TermStatistics({})
        self._generation: str | None = None
        self._number = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    @property
    def generation(self) -> str | None:
        return self._generation

    @property
    def alarm(self) -> str | None:
        return self._orphans.alarm

    async def upsert(self, chunks: Sequence[Chunk], vectors: Vectors) -> None:
        if len(chunks) != len(vectors):
            raise ValueError(f"{len(chunks)} chunks but {len(vectors)} vectors")
        for chunk, vector in zip(chunks, vectors, strict=True):
            if vector.shape != (self._dimension,):
                raise ValueError(f"vector of shape {vector.shape}, expected ({self._dimension},)")
            words = keywords.document_vector(chunk.text, chunk.context, chunk.language)
            self._working[chunk.id] = _Entry(chunk, vector.copy(), words)

    async def vectors(self, texts: Sequence[str]) -> dict[str, Vector]:
        wanted = frozenset(texts)
        found = ((entry.chunk.embedded_text, entry.vector) for entry in self._working.values())
        return {text: vector for text, vector in found if text in wanted}

    async def retain(
        self, document_id: str, version: str | None, keep: frozenset[str] | None = None, *,
        earlier: frozenset[str] = frozenset(),
    ) -> int:  # fmt: skip
        outdated = [
            key
            for key, entry in self._working.items()
            if entry.chunk.document_id == document_id
            and (version is None or entry.chunk.version not in earlier)
            and (version is None or entry.chunk.version != version or (keep is not None and key not in keep))
        ]
        for key in outdated:
            del self._working[key]
        return len(outdated)

    async def holds(self, document_ids: Sequence[str]) -> dict[str, int]:
        kept = [*self._working.values(), *self._published.values()]
        counts = {name: sum(entry.chunk.document_id == name for entry in kept) for name in document_ids}
        return {name: count for name, count in counts.items() if count}

    async def publish(self) -> str:
        record = None if self._publications is None else Record.of(await self._publications.live())
        content = repr(sorted((key, repr(entry.chunk), entry.chunk.text) for key, entry in self._working.items()))
        recorded = "" if record is None else record.digest
        digest = hashlib.sha256(f"{recorded}{content}".encode()).hexdigest()[:12]
        if self._generation is not None and self._generation.endswith(digest):
            return self._generation
        counter = TermCounter()
        for entry in self._working.values():
            version = Version(entry.chunk.document_id, entry.chunk.version)
            if record is not None and not record.holds(version, entry.chunk.labels.classification):
                continue
            counter.add(entry.chunk.labels.classification, entry.chunk.labels.tenant, entry.words)
        self._number += 1
        self._published, self._statistics, self._record = dict(self._working), counter.statistics(), record
        self._orphans.clear()
        self._generation = f"{self._number:08d}-{digest}"
        return self._generation

    async def refresh(self) -> None:
        """There is nothing to follow."""

    async def search(
        self, text: str, vector: Vector, *, language: str, access: Access, limit: int, prefetch: int
    ) -> list[Hit]:
        """`prefetch` changes nothing: every chunk is a candidate."""
        del prefetch
        asked = keywords.query(keywords.asked_words(text, language), self._statistics.scope(access))
        dense: dict[str, float] = {}
        sparse: dict[str, float] = {}
        for key, entry in self._published.items():
            if not is_granted(entry.chunk, access) or not self._is_live(entry.chunk):
                continue
            dense[key] = float(vector @ entry.vector)
            if score := sum(weight * entry.words.get(term, 0.0) for term, weight in asked.weights.items()):
                sparse[key] = score
        best = fuse(dense, sparse, ceiling=asked.ceiling, trusted=trust(self._embedder, language))
        return [
            Hit(
                chunk=self._published[candidate.key].chunk,
                score=candidate.score,
                dense=dense.get(candidate.key),
                sparse=sparse.get(candidate.key),
            )
            for candidate in best[:limit]
        ]

    def plant(self, chunk: Chunk, vector: Vector) -> None:
        """Into what is published, past the writer: for tests of what must not be served."""
        words = keywords.document_vector(chunk.text, chunk.context, chunk.language)
        self._published[chunk.id] = _Entry(chunk, vector, words)

    def _is_live(self, chunk: Chunk) -> bool:
        version, part = Version(chunk.document_id, chunk.version), chunk.labels.classification
        if self._record is None or self._record.holds(version, part):
            return True
        self._orphans.met(part, [version], self._generation or "")
        return False
