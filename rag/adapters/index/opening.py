"""Which index an instance has: embedded in its folder, a Qdrant server, or Azure AI Search. The choice is made here, once, for `compose`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

from rag.ports import Index, IndexWriter, Publications

if TYPE_CHECKING:
    from azure.core.credentials import AzureKeyCredential, TokenCredential

    from rag.adapters.index.generations import Profile


class OpenWriter(IndexWriter, AbstractAsyncContextManager["OpenWriter"], Protocol):
    """Entered, it holds the index's lock."""

    async def __aenter__(self) -> Self: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An index, opened for reading.

    Attributes:
        writer: makes the one writer, for the time of an `async with`.
        identity: names the working copy as it is now; a new one, which is empty, has a new name.
        drop: removes the whole index. size: bytes on this machine's disk; `None` in a server.
    """

    reader: Index
    writer: Callable[[], OpenWriter]
    identity: Callable[[], str]
    close: Callable[[], Awaitable[None]]
    drop: Callable[[], Awaitable[None]]
    size: Callable[[], int | None] = lambda: None


def embedded(root: Path, *, publications: Publications, embedder: str, dimension: int, terms: str, keep: int) -> Opened:
    """Qdrant Edge in this process; `root` is made by the first writer."""
    from rag.adapters.index import generations
    from rag.adapters.index.qdrant_edge_reader import QdrantEdgeReader
    from rag.adapters.index.qdrant_edge_writer import QdrantEdgeWriter

    reader = QdrantEdgeReader(root, embedder=embedder, dimension=dimension, terms=terms)

    async def close() -> None:
        reader.close()

    async def drop() -> None:
        reader.close()
        await asyncio.to_thread(generations.remove, root)

    return Opened(
        reader=reader, identity=lambda: generations.working_identity(root), close=close, drop=drop,
        size=lambda: generations.size(root),
        writer=lambda: QdrantEdgeWriter(
            root, embedder=embedder, dimension=dimension, terms=terms, publications=publications, keep=keep
        ),
    )  # fmt: skip


def qdrant_server(
    url: str, *, api_key: str | None, prefix: str, quantized: bool, lock: Path, embedder: str, dimension: int,
    publications: Publications, terms: str, keep: int, sharded: bool = False,
) -> Opened:  # fmt: skip
    """Nothing is asked of it before the first search or write."""
    from qdrant_client import AsyncQdrantClient, QdrantClient

    from rag.adapters.index.qdrant_store import QdrantStore, identity
    from rag.adapters.index.remote import Names
    from rag.adapters.index.remote_reader import RemoteReader
    from rag.adapters.index.remote_writer import RemoteWriter

    asking = AsyncQdrantClient(url, api_key=api_key, timeout=10, check_compatibility=False)
    plain = QdrantClient(url, api_key=api_key, timeout=10, check_compatibility=False)
    profile = _profile(embedder, dimension, terms)
    names = Names(prefix=prefix, profile=profile)
    store = QdrantStore(asking, names, quantized=quantized, sharded=sharded)

    async def close() -> None:
        await asking.close()
        plain.close()

    return Opened(
        reader=RemoteReader(store, profile=profile), identity=lambda: identity(plain, names), close=close, drop=store.drop,
        writer=lambda: RemoteWriter(store, profile=profile, lock=lock, publications=publications, keep=keep),
    )  # fmt: skip


def azure_search(
    endpoint: str, *, key: str | None, prefix: str, lock: Path, embedder: str, dimension: int,
    publications: Publications, terms: str, keep: int, semantic: bool = False,
) -> Opened:  # fmt: skip
    """Nothing is asked of it before the first search or write. Without a key: the identity of this machine."""
    from rag.adapters.index.azure_semantic import SemanticIndex
    from rag.adapters.index.azure_store import AzureStore
    from rag.adapters.index.remote import Names
    from rag.adapters.index.remote_reader import RemoteReader
    from rag.adapters.index.remote_writer import RemoteWriter

    profile = _profile(embedder, dimension, terms)
    store = AzureStore(endpoint, _azure_credential(key), Names(prefix=prefix, profile=profile), semantic=semantic)
    reader: Index = RemoteReader(store, profile=profile)
    return Opened(
        reader=SemanticIndex(reader, store) if semantic else reader, identity=store.identity, close=store.aclose,
        drop=store.drop,
        writer=lambda: RemoteWriter(store, profile=profile, lock=lock, publications=publications, keep=keep),
    )  # fmt: skip


def _azure_credential(key: str | None) -> AzureKeyCredential | TokenCredential:
    from azure.core.credentials import AzureKeyCredential

    if key is not None:
        return AzureKeyCredential(key)
    from azure.identity import DefaultAzureCredential

    return DefaultAzureCredential()


def _profile(embedder: str, dimension: int, terms: str) -> Profile:
    from rag.adapters.index.generations import Profile

    return Profile(embedder=embedder, dimension=dimension, keywords=terms)
