"""What every library of cleared texts promises."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from state_values import NOON, cleared

from rag.adapters.database.engine import Database
from rag.adapters.database.library import DatabaseLibrary
from rag.ports import Library
from rag.testing import MemoryLibrary
from rag.types import Classification, Kept


class LibraryContract:
    """Subclass with a fixture `library`."""

    async def test_a_text_comes_back_as_it_was_kept(self, library: Library) -> None:
        """Text, structure, places, labels and decision survive; the file's bytes were never there."""
        await library.keep(cleared())
        assert await library.cleared("doc-1", "v1") == cleared()

    async def test_what_was_never_kept_is_none(self, library: Library) -> None:
        """Another version of a known document is unknown too."""
        await library.keep(cleared())
        assert await library.cleared("doc-1", "v2") is None
        assert await library.cleared("doc-2", "v1") is None

    async def test_the_older_version_can_still_be_opened(self, library: Library) -> None:
        """Readers of the last generation cite it until they have moved on."""
        await library.keep(cleared(version="v1"))
        await library.keep(cleared(version="v2", text="Neu."))
        assert await library.cleared("doc-1", "v1") is not None
        newer = await library.cleared("doc-1", "v2")
        assert newer is not None
        assert newer.text == "Neu."

    async def test_a_forgotten_document_is_gone_at_once(self, library: Library) -> None:
        """No version of a deleted document can be opened, and no other document suffers."""
        for version in ("v1", "v2"):
            await library.keep(cleared(version=version))
        await library.keep(cleared("doc-2"))
        await library.forget("doc-1")
        assert await library.cleared("doc-1", "v1") is None
        assert await library.cleared("doc-1", "v2") is None
        assert await library.cleared("doc-2", "v1") is not None

    async def test_versions_are_counted_until_they_are_forgotten(self, library: Library) -> None:
        """A receipt says how many there were."""
        for version in ("v1", "v2"):
            await library.keep(cleared(version=version))
        assert await library.versions("doc-1") == 2
        assert await library.forget("doc-1") == 2
        assert (await library.versions("doc-1"), await library.forget("doc-1")) == (0, 0)

    async def test_a_version_can_be_there_in_two_readings(self, library: Library) -> None:
        """Each parser's, by age; it is one version all the same, and the next that is kept is alone again."""
        await library.keep(cleared(parser="p1"))
        assert await library.add(cleared(text="Anders gelesen.", parser="p2"))
        assert await library.add(cleared(text="Noch einmal.", parser="p2"))
        assert await library.readings("doc-1", "v1") == [
            cleared(parser="p1"),
            cleared(text="Noch einmal.", parser="p2"),
        ]
        assert await library.cleared("doc-1", "v1") == cleared(parser="p1")
        assert [kept.cleared for kept in await library.history("doc-1")] == [cleared(parser="p1")]
        assert (await library.versions("doc-1"), len(await library.live())) == (1, 1)
        await library.keep(cleared(text="Neu gelesen.", parser="p3"))
        assert [one.parser for one in await library.readings("doc-1", "v1")] == ["p3"]

    async def test_a_reading_is_added_to_the_current_version_alone(self, library: Library) -> None:
        """Not to what was never kept, was replaced, withheld or forgotten meanwhile; and it goes with its version."""
        assert not await library.add(cleared(parser="p2"))
        await library.keep(cleared(version="v1", parser="p1"))
        assert await library.add(cleared(version="v1", parser="p2"))
        await library.keep(cleared(version="v2", parser="p1"))
        assert not await library.add(cleared(version="v1", parser="p3"))
        assert await library.add(cleared(version="v2", parser="p3"))
        await library.withhold("doc-1", NOON)
        assert not await library.add(cleared(version="v2", parser="p4"))
        assert await library.readings("doc-1", "v2") == []
        await library.keep(cleared(version="v3", parser="p1"))
        assert await library.add(cleared(version="v3", parser="p2"))
        assert await library.forget("doc-1") >= 1
        assert (await library.versions("doc-1"), await library.readings("doc-1", "v3")) == (0, [])

    async def test_readings_of_two_classes_are_both_live(self, library: Library) -> None:
        """A new parser has found what raises the document: its chunks are of that class, those of the other index are not."""
        await library.keep(cleared(parser="p1"))
        first = cleared(parser="p2")
        raised = replace(first.document.labels, classification=Classification.highly_confidential)
        await library.add(replace(first, document=replace(first.document, labels=raised)))
        parts = {one.classification for one in await library.live()}
        assert parts == {first.document.labels.classification, Classification.highly_confidential}

    async def test_of_every_document_one_version_is_live(self, library: Library) -> None:
        """The one that was kept last, with its class; none of what was forgotten."""
        for version in ("v1", "v2"):
            await library.keep(cleared(version=version))
        await library.keep(cleared("doc-2"))
        await library.forget("doc-2")
        (live,) = await library.live()
        assert (live.document_id, live.version, live.classification) == ("doc-1", "v2", Classification.confidential)
        await library.keep(cleared(version="v1"))
        assert [one.version for one in await library.live()] == ["v1"]

    async def test_an_earlier_version_is_kept_where_it_is_asked_for(self, library: Library) -> None:
        """It can be opened, is live, and stays as long as it is named; then it is gone at once."""
        await library.keep(cleared(version="v1"))
        earlier = [Kept(cleared=cleared(version="v1", text="Alt."), ended_at=NOON, made_with="m")]
        await library.keep(cleared(version="v2"), earlier=earlier)
        assert (await library.cleared("doc-1", "v1")) == earlier[0].cleared
        assert {one.version for one in await library.live()} == {"v1", "v2"}
        known = {
            kept.cleared.document.version: (kept.ended_at, kept.made_with) for kept in await library.history("doc-1")
        }
        assert known == {"v1": (NOON, "m"), "v2": (None, "")}
        later = NOON + timedelta(days=1)
        assert (await library.aged(NOON), await library.aged(later)) == (frozenset(), frozenset({"doc-1"}))
        await library.keep(cleared(version="v2"))
        assert (await library.versions("doc-1"), await library.cleared("doc-1", "v1")) == (1, None)
        assert await library.aged(later) == frozenset()

    async def test_a_history_can_be_withheld_and_comes_back(self, library: Library) -> None:
        """Nothing of it is live or opens, nothing is forgotten; what is named again without chunks stays withheld."""
        await library.keep(cleared(version="v1"))
        await library.keep(
            cleared(version="v2"), earlier=[Kept(cleared=cleared(version="v1"), ended_at=NOON, made_with="m")]
        )
        await library.withhold("doc-1", NOON + timedelta(days=1))
        assert (await library.live(), await library.versions("doc-1")) == ([], 2)
        assert [await library.cleared("doc-1", version) for version in ("v1", "v2")] == [None, None]
        kept = await library.history("doc-1")
        assert {one.cleared.document.version: one.ended_at for one in kept} == {
            "v1": NOON,
            "v2": NOON + timedelta(days=1),
        }
        assert {one.made_with for one in kept} == {""}
        again = [replace(one, made_with="m") if one.ended_at == NOON else one for one in kept]
        await library.keep(cleared(version="v3"), earlier=again)
        assert {one.version for one in await library.live()} == {"v1", "v3"}
        assert await library.cleared("doc-1", "v2") is None
        assert len(await library.history("doc-1")) == 3
        assert await library.forget("doc-1") == 3

    async def test_what_is_withheld_leaves_by_its_age(self, library: Library) -> None:
        """Also the version that was current until now; what is younger stays withheld."""
        earlier = [Kept(cleared=cleared(version="v1"), ended_at=NOON, made_with="m")]
        await library.keep(cleared(version="v2"), earlier=earlier)
        await library.withhold("doc-1", NOON, oldest=cleared().document.modified_at)
        assert await library.versions("doc-1") == 2
        await library.withhold("doc-1", NOON, oldest=cleared().document.modified_at + timedelta(days=1))
        assert await library.versions("doc-1") == 0

    async def test_keeping_twice_is_keeping_once(self, library: Library) -> None:
        """A sweep after a crash keeps the same text again."""
        await library.keep(cleared())
        await library.keep(cleared())
        assert await library.cleared("doc-1", "v1") == cleared()


class TestMemoryLibrary(LibraryContract):
    @pytest.fixture
    def library(self) -> Library:
        return MemoryLibrary()


class TestDatabaseLibrary(LibraryContract):
    @pytest.fixture
    def library(self, database: Database) -> DatabaseLibrary:
        return DatabaseLibrary(database)

    async def test_superseded_texts_do_not_pile_up(self, database: Database) -> None:
        """Once its time is over, an older version goes; one that came back as current stays."""
        library = DatabaseLibrary(database, keep_superseded=timedelta(seconds=-1))
        for version in ("v1", "v2", "v1"):
            await library.keep(cleared(version=version))
        assert await library.cleared("doc-1", "v2") is None
        assert await library.cleared("doc-1", "v1") is not None

    async def test_an_outlived_text_is_not_opened_though_it_was_not_swept_yet(self, database: Database) -> None:
        """Its labels are those of long ago, and nothing sweeps while nothing is ingested."""
        library = DatabaseLibrary(database, keep_superseded=timedelta(0))
        await library.keep(cleared(version="v1"))
        await library.keep(cleared(version="v2"))
        assert await library.cleared("doc-1", "v1") is None
        assert await library.cleared("doc-1", "v2") is not None
