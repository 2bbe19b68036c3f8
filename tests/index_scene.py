"""What the index tests are played with: chunks, askers, and every adapter behind one handle."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import qdrant_edge
from azure.core.credentials import AzureKeyCredential
from azure_search_service import KEY, search_service
from qdrant_client import AsyncQdrantClient

from rag import keywords
from rag.adapters.embedders.hashing import HashEmbedder
from rag.adapters.index import generations
from rag.adapters.index import qdrant_edge_shard as edge
from rag.adapters.index.azure_store import AzureStore
from rag.adapters.index.generations import Profile
from rag.adapters.index.memory import InMemoryIndex
from rag.adapters.index.payload import payload_of
from rag.adapters.index.qdrant_edge_reader import QdrantEdgeReader
from rag.adapters.index.qdrant_edge_writer import QdrantEdgeWriter
from rag.adapters.index.qdrant_store import QdrantStore
from rag.adapters.index.remote import OPEN, POINTER, Names, Point, Store
from rag.adapters.index.remote_reader import RemoteReader
from rag.adapters.index.remote_writer import RemoteWriter
from rag.ports import Index, IndexWriter
from rag.types import Access, Box, Chunk, Classification, Hit, Labels, Place, Publication, Vector

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
EMBEDDER = HashEmbedder()


PROFILE = Profile(embedder=EMBEDDER.name, dimension=EMBEDDER.dimension, keywords=keywords.REVISION)


def labels(**changes: Any) -> Labels:
    usual: dict[str, Any] = {
        "tenant": "acme", "business_unit": None, "classification": Classification.internal, "readers": frozenset(),
        "valid_from": None, "valid_until": None,
    }  # fmt: skip
    return Labels(**(usual | changes))


def chunk(text: str, *, document: str = "handbook", version: str = "1", position: int = 0, language: str = "en",
          zone: str = "policies", context: str = "", **changes: Any) -> Chunk:  # fmt: skip
    """A chunk; further keywords are labels."""
    return Chunk(
        id=str(uuid.uuid5(uuid.NAMESPACE_URL, f"{document} {version} {position}")), document_id=document,
        version=version, zone=zone, path=f"{document}.pdf", uri=f"file:///{document}.pdf", title=document.title(),
        media_type="application/pdf", position=position, start=3, end=3 + len(text), text=text, context=context,
        places=(
            Place(start=3, end=9, page=2, box=Box(left=0.1, top=0.2, right=0.5, bottom=0.25)),
            Place(start=9, end=12, sheet="Preise", cells="A1:B2", part="anhang.xlsx"),
        ),
        language=language, labels=labels(**changes),
    )  # fmt: skip


def access(**changes: Any) -> Access:
    usual: dict[str, Any] = {
        "tenant": "acme", "business_units": frozenset(), "groups": frozenset(),
        "clearance": Classification.highly_confidential, "zones": None, "at": NOON,
    }  # fmt: skip
    return Access(**(usual | changes))


class Declared:
    """Port `Publications`: what a test says."""

    def __init__(self) -> None:
        self.versions: set[Publication] = set()

    def add(self, chunks: Sequence[Chunk]) -> None:
        self.versions |= {
            Publication(document_id=c.document_id, version=c.version, classification=c.labels.classification)
            for c in chunks
        }

    async def live(self) -> list[Publication]:
        return list(self.versions)


Plant = Callable[[Chunk, Vector], Awaitable[None]]


async def _no_plant(_: Chunk, __: Vector) -> None:
    raise NotImplementedError


@dataclass
class Scene:
    """A writer and a reader of one index. `plant` puts a chunk into the store of the generation that is read, by hand."""

    writer: IndexWriter
    index: Index
    clock: list[float] = field(default_factory=lambda: [0.0])
    declared: Declared = field(default_factory=Declared)
    by_hand: Plant = _no_plant

    async def plant(self, made: Chunk) -> None:
        [vector] = await EMBEDDER.embed([made.text])
        await self.by_hand(made, vector)

    async def write(self, chunks: Sequence[Chunk]) -> None:
        """As an ingest does: written, and declared live."""
        await self.write_only(chunks)
        self.declared.add(chunks)

    async def write_only(self, chunks: Sequence[Chunk]) -> None:
        """As an ingest that dies then."""
        await self.writer.upsert(chunks, await EMBEDDER.embed([chunk.text for chunk in chunks]))

    async def publish(self, chunks: Sequence[Chunk] = ()) -> str:
        if chunks:
            await self.write(chunks)
        name = await self.writer.publish()
        self.clock[0] += 1.0
        return name

    async def ask(self, text: str, *, language: str = "en", limit: int = 100, **changes: Any) -> list[Hit]:
        [vector] = await EMBEDDER.embed([text])
        return await self.index.search(
            text, vector, language=language, access=access(**changes), limit=limit, prefetch=50
        )

    async def texts(self, text: str, **changes: Any) -> list[str]:
        return [hit.chunk.text for hit in await self.ask(text, **changes)]


def edge_writer(root: Path, **changes: Any) -> QdrantEdgeWriter:
    return QdrantEdgeWriter(root, **({"embedder": EMBEDDER.name, "dimension": EMBEDDER.dimension} | changes))


def edge_reader(root: Path, clock: list[float] | None = None, **changes: Any) -> QdrantEdgeReader:
    """Looks at the pointer whenever the clock has moved on; without a clock, at every search."""
    time = clock if clock is not None else [0.0]

    def now() -> float:
        if clock is None:
            time[0] += 1.0
        return time[0]

    return QdrantEdgeReader(
        root, **({"embedder": EMBEDDER.name, "dimension": EMBEDDER.dimension, "clock": now} | changes)
    )


@asynccontextmanager
async def edge_scene(root: Path) -> AsyncIterator[Scene]:
    clock, declared = [0.0], Declared()

    async def by_hand(made: Chunk, vector: Vector) -> None:
        current = generations.pointer(root)
        assert current is not None
        folder = generations.folder_of(root, current.name) / made.labels.classification.name
        shard = edge.open_working(folder, EMBEDDER.dimension) if not folder.is_dir() else edge.open_published(folder)
        words = keywords.document_vector(made.text, made.context, made.language)
        shard.update(qdrant_edge.UpdateOperation.upsert_points([edge.point(made, vector, words, payload_of(made))]))
        shard.flush()
        shard.close()
        reader.close()  # the engine reads what lay there when it opened it

    async with edge_writer(root, publications=declared) as writer:
        reader = edge_reader(root, clock)
        yield Scene(writer, reader, clock, declared, by_hand)


@asynccontextmanager
async def memory_scene(_: Path) -> AsyncIterator[Scene]:
    declared = Declared()
    index = InMemoryIndex(embedder=EMBEDDER.name, dimension=EMBEDDER.dimension, publications=declared)

    async def by_hand(made: Chunk, vector: Vector) -> None:
        index.plant(made, vector)

    yield Scene(index, index, declared=declared, by_hand=by_hand)


def planting(store: Store) -> Plant:
    async def by_hand(made: Chunk, vector: Vector) -> None:
        pointer = await store.fact(POINTER)
        assert pointer is not None
        words = keywords.document_vector(made.text, made.context, made.language)
        payload = {**payload_of(made), "chunk": made.id, "read_since": pointer["generation"], "read_until": OPEN}
        await store.write(
            made.labels.classification, [Point(id=str(uuid4()), dense=vector, words=words, payload=payload)]
        )

    return by_hand


@asynccontextmanager
async def server_scene(root: Path) -> AsyncIterator[Scene]:
    """The real client; its server in memory unless `QDRANT_URL` names one."""
    url, clock, declared = os.environ.get("QDRANT_URL"), [0.0], Declared()
    client = AsyncQdrantClient(url) if url else AsyncQdrantClient(":memory:")
    names = Names(prefix=f"test-{uuid4().hex[:8]}", profile=PROFILE)
    store = QdrantStore(client, names)
    try:
        async with RemoteWriter(store, profile=PROFILE, lock=root / "lock", publications=declared) as writer:
            reader = RemoteReader(store, profile=PROFILE, clock=lambda: clock[0])
            yield Scene(writer, reader, clock, declared, planting(store))
    finally:
        if url:
            for collection in (await client.get_collections()).collections:
                if collection.name.startswith(names.prefix):
                    await client.delete_collection(collection.name)
        await client.close()


@asynccontextmanager
async def azure_scene(root: Path) -> AsyncIterator[Scene]:
    """The real SDK against a local server that speaks the service's protocol; now and then it is busy, and a bit behind."""
    clock, declared = [0.0], Declared()
    names = Names(prefix=f"test-{uuid4().hex[:8]}", profile=PROFILE)
    with search_service(lag_s=0.01, busy_every=3) as service:
        azure = AzureStore(service.url, AzureKeyCredential(KEY), names, first_pause_s=0.01)
        async with (
            aclosing(azure) as store,
            RemoteWriter(store, profile=PROFILE, lock=root / "lock", publications=declared) as writer,
        ):
            reader = RemoteReader(store, profile=PROFILE, clock=lambda: clock[0])
            yield Scene(writer, reader, clock, declared, planting(store))


def opened(kind: str, root: Path) -> AbstractAsyncContextManager[Scene]:
    return {"memory": memory_scene, "qdrant_edge": edge_scene, "qdrant_server": server_scene, "azure": azure_scene}[
        kind
    ](root)
