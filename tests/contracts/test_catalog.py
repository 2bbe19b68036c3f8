"""What every catalogue of indexes promises."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from state_values import NOON

from rag.adapters.database.catalog import DatabaseCatalog
from rag.adapters.database.engine import Database
from rag.ports import Catalog
from rag.testing_catalog import MemoryCatalog
from rag.types import Build, ChunkSetting, IndexRecord, IndexState, Progress, now

BUILD = Build(
    model="/modelle/größer", glossed=False, embedder="größer", dimension=8, rules="r", keywords="k", cutting="c",
    cells=(ChunkSetting(kind="prose", key="target", value=80), ChunkSetting(kind="prose", key="merges", value=True)),
)  # fmt: skip
FIRST = IndexRecord(name="index-1", build=BUILD, state=IndexState.ready, leads=True, started_at=NOON)


class CatalogContract:
    """Subclass with a fixture `catalog`."""

    async def test_what_is_kept_comes_back_in_order(self, catalog: Catalog) -> None:
        """Every field survives; the tenth index comes after the second; the same name is overwritten."""
        tenth = replace(FIRST, name="index-10", leads=False, state=IndexState.building)
        second = replace(FIRST, name="index-2", leads=False, ready_at=NOON)
        for record in (tenth, FIRST, second):
            await catalog.keep(record)
        await catalog.keep(replace(tenth, state=IndexState.ready))
        assert await catalog.indexes() == [FIRST, second, replace(tenth, state=IndexState.ready)]

    async def test_one_index_leads(self, catalog: Catalog) -> None:
        """Who is made to lead takes it from who led."""
        await catalog.keep(FIRST)
        await catalog.keep(replace(FIRST, name="index-2"))
        assert [record.leads for record in await catalog.indexes()] == [False, True]

    async def test_marks_are_of_one_index_and_zone(self, catalog: Catalog) -> None:
        """Overwritten, taken away, and gone with their index; nobody else's are touched."""
        await catalog.keep(FIRST)
        for index in ("index-1", "index-2"):
            for document, zone in (("a", "straße"), ("b", "straße"), ("c", "other")):
                await catalog.mark(index, zone, document, made_from="v1", chunks=2)
        await catalog.mark("index-1", "straße", "a", made_from="v2", chunks=3)
        await catalog.mark("index-1", "straße", "b", made_from=None)
        await catalog.mark("index-1", "straße", "never", made_from=None)
        assert await catalog.marks("index-1", "straße") == {"a": "v2"}
        await catalog.drop("index-2")
        assert await catalog.marks("index-2", "straße") == {}
        assert await catalog.marks("index-1", "other") == {"c": "v1"}

    async def test_progress_counts_documents_and_chunks(self, catalog: Catalog) -> None:
        """Of one index; nothing of nothing."""
        before, hour = now(), timedelta(hours=1)
        assert await catalog.progress("index-1", since=before) == Progress(documents=0, chunks=0, lately=0)
        await catalog.mark("index-1", "z", "a", made_from="v1", chunks=2)
        await catalog.mark("index-1", "z", "b", made_from="v1", chunks=5)
        await catalog.mark("index-2", "z", "a", made_from="v1", chunks=9)
        assert await catalog.progress("index-1", since=before) == Progress(documents=2, chunks=7, lately=7)
        assert (await catalog.progress("index-1", since=before + hour)).lately == 0


class TestMemoryCatalog(CatalogContract):
    @pytest.fixture
    def catalog(self) -> Catalog:
        return MemoryCatalog()


class TestDatabaseCatalog(CatalogContract):
    @pytest.fixture
    def catalog(self, database: Database) -> Catalog:
        return DatabaseCatalog(database)
