"""When the table of how a zone stands is looked after, and what happens where it cannot be written."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings
from state_values import entry, receipt, zone

from flows.standing import Standing
from rag.testing import MemoryLedger
from rag.testing_records import MemorySweeps
from rag.types import Entry


class CountedLedger(MemoryLedger):
    """How often a zone's rows were read."""

    reads = 0

    async def entries(self, zone: str) -> dict[str, Entry]:
        self.reads += 1
        return await super().entries(zone)


@pytest.fixture
async def ledger() -> CountedLedger:
    made = CountedLedger(zone())
    await made.record(entry(receipt("a.txt")))
    return made


def rag_with(ledger: MemoryLedger) -> Any:
    state = SimpleNamespace(ledger=ledger, sweeps=MemorySweeps(), settings=SimpleNamespace(sweep_s=300))
    return cast(Any, SimpleNamespace(state=state))


@pytest.mark.usefixtures("prefect_server")
async def test_a_zone_that_rests_is_not_read_again(ledger: CountedLedger) -> None:
    """Only after a run that touched a file, or that ended otherwise than the one before."""
    standing, rag = Standing(), rag_with(ledger)
    for ended, is_changed, reads in [
        ("0", False, 1), ("0", False, 1), ("0", True, 2), ("zone.away", False, 3), ("zone.away", False, 3),
        ("0", False, 4), ("0", False, 4),
    ]:  # fmt: skip
        await standing.show(rag, zone(), ended=ended, is_changed=is_changed)
        assert ledger.reads == reads, (ended, is_changed)


async def test_a_server_that_is_away_costs_no_sweep(ledger: CountedLedger) -> None:
    """Nothing is raised, and the next run tries again."""
    standing, rag = Standing(), rag_with(ledger)
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        for _ in range(2):
            await standing.show(rag, zone(), ended="0", is_changed=False)
    assert ledger.reads == 2
