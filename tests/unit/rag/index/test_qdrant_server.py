"""What the index contract does not ask of a Qdrant server: crashes, another embedder, erasures, a server that is away.

The client is the real one; its server is the client's own in memory unless `QDRANT_URL` names one.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from index_scene import PROFILE, Scene, chunk
from qdrant_client import AsyncQdrantClient

from rag.adapters.index.generations import Profile
from rag.adapters.index.opening import qdrant_server
from rag.adapters.index.qdrant_store import QdrantStore
from rag.adapters.index.remote import Names, Store
from rag.adapters.index.remote_reader import RemoteReader
from rag.adapters.index.remote_writer import RemoteWriter
from rag.errors import Permanent, Temporary
from rag.testing import MemoryLibrary
from rag.types import Access, Classification, now


@pytest.fixture
async def client() -> AsyncIterator[AsyncQdrantClient]:
    made = AsyncQdrantClient(":memory:")
    yield made
    await made.close()


@pytest.fixture
def store(client: AsyncQdrantClient) -> QdrantStore:
    return QdrantStore(client, Names(prefix="test", profile=PROFILE))


def writer(store: Store, tmp_path: Path, *, profile: Profile = PROFILE, keep: int = 3) -> RemoteWriter:
    return RemoteWriter(store, profile=profile, lock=tmp_path / "lock", keep=keep)


def scene(store: Store, of: RemoteWriter, *, profile: Profile = PROFILE) -> Scene:
    clock = [0.0]

    def tick() -> float:
        clock[0] += 1.0
        return clock[0]

    return Scene(of, RemoteReader(store, profile=profile, clock=tick), clock)


async def test_a_second_writer_is_told_to_wait(store: QdrantStore, tmp_path: Path) -> None:
    """Two ingests at once: one writes, and then the lock is free."""
    async with writer(store, tmp_path):
        with pytest.raises(Temporary) as caught:
            await writer(store, tmp_path).__aenter__()
        assert caught.value.code == "ingest_running"
    async with writer(store, tmp_path):
        pass


async def test_a_run_that_died_is_gone_on_with(store: QdrantStore, tmp_path: Path) -> None:
    """What it wrote is invisible, and is published by the next; nothing is doubled."""
    async with writer(store, tmp_path) as first:
        seen = scene(store, first)
        await seen.publish([chunk("Rule one", document="d1")])
        await seen.write([chunk("Rule one, changed", document="d1"), chunk("Rule two", document="d2")])
    assert await seen.texts("rule") == ["Rule one"]
    async with writer(store, tmp_path) as second:
        seen = scene(store, second)
        await seen.publish([chunk("Rule one, changed", document="d1"), chunk("Rule two", document="d2")])
        assert sorted(await seen.texts("rule")) == ["Rule one, changed", "Rule two"]
        assert await second.holds(["d1", "d2"]) == {"d1": 2, "d2": 1}  # the older rule stays readable for two more


async def test_older_generations_go(store: QdrantStore, tmp_path: Path) -> None:
    """So many are kept, and none that holds a document that was taken out."""
    async with writer(store, tmp_path, keep=2) as one:
        seen = scene(store, one)
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
    client: AsyncQdrantClient, store: QdrantStore, tmp_path: Path
) -> None:
    """Readers of the old one go on until the new one has its first generation; then the alias moves, at once."""
    async with writer(store, tmp_path) as old:
        seen = scene(store, old)
        await seen.publish([chunk("Rule one")])
    other = replace(PROFILE, dimension=3)
    beside = QdrantStore(client, Names(prefix="test", profile=other))
    fresh = scene(beside, old, profile=other)
    with pytest.raises(Permanent) as caught:
        await fresh.index.refresh()
    assert caught.value.code == "index_profile_mismatch"
    async with writer(beside, tmp_path, profile=other) as new:
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
    index = qdrant_server(
        url,
        api_key="secret",
        publications=MemoryLibrary(),
        prefix="beleg",
        quantized=False,
        lock=tmp_path / "lock",
        embedder="e",
        dimension=3,
        terms="k",
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


async def test_a_dropped_index_leaves_nothing_and_nobody_elses(client: AsyncQdrantClient, tmp_path: Path) -> None:
    """Two indexes beside each other in one server: the one goes whole, with its alias; dropping it again does nothing."""
    stores = [QdrantStore(client, Names(prefix=prefix, profile=PROFILE)) for prefix in ("test", "test-2")]
    for number, store in enumerate(stores):
        async with writer(store, tmp_path) as of:
            await scene(store, of).publish([chunk(f"Rule {number}")])
    await stores[0].drop()
    await stores[0].drop()
    assert await scene(stores[0], writer(stores[0], tmp_path)).texts("rule") == []
    assert await scene(stores[1], writer(stores[1], tmp_path)).texts("rule") == ["Rule 1"]
    left = {one.name for one in (await client.get_collections()).collections}
    assert {name[:7] for name in left} == {"test-2-"}
