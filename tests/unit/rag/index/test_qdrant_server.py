"""What the index contract does not ask of a Qdrant server: crashes, another embedder, erasures, a server that is away.

The client is the real one; its server is the client's own in memory unless `QDRANT_URL` names one.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import pytest
from index_scene import EMBEDDER, Scene, chunk
from qdrant_client import AsyncQdrantClient

from rag.adapters.index.opening import server
from rag.adapters.index.qdrant_server_reader import QdrantServerReader
from rag.adapters.index.qdrant_server_writer import QdrantServerWriter
from rag.errors import Permanent, Temporary
from rag.types import Access, Classification, now


@pytest.fixture
async def client() -> AsyncIterator[AsyncQdrantClient]:
    made = AsyncQdrantClient(":memory:")
    yield made
    await made.close()


@pytest.fixture
def shape() -> dict[str, Any]:
    return {"prefix": f"test-{uuid4().hex[:8]}", "embedder": EMBEDDER.name, "dimension": EMBEDDER.dimension}


def writer(client: AsyncQdrantClient, tmp_path: Path, shape: dict[str, Any], **changes: Any) -> QdrantServerWriter:
    return QdrantServerWriter(client, lock=tmp_path / "lock", **{**shape, **changes})


def scene(client: AsyncQdrantClient, of: QdrantServerWriter, shape: dict[str, Any], **changes: Any) -> Scene:
    clock = [0.0]

    def tick() -> float:
        clock[0] += 1.0
        return clock[0]

    return Scene(of, QdrantServerReader(client, clock=tick, **{**shape, **changes}), clock)


async def test_a_second_writer_is_told_to_wait(
    client: AsyncQdrantClient, tmp_path: Path, shape: dict[str, Any]
) -> None:
    """Two ingests at once: one writes, and then the lock is free."""
    async with writer(client, tmp_path, shape):
        with pytest.raises(Temporary) as caught:
            await writer(client, tmp_path, shape).__aenter__()
        assert caught.value.code == "ingest_running"
    async with writer(client, tmp_path, shape):
        pass


async def test_a_run_that_died_is_gone_on_with(
    client: AsyncQdrantClient, tmp_path: Path, shape: dict[str, Any]
) -> None:
    """What it wrote is invisible, and is published by the next; nothing is doubled."""
    async with writer(client, tmp_path, shape) as first:
        seen = scene(client, first, shape)
        await seen.publish([chunk("Rule one", document="d1")])
        await seen.write([chunk("Rule one, changed", document="d1"), chunk("Rule two", document="d2")])
    assert await seen.texts("rule") == ["Rule one"]
    async with writer(client, tmp_path, shape) as second:
        seen = scene(client, second, shape)
        await seen.publish([chunk("Rule one, changed", document="d1"), chunk("Rule two", document="d2")])
        assert sorted(await seen.texts("rule")) == ["Rule one, changed", "Rule two"]
        assert await second.holds(["d1", "d2"]) == {"d1": 2, "d2": 1}  # the older rule stays readable for two more


async def test_older_generations_go(client: AsyncQdrantClient, tmp_path: Path, shape: dict[str, Any]) -> None:
    """So many are kept, and none that holds a document that was taken out."""
    async with writer(client, tmp_path, shape, keep=2) as one:
        seen = scene(client, one, shape)
        for number in range(4):
            await seen.publish([chunk(f"Rule {number}", document="d1", version=str(number))])
            await one.retain("d1", str(number))
        await seen.publish()
        assert (await one.holds(["d1"]))["d1"] <= 2
        await seen.publish([chunk("Other", document="d2")])
        await one.retain("d1", None)
        await one.publish()
        assert await one.holds(["d1"]) == {}
        assert await seen.texts("rule other") == ["Other"]


async def test_another_embedder_has_an_index_of_its_own(
    client: AsyncQdrantClient, tmp_path: Path, shape: dict[str, Any]
) -> None:
    """Readers of the old one go on until the new one has its first generation; then the alias moves, at once."""
    async with writer(client, tmp_path, shape) as old:
        seen = scene(client, old, shape)
        await seen.publish([chunk("Rule one")])
    fresh = scene(client, old, shape, dimension=3)
    with pytest.raises(Permanent) as caught:
        await fresh.index.refresh()
    assert caught.value.code == "index_profile_mismatch"
    async with writer(client, tmp_path, shape, dimension=3) as new:
        assert await seen.texts("rule") == ["Rule one"]
        await new.upsert([chunk("Rule two")], np.array([[1, 0, 0]], dtype=np.float32))
        await new.publish()
    access = Access(
        tenant=chunk("x").labels.tenant, business_units=frozenset(), groups=frozenset(),
        clearance=Classification.highly_confidential, zones=None, at=now(),
    )  # fmt: skip
    vector = np.array([1, 0, 0], dtype=np.float32)
    hits = await fresh.index.search("rule", vector, language="en", access=access, limit=5, prefetch=5)
    assert [hit.chunk.text for hit in hits] == ["Rule two"]
    assert await seen.texts("rule") == ["Rule one"]  # loaded before: it goes on, as the embedded one does


async def test_a_server_that_is_away_is_temporary(tmp_path: Path) -> None:
    """For readers, for the writer, and for who asks which index it is."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    index = server(
        url,
        api_key="secret",
        prefix="beleg",
        quantized=False,
        lock=tmp_path / "lock",
        embedder="e",
        dimension=3,
        keep=3,
    )
    with pytest.raises(Temporary) as caught:
        await index.reader.refresh()
    assert "secret" not in f"{caught.value}{caught.value.__cause__}"
    with pytest.raises(Temporary):
        await index.writer().__aenter__()
    with pytest.raises(Temporary):
        index.identity()
    await index.close()
