"""An instance with one zone of small files, and what is done with its indexes, for tests of the flows."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from flows.ingest import Sweep, ingest_flow
from flows.rebuild import rebuild_flow
from lifecycle import releases
from lifecycle.compose import Lifecycle, open_lifecycle
from lifecycle.recipes import over_index
from rag.adapters.embedders.hashing import HashEmbedder
from rag.adapters.embedders.opening import Model
from rag.adapters.landing.zone_file import read_zone_file
from rag.answer.answer import search
from rag.compose import Rag, open_rag
from rag.ingest.rebuild import behind, catch_up
from rag.ports import Embedder
from rag.settings import Settings
from rag.types import (
    Classification,
    IndexRecord,
    Principal,
    Question,
    Turn,
    now,
)

ANIMALS = ("fox", "whale", "frog", "crow", "hare", "otter", "badger", "heron")


def hashing(model: str) -> Model:
    """A model is the number of its dimensions."""
    return of(HashEmbedder(dimension=int(model or 64)))


def of(embedder: Embedder) -> Model:
    return Model(questions=embedder, ingest=embedder)


@dataclass
class House:
    """An instance with one zone of small files."""

    rag: Rag
    lifecycle: Lifecycle
    zone: Path

    async def sweep(self) -> Sweep:
        return await cast(Awaitable[Sweep], ingest_flow(self.rag, tell=quiet)("zone"))

    async def build_some(self, record: IndexRecord, *, most: int) -> None:
        zone, intake, catalog = await self.rag.zone("zone"), self.rag.intake_of(record), self.rag.indexes.catalog
        portion = (await behind(zone, record=record, intake=intake, catalog=catalog)).portions(most=most)[0]
        async with self.rag.indexes.writing(record) as writer:
            await catch_up(zone, portion, record=record, intake=intake, catalog=catalog, writer=writer)

    async def begin(self, model: str = "32") -> IndexRecord:
        return await self.rag.indexes.begin(self.rag.build(model, False))

    async def rebuild(self, record: IndexRecord) -> int:
        return await cast(Awaitable[int], rebuild_flow(self.rag, tell=quiet)(record.name))

    async def move(self, record: IndexRecord) -> None:
        """Every use case."""
        store = self.lifecycle.store
        for use_case in self.rag.use_cases:
            pointer = await store.pointer(use_case)
            assert pointer is not None
            recipe = over_index((await store.release(pointer.release)).recipe, record.build.profile)
            made = await releases.create(recipe, store=store, actor="test", at=now())
            await releases.promote(made.name, store=store, actor="test", at=now(), unevaluated=True)

    async def found(self, text: str = "animals live in the wood") -> set[str]:
        """As the API asks: over the index that the live recipe names, now."""
        live = await self.lifecycle.releases.live("assistant")
        asker = Principal(subject="t", tenant="acme", groups=frozenset(), clearance=Classification.internal)
        question = Question(
            id=f"q{now().timestamp()}", asker=asker, use_case=self.rag.use_cases["assistant"],
            turns=(Turn(role="user", content=text),), at=now(),
        )  # fmt: skip
        chain = await self.rag.chain_for(live.recipe)
        return {hit.chunk.path for hit in await search(question, live=live, chain=chain, limit=50)}

    async def held(self, record: IndexRecord) -> set[str]:
        """Paths in the published index, asked directly."""
        return set(await self.texts(record))

    async def texts(self, record: IndexRecord) -> dict[str, str]:
        """By path, what the published index holds, asked directly."""
        chain = self.rag.chain_of(record)
        live = await self.lifecycle.releases.live("assistant")
        asker = Principal(subject="t", tenant="acme", groups=frozenset(), clearance=Classification.internal)
        question = Question(
            id=f"h{now().timestamp()}", asker=asker, use_case=self.rag.use_cases["assistant"],
            turns=(Turn(role="user", content="animals live in the wood"),), at=now(),
        )  # fmt: skip
        await chain.index.refresh()
        return {hit.chunk.path: hit.chunk.text for hit in await search(question, live=live, chain=chain, limit=50)}


def quiet(_: str) -> None:
    return None


def write(zone: Path, name: str, text: str | None = None) -> None:
    (zone / f"{name}.txt").write_text(text or f"The {name} is one of the animals that live in the wood.\n")


@asynccontextmanager
async def house(
    home: Path, *, open_model: Callable[[str], Model] = hashing, files: tuple[str, ...] = ANIMALS
) -> AsyncIterator[House]:
    zone = home / "zone"
    if not zone.exists():
        zone.mkdir(parents=True)
        (zone / "zone.yaml").write_text("name: zone\ntenant: acme\nowner: a@acme.example\nclassification: internal\n")
        for name in files:
            write(zone, name)
    async with open_rag(Settings(home=home / "home", keep_index_days=14), open_model=open_model) as rag:
        await rag.ledger.add_zone(read_zone_file(zone))
        async with open_lifecycle(rag) as lifecycle:
            yield House(rag, replace_fresh(lifecycle), zone)


def replace_fresh(lifecycle: Lifecycle) -> Lifecycle:
    """The pointer is looked at for every question."""
    from lifecycle.live import LiveReleases

    return replace(lifecycle, releases=LiveReleases(lifecycle.store, fresh_s=0.0))


def paths(*names: str) -> set[str]:
    return {f"{name}.txt" for name in names}
