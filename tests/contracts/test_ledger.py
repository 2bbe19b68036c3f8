"""What every ledger promises."""

from __future__ import annotations

from dataclasses import replace

import pytest
from state_values import NOON, receipt, sighting, zone

from rag.adapters.database.engine import Database
from rag.adapters.database.ledger import DatabaseLedger
from rag.ports import Ledger
from rag.testing import MemoryLedger
from rag.types import State, now


class LedgerContract:
    """Subclass with a fixture `ledger`."""

    async def test_a_zone_comes_back_as_it_was_added(self, ledger: Ledger) -> None:
        """Every field of a zone survives."""
        await ledger.add_zone(zone("b"))
        await ledger.add_zone(zone("a"))
        assert await ledger.zones() == [zone("a"), zone("b")]

    async def test_adding_a_zone_again_overwrites_it(self, ledger: Ledger) -> None:
        """A changed zone file is a changed zone, not a second one."""
        await ledger.add_zone(zone())
        changed = replace(zone(), url="s3://elsewhere", readers=frozenset(), valid_from=None)
        await ledger.add_zone(changed)
        assert await ledger.zones() == [changed]

    async def test_a_receipt_comes_back_with_fingerprint_and_sighting(self, ledger: Ledger) -> None:
        """A sweep can tell an unchanged file by what it gets back."""
        await ledger.record(receipt(), fingerprint="f1", sighting=sighting())
        assert await ledger.receipts("handbuch") == {"a/größe.pdf": (receipt(), "f1", sighting())}

    async def test_the_last_receipt_of_a_place_counts(self, ledger: Ledger) -> None:
        """Identity is the place: a new version overwrites the row."""
        await ledger.record(receipt(), fingerprint="f1", sighting=sighting())
        last = receipt(
            state=State.quarantined, version=None, code="broken", reason="Kaputt.", hint="Neu senden.", counts={}
        )
        await ledger.record(last, fingerprint="f2", sighting=replace(sighting(), size=0, etag="e2"))
        assert await ledger.receipts("handbuch") == {
            "a/größe.pdf": (last, "f2", replace(sighting(), size=0, etag="e2"))
        }

    async def test_zones_do_not_see_each_other(self, ledger: Ledger) -> None:
        """The same path in two zones is two documents."""
        for name in ("eins", "zwei"):
            await ledger.record(receipt("x", zone=name), fingerprint=name, sighting=sighting("x", zone=name))
        assert set(await ledger.receipts("eins")) == {"x"}
        assert (await ledger.receipts("zwei"))["x"][1] == "zwei"
        assert await ledger.receipts("drei") == {}


class TestMemoryLedger(LedgerContract):
    @pytest.fixture
    def ledger(self) -> Ledger:
        return MemoryLedger()


class TestDatabaseLedger(LedgerContract):
    @pytest.fixture
    def ledger(self, database: Database) -> DatabaseLedger:
        return DatabaseLedger(database)

    async def test_it_tells_how_old_a_receipt_is(self, ledger: DatabaseLedger) -> None:
        """A status can show since when a file waits."""
        before = now()
        await ledger.record(receipt(), fingerprint="f", sighting=sighting())
        (at,) = (await ledger.recorded_at("handbuch")).values()
        assert before <= at <= now()
        assert at.utcoffset() == NOON.utcoffset()
