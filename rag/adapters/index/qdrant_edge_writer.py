"""Chunks and vectors → a published generation. The one writer of the embedded index (Qdrant Edge).

Working collections survive a crash by the engine's own log; a generation is complete before the pointer moves to it.
So `kill -9` at any point loses nothing that `upsert` has returned from, and publishes nothing by half.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import logging
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import IO, Any, ParamSpec, Self, TypeVar

import qdrant_edge as qdrant

from rag import keywords
from rag.adapters.index import generations
from rag.adapters.index import qdrant_edge_rewrite as rewriting
from rag.adapters.index import qdrant_edge_shard as edge
from rag.adapters.index.generations import Manifest, Pointer, Profile, Stamp
from rag.adapters.index.payload import payload_of, text_digest
from rag.adapters.index.record import Record, Version
from rag.adapters.index.statistics import TermCounter, TermStatistics
from rag.errors import Temporary
from rag.ports import Publications
from rag.types import Chunk, Classification, Vector, Vectors

_P = ParamSpec("_P")
_R = TypeVar("_R")

log = logging.getLogger(__name__)

_BATCH = 256
_FULL = (errno.ENOSPC, errno.EDQUOT)
_FREE_BYTES = 256 << 20
"""Asked for before writing: the engine writes through memory maps, and a full disk under one kills the process."""


class QdrantEdgeWriter:
    """Port `IndexWriter`. Locks the index from `open` to `close`; use `async with`.

    A second writer gets `Temporary("ingest_running")`, another embedder `Permanent("index_profile_mismatch")`, a full
    disk `Temporary("disk_full")`.

    Args:
        root: folder of the index; made if it is not there.
        embedder: name of the embedder whose vectors will come. dimension: theirs.
        terms: revision of the tokeniser that the index was begun with; unset = today's.
        publications: what is live; `None` = whatever is written. keep: published generations that stay for a rollback;
            none that holds a document that was taken out since.
        copy: copies one file; replaced in tests to fill the disk or to die half way.
        free_bytes: space left for a folder.
    """

    def __init__(
        self,
        root: Path,
        *,
        embedder: str,
        dimension: int,
        terms: str | None = None,
        publications: Publications | None = None,
        keep: int = 3,
        copy: Callable[[Path, Path], None] = generations.copy_file,
        free_bytes: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
    ) -> None:
        self._root = root
        self._profile = Profile(embedder=embedder, dimension=dimension, keywords=terms or keywords.REVISION)
        self._publications = publications
        self._keep = keep
        self._copy = copy
        self._free_bytes = free_bytes
        self._shards: dict[Classification, Any] = {}
        self._lock_file: IO[str] | None = None
        # Not asyncio's: a cancelled caller leaves its thread working, and the next call must wait for that.
        self._turn = Lock()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def open(self) -> None:
        """Takes the lock, starts anew if the profile is another, removes what an interrupted run has left."""
        await self._run(self._open)

    async def close(self) -> None:
        """Lets go of the lock. Closing twice does nothing."""
        await self._run(self._close)

    async def upsert(self, chunks: Sequence[Chunk], vectors: Vectors) -> None:
        """Durable on return. A chunk whose classification has changed moves; it is never in two collections."""
        if len(chunks) != len(vectors):
            raise ValueError(f"{len(chunks)} chunks but {len(vectors)} vectors")
        await self._run(self._upsert, chunks, vectors)

    async def vectors(self, texts: Sequence[str]) -> dict[str, Vector]:
        return await self._run(self._vectors, texts)

    async def retain(
        self, document_id: str, version: str | None, keep: frozenset[str] | None = None, *,
        earlier: frozenset[str] = frozenset(),
    ) -> int:  # fmt: skip
        """Also removes chunks of `version` itself that are not among `keep`, if it is given: leftovers of old rules."""
        return await self._run(self._retain, document_id, version, keep, earlier)

    async def holds(self, document_ids: Sequence[str]) -> dict[str, int]:
        return await self._run(self._holds, document_ids)

    async def publish(self) -> str:
        record = None if self._publications is None else Record.of(await self._publications.live())
        return await self._run(self._publish, record)

    async def _run(self, work: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
        def alone() -> _R:
            with self._turn:
                return work(*args, **kwargs)

        return await asyncio.to_thread(alone)

    # --- in a thread, one at a time ---------------------------------------------------------------------------

    def _open(self) -> None:
        if self._lock_file is not None:
            return
        with _disk_errors():
            (self._root / "working").mkdir(parents=True, exist_ok=True)
            (self._root / "generations").mkdir(exist_ok=True)
            self._lock_file = generations.locked(self._root / "working" / ".lock")
        try:
            with _disk_errors(), edge.translated():
                rewriting.settle(self._root / "working")
                self._settle_profile()
                generations.clean(self._root)
                for classification in Classification:
                    folder = self._root / "working" / classification.name
                    if folder.is_dir():
                        self._shards[classification] = edge.open_working(folder, self._profile.dimension)
        except BaseException:
            self._close()
            raise

    def _close(self) -> None:
        shards, self._shards = self._shards, {}
        for shard in shards.values():
            shard.close()
        if self._lock_file is not None:
            self._lock_file.close()
            self._lock_file = None

    def _settle_profile(self) -> None:
        """A working copy of another profile is useless and goes; what readers follow stays until the next publish."""
        stamp = Stamp.read(self._root)
        if stamp is not None and stamp.profile == self._profile:
            return
        if stamp is not None:
            facts = {"built_with": stamp.profile.embedder, "configured": self._profile.embedder}
            log.warning("index.built_anew", extra=facts)
            for classification in Classification:
                folder = self._root / "working" / classification.name
                if folder.is_dir():
                    shutil.rmtree(folder)
        Stamp.new(self._root, self._profile)

    def _upsert(self, chunks: Sequence[Chunk], vectors: Vectors) -> None:
        self._require_open()
        self._require_space(_FREE_BYTES)
        grouped: dict[Classification, list[Any]] = {}
        for chunk, vector in zip(chunks, vectors, strict=True):
            words = keywords.document_vector(chunk.text, chunk.context, chunk.language)
            point = edge.point(chunk, vector, words, payload_of(chunk))
            grouped.setdefault(chunk.labels.classification, []).append(point)
        with _disk_errors(), edge.translated():
            for classification, points in grouped.items():
                shard = self._shard(classification)
                for at in range(0, len(points), _BATCH):
                    shard.update(qdrant.UpdateOperation.upsert_points(points[at : at + _BATCH]))
                # Written first, then removed elsewhere: a failure in between leaves two, never none.
                moved = [point.id for point in points]
                for other, elsewhere in self._shards.items():
                    if other is not classification:
                        elsewhere.update(qdrant.UpdateOperation.delete_points(moved))

    def _vectors(self, texts: Sequence[str]) -> dict[str, Vector]:
        self._require_open()
        wanted = {text_digest(text): text for text in texts}
        found: dict[str, Vector] = {}
        with _disk_errors(), edge.translated():
            for shard in self._shards.values():
                found |= edge.dense_vectors(shard, list(wanted.keys() - found.keys()))
        return {wanted[digest]: vector for digest, vector in found.items()}

    def _retain(
        self, document_id: str, version: str | None, keep: frozenset[str] | None, earlier: frozenset[str]
    ) -> int:
        self._require_open()
        outdated = edge.outdated(document_id, version, keep, earlier)
        removed = 0
        with _disk_errors(), edge.translated():
            for shard in self._shards.values():
                count = shard.count(qdrant.CountRequest(filter=outdated, exact=True))
                if count:
                    if version is None:
                        generations.mark_erased(self._root)
                    shard.update(qdrant.UpdateOperation.delete_points_by_filter(outdated))
                removed += count
        return removed

    def _holds(self, document_ids: Sequence[str]) -> dict[str, int]:
        self._require_open()
        counts: Counter[str] = Counter()
        with _disk_errors(), edge.translated():
            for shard in self._shards.values():
                counts.update(edge.documents_among(shard, document_ids))
            for name in generations.names(self._root):
                folder = generations.folder_of(self._root, name)
                for classification in Classification:
                    if (folder / classification.name).is_dir():
                        published = edge.open_published(folder / classification.name)
                        try:
                            counts.update(edge.documents_among(published, document_ids))
                        finally:
                            published.close()
        return dict(counts)

    def _publish(self, record: Record | None) -> str:
        self._require_open()
        with _disk_errors(), edge.translated():
            if generations.is_erased(self._root):
                self._rewrite()
            for shard in self._shards.values():
                shard.optimize()
                shard.flush()
            content, statistics, counts = self._survey(record)
            current, newest = generations.pointer(self._root), generations.names(self._root)[-1:]
            if newest and Manifest.read(generations.folder_of(self._root, newest[0])).content == content:
                if current is None or not (current.held or current.name == newest[0]):
                    generations.swap(self._root, Pointer(newest[0]))  # a publish died just before its last step
                    current = Pointer(newest[0])
                self._prune()
                return current.name
            name = generations.next_name(self._root, content)
            digest = None if record is None else record.digest
            manifest = Manifest(name=name, content=content, profile=self._profile, chunks=counts, record=digest)
            self._write_generation(manifest, statistics, record)
            generations.swap(self._root, Pointer(name))
            pruned = self._prune()
        log.info("index.published", extra={"generation": name, "chunks": sum(counts.values()), "pruned": len(pruned)})
        return name

    def _rewrite(self) -> None:
        """A document that was taken out must not lie on the disk any more."""
        self._require_space(_FREE_BYTES + _allocated(self._root / "working"))
        for classification, shard in list(self._shards.items()):
            folder = self._root / "working" / classification.name
            rewriting.copy(shard, folder, self._profile.dimension)
            shard.close()
            try:
                rewriting.put_in_place(folder)
            finally:  # a failure on the way must not leave the writer without this collection
                rewriting.settle(self._root / "working")
                self._shards[classification] = edge.open_working(folder, self._profile.dimension)

    def _prune(self) -> list[str]:
        """A document that was taken out must not live on in what is kept for a rollback."""
        erased = generations.is_erased(self._root)
        pruned = generations.prune(self._root, 1 if erased else self._keep)
        if erased:
            generations.unmark_erased(self._root)
        return pruned

    def _survey(self, live: Record | None) -> tuple[str, TermStatistics, dict[str, int]]:
        """Digest of all that is stored and of what is live, term statistics, and chunks per classification.

        What is not live is counted nowhere: scores must not tell of it.
        """
        counter, counts, orphans = TermCounter(), {}, 0
        digests = []
        for classification, shard in self._shards.items():
            number = 0
            for record in edge.records(shard, ["tenant", "digest", "document_id", "version"]):
                number += 1
                held = record.payload
                digests.append(f"{classification.name} {held['digest']}")
                if live is None or live.holds(Version(held["document_id"], held["version"]), classification):
                    counter.add(classification, held["tenant"], record.vector[edge.WORDS].indices)
                else:
                    orphans += 1
            if number:
                counts[classification.name] = number
        if orphans:
            log.error("index.orphans_published", extra={"chunks": orphans})
        whole = hashlib.sha256(repr(self._profile).encode())
        whole.update("\n".join(["" if live is None else live.digest, *sorted(digests)]).encode())
        return whole.hexdigest(), counter.statistics(), counts

    def _write_generation(self, manifest: Manifest, statistics: TermStatistics, record: Record | None) -> None:
        """Copies into an unfinished folder, opens the copy once, and only then gives it its name."""
        self._require_space(_FREE_BYTES + _allocated(self._root / "working"))
        unfinished = generations.folder_of(self._root, generations.UNFINISHED + manifest.name)
        unfinished.mkdir()
        for name, count in manifest.chunks.items():
            self._copy_collection(self._root / "working" / name, unfinished / name)
            _settle(unfinished / name, count)
        statistics.save(unfinished)
        if record is not None:
            (unfinished / "record.bin").write_bytes(record.dump())
        manifest.write(unfinished)
        for entry in [*unfinished.rglob("*"), unfinished]:
            generations.sync(entry)
        unfinished.rename(generations.folder_of(self._root, manifest.name))
        generations.sync(self._root / "generations")

    def _copy_collection(self, source: Path, target: Path) -> None:
        for folder, folders, files in os.walk(source):
            if Path(folder) == source:
                folders[:] = [name for name in folders if name != "wal"]
            copied = target / Path(folder).relative_to(source)
            copied.mkdir()
            for name in files:
                self._copy(Path(folder) / name, copied / name)
        edge.without_log(target)

    def _shard(self, classification: Classification) -> Any:
        if classification not in self._shards:
            folder = self._root / "working" / classification.name
            self._shards[classification] = edge.open_working(folder, self._profile.dimension)
        return self._shards[classification]

    def _require_open(self) -> None:
        if self._lock_file is None:
            raise RuntimeError("open the writer first: async with writer")

    def _require_space(self, needed: int) -> None:
        if self._free_bytes(self._root) < needed:
            raise edge.disk_full()


def _settle(folder: Path, count: int) -> None:
    """Lets the engine work off the journals that came with the copy, so that readers change nothing; and verifies."""
    shard = edge.open_published(folder)
    try:
        held = shard.count(qdrant.CountRequest(exact=True))
        shard.flush()
    finally:
        shard.close()
    if held != count:
        raise Temporary(
            "index_unavailable",
            f"A copy of the index holds {held} of {count} chunks; it was not published.",
            hint="Run the ingest again. If it stays so, move the index folder away and ingest anew.",
        )


def _allocated(folder: Path) -> int:
    """Bytes on the disk, holes not counted."""
    return sum(path.lstat().st_blocks * 512 for path in folder.rglob("*"))


@contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise edge.disk_full() from error
        raise Temporary(
            "index_unavailable",
            f"The index folder cannot be written ({error.strerror}).",
            hint="Check that the folder exists and that this process may write to it.",
        ) from error
