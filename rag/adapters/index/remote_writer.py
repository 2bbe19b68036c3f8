"""Chunks and vectors → a published generation in an index server. Port `IndexWriter`, over any `Store`.

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
from typing import IO, Self
from uuid import uuid4

from rag import keywords
from rag.adapters.index import remote
from rag.adapters.index.generations import Profile, locked
from rag.adapters.index.payload import payload_of, text_digest
from rag.adapters.index.record import Record, Version
from rag.adapters.index.remote import ERASED, IDENTITY, OPEN, POINTER, Compared, In, Point, Store, Wanted
from rag.adapters.index.statistics import TermCounter, TermStatistics
from rag.ports import Publications
from rag.types import Chunk, Classification, Vector, Vectors

log = logging.getLogger(__name__)

_BATCH = 128
_STALE = 50
"""Generations back, statistics may lie around that an interrupted prune has left."""


class RemoteWriter:
    """One writer for each index: `lock` is a file that all processes of this instance share.

    Args:
        publications: what is live; `None` = whatever is written. keep: generations that stay readable, for readers that have not moved on; none that holds a document that was
            taken out since.
    """

    def __init__(
        self, store: Store, *, profile: Profile, lock: Path, publications: Publications | None = None, keep: int = 3
    ) -> None:
        self._store, self._profile, self._keep, self._publications = store, profile, keep, publications
        self._lock_path = lock
        self._lock: IO[str] | None = None
        self._current = 0

    async def __aenter__(self) -> Self:
        """Raises `Temporary`: `ingest_running`, `index_unavailable`."""
        self._lock_path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = locked(self._lock_path)
        try:
            await self._store.create()
            if await self._store.fact(IDENTITY) is None:
                await self._store.state(IDENTITY, {"identity": uuid4().hex[:12]})
            pointer = await self._store.fact(POINTER)
            self._current = 0 if pointer is None else int(pointer["generation"])
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
        for at in range(0, len(pairs), _BATCH):
            await self._upsert(pairs[at : at + _BATCH])

    async def _upsert(self, pairs: Sequence[tuple[Chunk, Vector]]) -> None:
        known = await self._digests([chunk.id for chunk, _ in pairs])
        points: dict[Classification, list[Point]] = {}
        home: dict[str, Classification] = {}
        for chunk, vector in pairs:
            point = self._point(chunk, vector)
            if known.get(chunk.id) != point.payload["digest"]:
                points.setdefault(chunk.labels.classification, []).append(point)
                home[chunk.id] = chunk.labels.classification
        for part, written in points.items():
            await self._store.write(part, written)
        # Written first, then ended elsewhere: a failure in between leaves two, never none.
        for part in Classification if home else ():
            moved = tuple(chunk for chunk, at in home.items() if at is not part)
            if moved:
                await self._store.delete(part, Wanted((In("chunk", moved), Compared("read_since", "eq", self._next))))
            replaced = In("chunk", tuple(home)), remote.is_open(), Compared("read_since", "lt", self._next)
            await self._store.end(part, Wanted(replaced), self._next)

    def _point(self, chunk: Chunk, vector: Vector) -> Point:
        words = keywords.document_vector(chunk.text, chunk.context, chunk.language)
        payload = {**payload_of(chunk), "chunk": chunk.id, "read_since": self._next, "read_until": OPEN}
        return Point(id=remote.point_id(chunk.id, self._next), dense=vector, words=words, payload=payload)

    async def _digests(self, chunk_ids: Sequence[str]) -> dict[str, str]:
        """Chunk → digest of its one open point; of two, which a crash may leave, neither."""
        found: dict[str, str] = {}
        doubled: set[str] = set()
        wanted = Wanted((In("chunk", tuple(chunk_ids)), remote.is_open()))
        for part in Classification:
            async for stored in self._store.scan(part, wanted, ["chunk", "digest"]):
                doubled |= {stored.payload["chunk"]} & found.keys()
                found[stored.payload["chunk"]] = stored.payload["digest"]
        return {chunk: digest for chunk, digest in found.items() if chunk not in doubled}

    async def vectors(self, texts: Sequence[str]) -> dict[str, Vector]:
        digests = {text_digest(text): text for text in texts}
        found: dict[str, Vector] = {}
        wanted = Wanted((In("embedded", tuple(digests)), remote.is_open()))
        for part in Classification if digests else ():
            async for stored in self._store.scan(part, wanted, ["embedded"], dense=True):
                if stored.dense is not None:
                    found[digests[stored.payload["embedded"]]] = stored.dense
        return found

    async def retain(
        self, document_id: str, version: str | None, keep: frozenset[str] | None = None, *,
        earlier: frozenset[str] = frozenset(),
    ) -> int:  # fmt: skip
        removed = 0
        outdated = remote.outdated(document_id, version, keep, earlier)
        for part in Classification:
            count = await self._store.count(part, outdated)
            if not count:
                continue
            if version is None:
                await self._store.state(ERASED, {"erased": True})
            removed += count
            fresh = Wanted((*outdated.all, Compared("read_since", "eq", self._next)), but=outdated.but)
            await self._store.delete(part, fresh)
            await self._store.end(part, outdated, self._next)
        return removed

    async def holds(self, document_ids: Sequence[str]) -> dict[str, int]:
        counts: Counter[str] = Counter()
        for part in Classification if document_ids else ():
            async for stored in self._store.scan(
                part, Wanted((In("document_id", tuple(document_ids)),)), ["document_id"]
            ):
                counts[stored.payload["document_id"]] += 1
        return dict(counts)

    # --- publishing -----------------------------------------------------------------------------------------------

    async def publish(self) -> str:
        record = None if self._publications is None else Record.of(await self._publications.live())
        pointer = await self._store.fact(POINTER) or {}
        is_same = pointer.get("record") == (None if record is None else record.digest)
        if self._current and is_same and not await self._has_changes():
            name = str(pointer.get("name"))
        else:
            name = await self._publish(self._next, record)
        await self._store.follow()
        await self._prune()
        return name

    async def _publish(self, generation: int, record: Record | None) -> str:
        content, statistics, chunks = await self._survey(generation, record)
        name = f"{generation:08d}-{content[:12]}"
        terms = base64.b64encode(statistics.dump()).decode()
        await self._store.state(remote.statistics_key(generation), {"terms": terms})
        pointer: dict[str, int | str] = {"generation": generation, "name": name}
        if record is not None:
            versions = base64.b64encode(record.dump()).decode()
            await self._store.state(remote.record_key(generation), {"versions": versions})
            pointer["record"] = record.digest
        await self._store.state(POINTER, pointer)
        self._current = generation
        log.info("index.published", extra={"generation": name, "chunks": chunks})
        return name

    async def _has_changes(self) -> bool:
        written = (Compared(field, "eq", self._next) for field in ("read_since", "read_until"))
        wanted = [Wanted((condition,)) for condition in written]
        return any([await self._store.count(part, one) for part in Classification for one in wanted])

    async def _survey(self, generation: int, live: Record | None) -> tuple[str, TermStatistics, int]:
        """Digest of what readers will find, term statistics, and how many chunks.

        What is not live is counted nowhere: scores must not tell of it.
        """
        counter, digests, orphans = TermCounter(), list[str](), 0
        seen = Wanted(remote.read_at(generation))
        for part in Classification:
            fields = ["tenant", "digest", "document_id", "version"]
            async for stored in self._store.scan(part, seen, fields, words=True):
                held = stored.payload
                if live is None or live.holds(Version(held["document_id"], held["version"]), part):
                    counter.add(part, held["tenant"], stored.words)
                    digests.append(f"{part.name} {held['digest']}")
                else:
                    orphans += 1
        if orphans:
            log.error("index.orphans_published", extra={"chunks": orphans})
        recorded = "" if live is None else live.digest
        whole = hashlib.sha256("\n".join([repr(self._profile), recorded, *sorted(digests)]).encode())
        return whole.hexdigest(), counter.statistics(), len(digests)

    async def _prune(self) -> None:
        """What no generation that is kept can see goes. A document that was taken out goes from all of them."""
        erased = await self._store.fact(ERASED) is not None
        oldest = self._current if erased else self._current - self._keep + 1
        for part in Classification:
            await self._store.delete(part, Wanted((Compared("read_until", "le", oldest),)))
        numbers = range(max(1, oldest - _STALE), max(1, oldest))
        stale = [key(number) for number in numbers for key in (remote.statistics_key, remote.record_key)]
        await self._store.unstate([*stale, *([ERASED] if erased else [])])
