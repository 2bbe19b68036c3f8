"""The long-lived ingest process outlives what it depends on."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

from flows import worker
from flows.changes import Changes
from flows.runs import Runs
from rag.errors import Temporary
from rag.testing import MemoryLedger, zone
from rag.testing_stores import MemoryErasures
from rag.types import Erasure, ErasureRule, Zone, now


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


async def test_receipts_are_verified_daily_however_often_the_process_is_started() -> None:
    """A day after the oldest was verified last, and soon after the start where that day is over."""
    erasures = MemoryErasures()
    rag = cast(Any, SimpleNamespace(state=SimpleNamespace(erasures=erasures)))
    assert await worker.verify_in_s(rag) == 86_400
    for hours in (1, 20):
        await erasures.record(receipt(f"ers_{hours}", hours))
    assert 3.9 < await worker.verify_in_s(rag) / 3600 < 4.0
    await erasures.record(receipt("ers_50", 50))
    assert await worker.verify_in_s(rag) == 600


def receipt(name: str, verified_hours_ago: float) -> Erasure:
    at = now() - timedelta(hours=verified_hours_ago)
    return Erasure(
        id=name, tenant="acme", zone="handbook", path="a.txt", document_id="d", version=None, rule=ErasureRule.deleted,
        actor="sweep", reason="It was removed.", at=at, counts={}, verified_at=at, signature="s",
    )  # fmt: skip


async def test_what_a_person_confirmed_is_not_confirmed_for_a_later_run() -> None:
    """The run failed for now and comes again by itself: by then the store may be back by half."""
    asked: list[dict[str, object]] = []

    class Client:
        async def create_flow_run_from_deployment(
            self, _: object, *, parameters: dict[str, object], **__: object
        ) -> None:
            asked.append(parameters)

    run = SimpleNamespace(
        id=uuid4(), deployment_id=uuid4(), parameters={"zone": "handbook", "retry": True, "confirm_deletions": True}
    )
    await Runs(cast(Any, Client())).again(cast(Any, run), after_s=30)
    assert asked == [{"zone": "handbook", "retry": True}]


async def test_a_zone_that_is_removed_before_its_run_came_is_not_asked_for_for_ever() -> None:
    """Nor warned of with every look; one of its name that comes later is hinted at as any other."""
    at, sent, known = [0.0], list[object](), {"handbook": SimpleNamespace(id=uuid4(), zone="handbook")}

    class Client:
        async def request(self, *_: object, json: list[object]) -> None:
            sent.extend(json)

    deployments = SimpleNamespace(of=lambda _: known)
    changes = Changes(cast(Any, Client()), cast(Any, deployments), clock=lambda: at[0])
    await changes.hint({"handbook"})
    gone = known.pop("handbook")
    at[0] = 60.0
    await changes.insist()
    known["handbook"] = gone
    await changes.hint({"handbook"})
    assert len(sent) == 2
