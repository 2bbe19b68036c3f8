"""Chunks and vectors → a published generation in a Qdrant server. Port `IndexWriter`.

Everything is written for the generation after the one that is read, so that a crash shows nothing and loses nothing: the
next run goes on writing the same generation.
"""

from __future__ import annotations

import base64
import hashlib
import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, cast

import numpy as np
from qdrant_client import AsyncQdrantClient, models

from rag import keywords
from rag.adapters.index import qdrant_server_shape as shape
from rag.adapters.index.generations import Profile, locked
from rag.adapters.index.payload import payload_of, text_digest
from rag.adapters.index.qdrant_server_shape import DENSE, OPEN, WORDS, Names
from rag.adapters.index.statistics import TermCounter, TermStatistics
from rag.types import Chunk, Classification, Vector, Vectors

log = logging.getLogger(__name__)

_BATCH = 128


class QdrantServerWriter:
    """One writer for each index: `lock` is a file that all processes of this instance share.

    Args:
        prefix: of the names of its collections; another instance on the same server needs another.
        keep: generations that stay readable, for readers that have not moved on; none that holds a document that was
            taken out since.
        quantized: dense vectors as bytes (scalar quantization), a quarter of the memory.
    """

    def __init__(
        self, client: AsyncQdrantClient, *, prefix: str, embedder: str, dimension: int, lock: Path, keep: int = 3,
        quantized: bool = False,
    ) -> None:  # fmt: skip
        self._client = client
        self._names = Names(
            prefix=prefix, profile=Profile(embedder=embedder, dimension=dimension, keywords=keywords.REVISION)
        )
        self._lock_path, self._lock = lock, cast("IO[str] | None", None)
        self._keep, self._quantized = keep, quantized
        self._current = 0

    async def __aenter__(self) -> Self:
        """Raises `Temporary`: `ingest_running`, `index_unavailable`."""
        self._lock_path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = locked(self._lock_path)
        try:
            with shape.translated():
                await shape.create(self._client, self._names, quantized=self._quantized)
                self._current = await self._read_pointer()
        except BaseException:
            self._unlock()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._unlock()

    def _unlock(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    @property
    def _next(self) -> int:
        return self._current + 1

    async def upsert(self, chunks: Sequence[Chunk], vectors: Vectors) -> None:
        """New points for the next generation; those that they replace end with it. What is the same already stays."""
        if len(chunks) != len(vectors):
            raise ValueError(f"{len(chunks)} chunks but {len(vectors)} vectors")
        pairs = list({chunk.id: (chunk, vector) for chunk, vector in zip(chunks, vectors, strict=True)}.values())
        with shape.translated():
            for at in range(0, len(pairs), _BATCH):
                await self._upsert(pairs[at : at + _BATCH])

    async def _upsert(self, pairs: Sequence[tuple[Chunk, Vector]]) -> None:
        known = await self._digests([chunk.id for chunk, _ in pairs])
        by_class: dict[Classification, list[models.PointStruct]] = {}
        changed: list[str] = []
        for chunk, vector in pairs:
            payload = payload_of(chunk)
            if known.get(chunk.id) == payload["digest"]:
                continue
            changed.append(chunk.id)
            words = sorted(keywords.document_vector(chunk.text, chunk.context, chunk.language).items())
            point = models.PointStruct(
                id=shape.point_id(chunk.id, self._next),
                vector={
                    DENSE: vector.tolist(),
                    WORDS: models.SparseVector(indices=[t for t, _ in words], values=[w for _, w in words]),
                },
                payload={**payload, "chunk": chunk.id, "read_since": self._next, "read_until": OPEN},
            )
            by_class.setdefault(chunk.labels.classification, []).append(point)
        for classification, points in by_class.items():
            await self._client.upsert(self._names.of(classification), points, wait=True)
        # Written first, then ended elsewhere: a failure in between leaves two, never none.
        mine = {
            point.payload["chunk"]: classification
            for classification, points in by_class.items()
            for point in points
            if point.payload
        }
        for classification in Classification:
            elsewhere = [chunk for chunk in changed if mine[chunk] is not classification]
            await self._end(classification, [shape.any_of("chunk", changed)], moved=elsewhere)

    async def _end(self, classification: Classification, which: list[Any], *, moved: Sequence[str]) -> None:
        """What earlier generations wrote ends with the next one; what the next one wrote of `moved` goes at once."""
        name = self._names.of(classification)
        if moved:
            written = models.Filter(must=[shape.any_of("chunk", moved), shape.equals("read_since", self._next)])
            await self._client.delete(name, written, wait=True)
        earlier = models.Filter(
            must=[
                *which, shape.equals("read_until", OPEN),
                models.FieldCondition(key="read_since", range=models.Range(lt=self._next)),
            ]
        )  # fmt: skip
        await self._client.set_payload(name, {"read_until": self._next}, points=earlier, wait=True)

    async def _digests(self, chunk_ids: Sequence[str]) -> dict[str, str]:
        """Chunk → digest of its one open point; of two, which a crash may leave, neither."""
        found: dict[str, str] = {}
        doubled: set[str] = set()
        wanted = models.Filter(must=[shape.any_of("chunk", chunk_ids), shape.equals("read_until", OPEN)])
        for classification in Classification:
            async for record in shape.records(
                self._client, self._names.of(classification), wanted, payload=["chunk", "digest"]
            ):
                payload = record.payload or {}
                doubled |= {payload["chunk"]} & found.keys()
                found[payload["chunk"]] = payload["digest"]
        return {chunk: digest for chunk, digest in found.items() if chunk not in doubled}

    async def vectors(self, texts: Sequence[str]) -> dict[str, Vector]:
        wanted = {text_digest(text): text for text in texts}
        found: dict[str, Vector] = {}
        if not wanted:
            return found
        asked = models.Filter(must=[shape.any_of("embedded", list(wanted)), shape.equals("read_until", OPEN)])
        with shape.translated():
            for classification in Classification:
                name = self._names.of(classification)
                async for record in shape.records(self._client, name, asked, payload=["embedded"], vectors=[DENSE]):
                    vector = cast("dict[str, Any]", record.vector)[DENSE]
                    found[wanted[(record.payload or {})["embedded"]]] = np.asarray(vector, dtype=np.float32)
        return found

    async def retain(self, document_id: str, version: str | None, keep: frozenset[str] | None = None) -> int:
        removed = 0
        outdated = shape.outdated(document_id, version, keep)
        with shape.translated():
            for classification in Classification:
                name = self._names.of(classification)
                count = (await self._client.count(name, count_filter=outdated, exact=True)).count
                if not count:
                    continue
                if version is None:
                    await self._client.upsert(
                        self._names.meta, [models.PointStruct(id=shape.ERASED, vector={}, payload={"erased": True})]
                    )
                removed += count
                fresh = models.Filter(must=[outdated, shape.equals("read_since", self._next)])
                await self._client.delete(name, fresh, wait=True)
                await self._client.set_payload(name, {"read_until": self._next}, points=outdated, wait=True)
        return removed

    async def holds(self, document_ids: Sequence[str]) -> dict[str, int]:
        counts: Counter[str] = Counter()
        if not document_ids:
            return {}
        wanted = models.Filter(must=[shape.any_of("document_id", document_ids)])
        with shape.translated():
            for classification in Classification:
                name = self._names.of(classification)
                async for record in shape.records(self._client, name, wanted, payload=["document_id"]):
                    counts[(record.payload or {})["document_id"]] += 1
        return dict(counts)

    # --- publishing -----------------------------------------------------------------------------------------------

    async def publish(self) -> str:
        with shape.translated():
            if self._current and not await self._has_changes():
                await self._point_here()
                await self._prune()
                return await self._name(self._current)
            generation = self._next
            content, statistics, chunks = await self._survey(generation)
            name = f"{generation:08d}-{content[:12]}"
            packed = base64.b64encode(statistics.dump()).decode()
            await self._client.upsert(
                self._names.meta,
                [
                    models.PointStruct(
                        id=shape.statistics_id(generation), vector={}, payload={"terms": packed, "name": name}
                    )
                ],
                wait=True,
            )
            pointer = models.PointStruct(
                id=shape.POINTER, vector={}, payload={"generation": generation, "name": name, "chunks": chunks}
            )
            await self._client.upsert(self._names.meta, [pointer], wait=True)
            self._current = generation
            await self._point_here()
            await self._prune()
        log.info("index.published", extra={"generation": name, "chunks": chunks})
        return name

    async def _has_changes(self) -> bool:
        for classification in Classification:
            for field in ("read_since", "read_until"):
                written = models.Filter(must=[shape.equals(field, self._next)])
                if (await self._client.count(self._names.of(classification), count_filter=written)).count:
                    return True
        return False

    async def _survey(self, generation: int) -> tuple[str, TermStatistics, int]:
        """Digest of what readers will find, term statistics, and how many chunks."""
        counter, digests = TermCounter(), list[str]()
        seen = models.Filter(must=list(shape.read_at(generation)))
        for classification in Classification:
            name = self._names.of(classification)
            async for record in shape.records(self._client, name, seen, payload=["tenant", "digest"], vectors=[WORDS]):
                payload = record.payload or {}
                words = cast("dict[str, Any]", record.vector or {}).get(WORDS)
                counter.add(classification, payload["tenant"], words.indices if words else ())
                digests.append(f"{classification.name} {payload['digest']}")
        whole = hashlib.sha256("\n".join([repr(self._names.profile), *sorted(digests)]).encode())
        return whole.hexdigest(), counter.statistics(), len(digests)

    async def _prune(self) -> None:
        """What no generation that is kept can see goes. A document that was taken out goes from all of them."""
        erased = bool(await self._client.retrieve(self._names.meta, [shape.ERASED]))
        oldest = self._current if erased else self._current - self._keep + 1
        ended = models.Filter(must=[models.FieldCondition(key="read_until", range=models.Range(lte=oldest))])
        for classification in Classification:
            await self._client.delete(self._names.of(classification), ended, wait=True)
        stale = [shape.statistics_id(number) for number in range(max(1, oldest - 50), max(1, oldest))]
        done = [*stale, *([shape.ERASED] if erased else [])]
        if done:
            await self._client.delete(self._names.meta, models.PointIdsList(points=cast("list[Any]", done)), wait=True)

    async def _point_here(self) -> None:
        """Readers follow the alias; it moves when an index of another profile has its first generation."""
        aliases = (await self._client.get_aliases()).aliases
        now_at = next((a.collection_name for a in aliases if a.alias_name == self._names.prefix), None)
        if now_at == self._names.meta:
            return
        moves: list[Any] = []
        if now_at is not None:
            moves.append(models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=self._names.prefix)))
        create = models.CreateAlias(collection_name=self._names.meta, alias_name=self._names.prefix)
        moves.append(models.CreateAliasOperation(create_alias=create))
        await self._client.update_collection_aliases(moves)

    async def _read_pointer(self) -> int:
        found = await self._client.retrieve(self._names.meta, [shape.POINTER])
        return int((found[0].payload or {})["generation"]) if found else 0

    async def _name(self, generation: int) -> str:
        found = await self._client.retrieve(self._names.meta, [shape.statistics_id(generation)])
        return str((found[0].payload or {})["name"]) if found else f"{generation:08d}"
