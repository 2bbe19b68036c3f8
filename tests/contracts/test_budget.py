"""What every budget promises."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from state_values import NOON

from rag.adapters.database.engine import Database
from rag.errors import Refused
from serving.adapters.budget import DatabaseBudget
from serving.ports import Budget
from serving.testing import MemoryBudget

ROOT = Path(__file__).resolve().parents[2]


async def reserve(
    budget: Budget, usd: float, limit: float | None = 10.0, *, tenant: str = "a", at: datetime = NOON
) -> str:
    return await budget.reserve(tenant=tenant, use_case="assistant", amount_usd=usd, limit_usd=limit, now=at)


class BudgetContract:
    """Subclass with a fixture `budget`."""

    async def test_what_is_reserved_cannot_be_reserved_again(self, budget: Budget) -> None:
        """To the cent: the limit itself still fits."""
        await reserve(budget, 9.0)
        await reserve(budget, 1.0)
        with pytest.raises(Refused) as refused:
            await reserve(budget, 0.000001)
        assert refused.value.code == "budget_exhausted"

    async def test_parallel_requests_do_not_overspend(self, budget: Budget) -> None:
        """Of 200 at once on a budget for ten, ten pass."""
        results = await asyncio.gather(*(reserve(budget, 1.0) for _ in range(200)), return_exceptions=True)
        assert sum(isinstance(r, str) for r in results) == 10
        assert {r.code for r in results if isinstance(r, Refused)} == {"budget_exhausted"}

    async def test_settling_gives_back_what_was_not_spent(self, budget: Budget) -> None:
        """And books what was; twice changes nothing."""
        held = await reserve(budget, 10.0)
        await budget.settle(held, actual_usd=4.0, now=NOON)
        await budget.settle(held, actual_usd=4.0, now=NOON)
        await reserve(budget, 6.0)
        with pytest.raises(Refused):
            await reserve(budget, 0.01)

    async def test_more_than_reserved_is_booked_in_full(self, budget: Budget) -> None:
        """A bill that was underestimated is still a bill."""
        held = await reserve(budget, 1.0)
        await budget.settle(held, actual_usd=11.0, now=NOON)
        with pytest.raises(Refused):
            await reserve(budget, 0.01)

    async def test_tenants_and_months_are_apart(self, budget: Budget) -> None:
        """The month is that of the reservation, in UTC."""
        await reserve(budget, 10.0)
        await reserve(budget, 10.0, tenant="b")
        last_hour = datetime(2026, 3, 31, 23, 30, tzinfo=UTC)
        with pytest.raises(Refused):
            await reserve(budget, 1.0, at=last_hour)
        held = await reserve(budget, 10.0, at=last_hour + timedelta(hours=1))
        await budget.settle(held, actual_usd=10.0, now=datetime(2026, 5, 1, tzinfo=UTC))
        await reserve(budget, 10.0, at=datetime(2026, 5, 2, tzinfo=UTC))

    async def test_no_limit_is_counted_all_the_same(self, budget: Budget) -> None:
        """A limit that comes later finds what was spent."""
        await reserve(budget, 1000.0, None)
        with pytest.raises(Refused):
            await reserve(budget, 1.0, 10.0)

    @pytest.mark.parametrize("price", [float("nan"), float("inf"), -1.0])
    async def test_an_unknown_price_is_refused(self, budget: Budget, price: float) -> None:
        """It never counts as nothing."""
        with pytest.raises(Refused) as refused:
            await reserve(budget, price, None)
        assert refused.value.code == "price_unknown"

    async def test_many_small_amounts_add_up(self, budget: Budget) -> None:
        """Money is counted in whole micro-dollars: no float drift lets an eleventh tenth pass or keeps a tenth out."""
        for _ in range(10):
            await reserve(budget, 0.1, 1.0)
        with pytest.raises(Refused):
            await reserve(budget, 0.1, 1.0)


class TestMemoryBudget(BudgetContract):
    @pytest.fixture
    def budget(self) -> Budget:
        return MemoryBudget()


class TestDatabaseBudget(BudgetContract):
    @pytest.fixture
    def budget(self, database: Database) -> DatabaseBudget:
        return DatabaseBudget(database)

    async def test_two_processes_share_one_budget(self, budget: DatabaseBudget, database_url: str) -> None:
        """What both let through together stays within the limit."""
        script = (
            "import asyncio, sys; sys.path[:0] = ['tests/contracts', 'tests', '.']\n"
            "from test_budget import reserve\n"
            "from rag.adapters.database.engine import Database\n"
            "from serving.adapters.budget import DatabaseBudget\n"
            "async def main():\n"
            "    database = Database(sys.argv[1], busy_s=60); budget = DatabaseBudget(database)\n"
            "    done = await asyncio.gather(*(reserve(budget, 1.0, 50.0) for _ in range(40)), return_exceptions=True)\n"
            "    print(sum(isinstance(d, str) for d in done)); await database.close()\n"
            "asyncio.run(main())\n"
        )
        command = [sys.executable, "-c", script, database_url]
        others = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        passed = [int((await asyncio.to_thread(other.communicate))[0]) for other in others]
        assert sum(passed) == 50
        (row,) = await budget.spending("2026-03", now=NOON)
        assert (row.reserved_usd, row.spent_usd) == (50.0, 0.0)

    async def test_a_reservation_of_a_dead_process_stays_counted_and_shows(self, budget: DatabaseBudget) -> None:
        """What its endpoint billed is unknown, and unknown is never zero; the bill may still come."""
        held = await reserve(budget, 8.0)
        later = NOON + timedelta(hours=1)
        with pytest.raises(Refused):
            await reserve(budget, 3.0, at=later)
        await reserve(budget, 1.0, at=later)
        (row,) = await budget.spending("2026-03", now=later)
        assert (row.reserved_usd, row.lapsed_usd) == (9.0, 8.0)
        await budget.settle(held, actual_usd=0.5, now=later)
        (row,) = await budget.spending("2026-03", now=later)
        assert (row.reserved_usd, row.lapsed_usd, row.spent_usd) == (1.0, 0.0, 0.5)

    async def test_a_budget_that_is_down_refuses(self) -> None:
        """Uncounted money is not spent."""
        database = Database("postgresql://beleg@127.0.0.1:9/beleg", busy_s=1)
        with pytest.raises(Refused) as refused:
            await reserve(DatabaseBudget(database), 0.0, None)
        assert refused.value.code == "budget_unavailable"
        await database.close()
