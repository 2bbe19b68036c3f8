"""What every record of sweeps promises."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from state_values import NOON, zone

from rag.adapters.database.engine import Database
from rag.adapters.database.ledger import DatabaseLedger
from rag.adapters.database.sweeps import DatabaseSweeps
from rag.ports import Sweeps
from rag.testing_records import MemorySweeps
from rag.types import SweepProgress

BEGUN = SweepProgress(zone="bücher", began_at=NOON, seen_at=NOON)


class SweepsContract:
    """Subclass with a fixture `sweeps`."""

    async def test_the_last_word_of_every_zone_counts(self, sweeps: Sweeps) -> None:
        """Every field survives, unknown stays unknown, and zones do not see each other."""
        assert await sweeps.last() == {}
        await sweeps.record(BEGUN)
        assert await sweeps.last() == {"bücher": BEGUN}
        ended = replace(
            BEGUN, seen_at=NOON + timedelta(minutes=2), ended_at=NOON + timedelta(minutes=2), due=10_000, done=9_999,
            unchanged=5, held=3, trouble="Der Ordner ist nicht da. Binden Sie ihn ein.",
        )  # fmt: skip
        other = replace(BEGUN, zone="andere", due=0)
        await sweeps.record(ended)
        await sweeps.record(other)
        assert await sweeps.last() == {"bücher": ended, "andere": other}


class TestMemorySweeps(SweepsContract):
    @pytest.fixture
    def sweeps(self) -> Sweeps:
        return MemorySweeps()


class TestDatabaseSweeps(SweepsContract):
    @pytest.fixture
    def sweeps(self, database: Database) -> Sweeps:
        return DatabaseSweeps(database)

    async def test_a_removed_zone_takes_its_sweeps_with_it(self, database: Database) -> None:
        """Else a new zone of that name would show another's progress."""
        sweeps, ledger = DatabaseSweeps(database), DatabaseLedger(database)
        await ledger.add_zone(zone("bücher"))
        await sweeps.record(BEGUN)
        await ledger.remove_zone("bücher")
        assert await sweeps.last() == {}
