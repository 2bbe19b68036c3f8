"""The long-lived ingest process outlives what it depends on."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from flows import worker
from rag.errors import Temporary
from rag.testing import MemoryLedger, zone
from rag.types import Zone


class RestartingLedger(MemoryLedger):
    """Away while its database restarts."""

    away = True

    async def zones(self) -> list[Zone]:
        if self.away:
            raise Temporary("database.unavailable", "The database does not answer.")
        return await super().zones()


async def test_a_database_that_restarts_does_not_end_the_worker() -> None:
    """It goes on with the zones that it knows, says so, and finds them all again afterwards."""
    ledger, told = RestartingLedger(zone()), list[str]()
    rag = cast(Any, SimpleNamespace(ledger=ledger))
    assert await worker._zones(rag, told.append) is None
    assert "does not answer" in told[0]
    ledger.away = False
    assert await worker._zones(rag, told.append) == {zone().name: zone()}


async def test_a_workflow_server_that_restarts_does_not_end_the_worker() -> None:
    """Whatever the zone's run raises is told by its kind, and the next zone has its turn."""
    told = list[str]()

    def broken(_: object, *, tell: object) -> object:
        async def run(name: str, **_: object) -> object:
            raise ConnectionError(f"secret text of {name}")

        return run

    rag = cast(Any, SimpleNamespace())
    assert await worker.sweep_all(rag, [zone(), zone()], tell=told.append, flow=cast(Any, broken)) == []
    assert len(told) == 2
    assert "ConnectionError" in told[0]
    assert "secret" not in told[0]
