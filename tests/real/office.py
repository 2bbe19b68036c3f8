"""A desk on the real Prefect server, with flows that say what they were told to."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from prefect import flow
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterDeploymentId
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.states import Cancelled

from flows.desk import Desk
from flows.stopping import Stop
from flows.sweep import Sweep
from rag.testing import zone


@dataclass
class Office:
    """Two zones of a test, and what was done for them."""

    client: PrefectClient
    desk: Desk
    names: tuple[str, ...]
    swept: list[str] = field(default_factory=list)
    reported: list[str] = field(default_factory=list)
    outcome: Any = None
    meanwhile: Any = None
    looks: bool = False
    """Whether the flow asks if it was cancelled."""

    @property
    def zones(self) -> dict:
        return {name: zone(name) for name in self.names}

    async def serve(self, *hinted: str) -> bool:
        return await self.desk.serve(self.zones, set(hinted))

    async def settle(self, *hinted: str) -> None:
        """Serves until nothing is due and nothing is expected."""
        quiet = 0
        while quiet < 2:
            busy = await self.serve(*hinted) or self.desk.is_waiting
            quiet, hinted = 0 if busy else quiet + 1, ()
            await asyncio.sleep(0.1)

    async def deployment(self, name: str, flow: str = "ingest") -> Any:
        return await self.client.read_deployment_by_name(f"{flow}/{name}")

    async def runs(self, name: str, flow: str = "ingest") -> list[FlowRun]:
        deployment = await self.deployment(name, flow)
        of_zone = FlowRunFilter(deployment_id=FlowRunFilterDeploymentId(any_=[deployment.id]))
        found = await self.client.read_flow_runs(flow_run_filter=of_zone)
        return [run for run in found if not (run.auto_scheduled and run.state_type is StateType.SCHEDULED)]

    async def states(self, name: str) -> list[StateType]:
        return sorted(run.state_type for run in await self.runs(name))


def make_desk(scene: Office) -> Desk:
    @flow(name="ingest", flow_run_name="{zone}: ingest", persist_result=False, validate_parameters=False)
    async def ingest(zone: str, *, retry: bool = False, confirm_deletions: bool = False) -> Any:
        scene.swept.append(zone)
        if scene.meanwhile:
            await scene.meanwhile()
        if scene.looks and await Stop().asked():
            return Cancelled()
        if isinstance(scene.outcome, Exception):
            raise scene.outcome
        return Sweep(zone=zone, receipts=scene.outcome or (), unchanged=1, generation="g")

    @flow(name="weekly report", persist_result=False, validate_parameters=False)
    async def report(zone: str) -> None:
        scene.reported.append(zone)
        if isinstance(scene.outcome, Exception):
            raise scene.outcome

    return Desk(scene.client, [ingest, report], tell=print, after_sweep=lambda _: None, sweep_s=300)
