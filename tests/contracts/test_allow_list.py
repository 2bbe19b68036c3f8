"""What every allow-list promises."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from state_values import NOON

from rag.adapters.database.allow_list import DatabaseAllowList
from rag.adapters.database.engine import Database
from rag.errors import Permanent
from rag.ports import AllowList
from rag.testing_stores import MemoryAllowList
from rag.types import AllowEntry, AllowKind, Direction

ENTRY = AllowEntry(
    id="e1", version=1, tenant="aurelia", zone="bücherei", directions=frozenset({Direction.ingest}), entity="PERSON",
    kind=AllowKind.text, value="k:1", by="A. Weber", reason="Eine Straße.", at=NOON, until=NOON + timedelta(days=30),
)  # fmt: skip


class AllowListContract:
    """Subclass with a fixture `allow_list`."""

    async def test_every_version_stays(self, allow_list: AllowList) -> None:
        """Every field survives, oldest first; the newest version is the one that stands."""
        approved = replace(ENTRY, version=2, approved_by="B. Kurz", at=NOON + timedelta(hours=1))
        await allow_list.record(ENTRY)
        await allow_list.record(approved)
        assert await allow_list.history() == [ENTRY, approved]
        assert await allow_list.standing("aurelia") == (approved,)

    async def test_a_version_is_written_once(self, allow_list: AllowList) -> None:
        """Of two who change an entry at once, one is told; nothing is overwritten."""
        await allow_list.record(ENTRY)
        with pytest.raises(Permanent) as caught:
            await allow_list.record(replace(ENTRY, by="Mallory"))
        assert caught.value.code == "allow_changed"
        assert await allow_list.history() == [ENTRY]

    async def test_revoked_and_others_entries_do_not_stand(self, allow_list: AllowList) -> None:
        """Another tenant has its own list."""
        await allow_list.record(ENTRY)
        await allow_list.record(replace(ENTRY, id="e2", tenant="aurelia-klinik"))
        await allow_list.record(replace(ENTRY, version=2, is_revoked=True, at=NOON + timedelta(hours=1)))
        assert await allow_list.standing("aurelia") == ()
        assert [e.id for e in await allow_list.standing("aurelia-klinik")] == ["e2"]
        assert await allow_list.standing("nobody") == ()

    def test_a_digest_is_stable_and_tells_nothing(self, allow_list: AllowList) -> None:
        """The same text gives the same digest; it is not the plain hash of the text."""
        assert allow_list.digest("x") == allow_list.digest("x") != allow_list.digest("y")
        assert "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881" not in allow_list.digest("x")


class TestMemoryAllowList(AllowListContract):
    @pytest.fixture
    def allow_list(self) -> AllowList:
        return MemoryAllowList()


class TestDatabaseAllowList(AllowListContract):
    @pytest.fixture
    def allow_list(self, database: Database) -> AllowList:
        return DatabaseAllowList(database, secret=lambda: b"s" * 32)

    async def test_what_another_process_says_is_heard_within_a_second(self, database: Database) -> None:
        """Between two looks nothing is read: asking for every text costs nothing."""
        clock = [0.0]
        mine = DatabaseAllowList(database, secret=lambda: b"s" * 32, clock=lambda: clock[0])
        theirs = DatabaseAllowList(database, secret=lambda: b"s" * 32)
        assert await mine.standing("aurelia") == ()
        await theirs.record(ENTRY)
        clock[0] = 0.9
        assert await mine.standing("aurelia") == ()
        clock[0] = 1.0
        assert await mine.standing("aurelia") == (ENTRY,)
        await theirs.record(replace(ENTRY, version=2, is_revoked=True))
        clock[0] = 2.0
        assert await mine.standing("aurelia") == ()

    def test_another_key_gives_other_digests(self, database: Database) -> None:
        """An entry made under another key holds for nothing, and is told from ours by its first letters."""
        one = DatabaseAllowList(database, secret=lambda: b"s" * 32).digest("x")
        other = DatabaseAllowList(database, secret=lambda: b"t" * 32).digest("x")
        assert one.partition(":")[0] != other.partition(":")[0]
