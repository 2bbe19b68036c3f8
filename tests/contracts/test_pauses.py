"""What every memory of pauses promises."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from state_values import NOON

from rag.adapters.database.engine import Database
from rag.adapters.database.pauses import DatabasePauses
from rag.ports import Pauses
from rag.testing import MemoryPauses


class PausesContract:
    """Subclass with a fixture `pauses`."""

    async def test_a_pause_is_known_until_it_is_extended(self, pauses: Pauses) -> None:
        """Each upstream has its own."""
        assert await pauses.until("a") is None
        await pauses.pause("a", NOON)
        await pauses.pause("b", NOON + timedelta(seconds=1))
        assert await pauses.until("a") == NOON
        await pauses.pause("a", NOON + timedelta(microseconds=1))
        assert await pauses.until("a") == NOON + timedelta(microseconds=1)

    async def test_the_later_counts_whoever_comes_last(self, pauses: Pauses) -> None:
        """A shorter pause that another process was told takes nothing away; nor do thirty at once."""
        await asyncio.gather(*(pauses.pause("a", NOON + timedelta(seconds=n * 7 % 30)) for n in range(30)))
        await pauses.pause("a", NOON - timedelta(hours=1))
        assert await pauses.until("a") == NOON + timedelta(seconds=29)


class TestMemoryPauses(PausesContract):
    @pytest.fixture
    def pauses(self) -> Pauses:
        return MemoryPauses()


class TestDatabasePauses(PausesContract):
    @pytest.fixture
    def pauses(self, database: Database) -> Pauses:
        return DatabasePauses(database)
