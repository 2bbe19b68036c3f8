"""What the index tests are played with: chunks, askers, and the two adapters behind one handle."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from azure.core.credentials import AzureKeyCredential
from azure_search_service import KEY, search_service
from qdrant_client import AsyncQdrantClient

from rag import keywords
from rag.adapters.embedders.hashing import HashEmbedder
from rag.adapters.index.azure_store import AzureStore
from rag.adapters.index.generations import Profile
from rag.adapters.index.memory import InMemoryIndex
from rag.adapters.index.qdrant_edge_reader import QdrantEdgeReader
from rag.adapters.index.qdrant_edge_writer import QdrantEdgeWriter
from rag.adapters.index.qdrant_store import QdrantStore
from rag.adapters.index.remote import Names
from rag.adapters.index.remote_reader import RemoteReader
from rag.adapters.index.remote_writer import RemoteWriter
from rag.ports import Index, IndexWriter
from rag.types import Access, Box, Chunk, Classification, Hit, Labels, Place

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


@dataclass
class Scene:
    """A writer and a reader of one index."""

    writer: IndexWriter
    index: Index
    clock: list[float] = field(default_factory=lambda: [0.0])

    async def write(self, chunks: Sequence[Chunk]) -> None:
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
    clock = [0.0]
    async with edge_writer(root) as writer:
        yield Scene(writer, edge_reader(root, clock), clock)


@asynccontextmanager
async def memory_scene(_: Path) -> AsyncIterator[Scene]:
    index = InMemoryIndex(embedder=EMBEDDER.name, dimension=EMBEDDER.dimension)
    yield Scene(index, index)


@asynccontextmanager
async def server_scene(root: Path) -> AsyncIterator[Scene]:
    """The real client; its server in memory unless `QDRANT_URL` names one."""
    url, clock = os.environ.get("QDRANT_URL"), [0.0]
    client = AsyncQdrantClient(url) if url else AsyncQdrantClient(":memory:")
    names = Names(prefix=f"test-{uuid4().hex[:8]}", profile=PROFILE)
    store = QdrantStore(client, names)
    try:
        async with RemoteWriter(store, profile=PROFILE, lock=root / "lock") as writer:
            yield Scene(writer, RemoteReader(store, profile=PROFILE, clock=lambda: clock[0]), clock)
    finally:
        if url:
            for collection in (await client.get_collections()).collections:
                if collection.name.startswith(names.prefix):
                    await client.delete_collection(collection.name)
        await client.close()


@asynccontextmanager
async def azure_scene(root: Path) -> AsyncIterator[Scene]:
    """The real SDK against a local server that speaks the service's protocol; now and then it is busy, and a bit behind."""
    clock = [0.0]
    names = Names(prefix=f"test-{uuid4().hex[:8]}", profile=PROFILE)
    with search_service(lag_s=0.01, busy_every=3) as service:
        azure = AzureStore(service.url, AzureKeyCredential(KEY), names, first_pause_s=0.01)
        async with aclosing(azure) as store, RemoteWriter(store, profile=PROFILE, lock=root / "lock") as writer:
            yield Scene(writer, RemoteReader(store, profile=PROFILE, clock=lambda: clock[0]), clock)


def opened(kind: str, root: Path) -> AbstractAsyncContextManager[Scene]:
    return {"memory": memory_scene, "qdrant_edge": edge_scene, "qdrant_server": server_scene, "azure": azure_scene}[
        kind
    ](root)
