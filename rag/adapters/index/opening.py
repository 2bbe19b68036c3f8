"""Which index an instance has: embedded in its folder, or a Qdrant server. The choice is made here, once, for `compose`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from rag.ports import Index, IndexWriter


class OpenWriter(IndexWriter, AbstractAsyncContextManager["OpenWriter"], Protocol):
    """Entered, it holds the index's lock."""

    async def __aenter__(self) -> Self: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An index, opened for reading.

    Attributes:
        writer: makes the one writer, for the time of an `async with`.
        identity: names the working copy as it is now; a new one, which is empty, has a new name.
    """

    reader: Index
    writer: Callable[[], OpenWriter]
    identity: Callable[[], str]
    close: Callable[[], Awaitable[None]]


def embedded(root: Path, *, embedder: str, dimension: int, keep: int) -> Opened:
    """Qdrant Edge in this process; `root` is made by the first writer."""
    from rag.adapters.index.generations import working_identity
    from rag.adapters.index.qdrant_edge_reader import QdrantEdgeReader
    from rag.adapters.index.qdrant_edge_writer import QdrantEdgeWriter

    reader = QdrantEdgeReader(root, embedder=embedder, dimension=dimension)

    async def close() -> None:
        reader.close()

    return Opened(
        reader=reader, identity=lambda: working_identity(root), close=close,
        writer=lambda: QdrantEdgeWriter(root, embedder=embedder, dimension=dimension, keep=keep),
    )  # fmt: skip


def server(
    url: str, *, api_key: str | None, prefix: str, quantized: bool, lock: Path, embedder: str, dimension: int, keep: int
) -> Opened:
    """A Qdrant server. Nothing is asked of it before the first search or write."""
    from qdrant_client import AsyncQdrantClient, QdrantClient

    from rag import keywords
    from rag.adapters.index.generations import Profile
    from rag.adapters.index.qdrant_server_reader import QdrantServerReader
    from rag.adapters.index.qdrant_server_shape import Names, identity
    from rag.adapters.index.qdrant_server_writer import QdrantServerWriter

    asking = AsyncQdrantClient(url, api_key=api_key, timeout=10, check_compatibility=False)
    plain = QdrantClient(url, api_key=api_key, timeout=10, check_compatibility=False)
    names = Names(prefix=prefix, profile=Profile(embedder=embedder, dimension=dimension, keywords=keywords.REVISION))

    async def close() -> None:
        await asking.close()
        plain.close()

    return Opened(
        reader=QdrantServerReader(asking, prefix=prefix, embedder=embedder, dimension=dimension),
        writer=lambda: QdrantServerWriter(
            asking, prefix=prefix, embedder=embedder, dimension=dimension, lock=lock, keep=keep, quantized=quantized
        ),
        identity=lambda: identity(plain, names), close=close,
    )  # fmt: skip
