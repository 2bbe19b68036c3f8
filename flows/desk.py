"""Between Prefect's server and the warm process: hints go out as events, runs that are due come in and are executed here.

Whoever starts a run (the clock, an automation, a person in Prefect's UI, a script) does it by a zone's deployment.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import CancelledRun, ExternalSignal
from prefect.flow_engine import run_flow_async
from prefect.flows import Flow

from flows.changes import Changes
from flows.deployments import Deployments
from flows.ingest import Tell
from flows.offers import INGEST, ingest_every, report_weekly
from flows.runs import Runs
from flows.sweep import Sweep
from rag.errors import BelegError, Temporary
from rag.types import Zone

log = logging.getLogger(__name__)

_AFTER_FAILURE_S = 30.0
"""A zone that could not be swept is tried again this soon, whatever the clock says."""
_LATE_S = 60.0
"""Longer than Prefect's scheduler takes between two looks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Dull:
    """The last run of a deployment, which changed nothing. `repeats`: the one before ended alike."""

    ended: str
    run: UUID
    repeats: bool


class Desk:
    """One per process. A server that is away costs time, never the process: all is looked up and asked for anew.

    Args:
        flows: by the names in `flows.offers`. The one that ingests returns a `Sweep`.
        sweep_s: seconds between two sweeps by the clock.
    """

    def __init__(
        self, client: PrefectClient, flows: Sequence[Flow[..., Any]], *, tell: Tell, after_sweep: Tell, sweep_s: float
    ) -> None:
        clock: Callable[[], float] = asyncio.get_running_loop().time
        self._flows = {flow.name: flow for flow in flows}
        self._client = client
        self._clock = clock
        self._deployments = Deployments(client, [ingest_every(sweep_s), report_weekly()])
        self._changes = Changes(client, self._deployments, clock=clock)
        self.runs = Runs(client)
        self._tell = tell
        self._after_sweep = after_sweep
        self._sweep_s = sweep_s
        self._in_order = False
        self._owed: set[str] = set()
        self._looked_at: dict[str, float] = {}
        self._dull: dict[UUID | None, _Dull] = {}

    @property
    def is_waiting(self) -> bool:
        """Whether a run is expected to turn up any moment."""
        return self._changes.is_waiting

    async def serve(self, zones: Mapping[str, Zone], hinted: AbstractSet[str]) -> bool:
        """Hands hints on and executes at most one run. Whether there was one.

        Raises `ExternalSignal` when the process was told to end during the run.
        """
        self._owed |= hinted
        run = None
        try:
            run = await self._due(zones)
            if run is not None:
                await self._execute(run)
        except Exception as error:  # noqa: BLE001 - the workflow server may restart, and we go on after it
            log.error("ingest.prefect_failed", extra={"kind": type(error).__name__})  # noqa: TRY400
            self._in_order = False
            self._deployments.look_anew()
        return run is not None

    async def _due(self, zones: Mapping[str, Zone]) -> FlowRun | None:
        if not self._in_order:
            await self.runs.bury()  # first: with a deployment goes the place that its run has to give back
        await self._deployments.match(zones)
        if not self._in_order:
            await self.runs.beat()
            self._in_order = True
        for zone in self._looked_at.keys() - zones.keys():  # one that comes back is new
            del self._looked_at[zone]
        for zone in sorted(zones.keys() - self._looked_at.keys()):  # what happened before we looked, nobody has told
            await self._changes.ask(zone)
            self._looked_at[zone] = self._clock()
        await self._changes.hint(self._owed)
        self._owed.clear()
        run = await self.runs.claim()
        if run is None:
            await self._changes.insist()
            await self._stand_in(zones)
        return run

    async def _stand_in(self, zones: Mapping[str, Zone]) -> None:
        """For a schedule that makes no runs: every zone is swept, unless a person has paused it."""
        overdue = self._clock() - self._sweep_s - _LATE_S
        for zone in [zone for zone in sorted(zones) if self._looked_at[zone] < overdue]:
            self._looked_at[zone] = self._clock()
            if not (await self._client.read_deployment(self._deployments.of(INGEST)[zone].id)).paused:
                log.warning("ingest.no_run_by_the_clock", extra={"zone": zone})
                await self._changes.ask(zone)

    async def _execute(self, run: FlowRun) -> None:
        flow, zone = self._deployments.flow_of(run), str(run.parameters.get("zone"))
        if flow is None:
            await self.runs.refuse(run)
            return
        if flow == INGEST:
            self._changes.begun(zone)
            self._looked_at[zone] = self._clock()
        ended = await self._ended(self._flows[flow], run)
        if isinstance(ended, BaseException):
            self._report(f"{zone}: {flow}", ended)
        if flow == INGEST:
            self._after_sweep(zone)
        await self.runs.close(run)
        await self._tidy(run, _ending(ended))
        if isinstance(ended, Temporary) and (flow != INGEST or self._sweep_s > _AFTER_FAILURE_S):
            await self.runs.again(run, after_s=_AFTER_FAILURE_S)
        if isinstance(ended, BaseException) and not isinstance(ended, BelegError | CancelledRun):
            self._owed.add(zone)
            self._in_order = False  # the server may still think that it runs

    async def _ended(self, flow: Flow[..., Any], run: FlowRun) -> object:
        """What the flow returned or raised. Raises `ExternalSignal`."""
        executing = asyncio.create_task(run_flow_async(flow, flow_run=run, parameters=run.parameters))
        await asyncio.wait([executing])
        # Prefect ends a run whose place it has given away by cancelling it: that must not cancel us. A signal to end is ours.
        error = asyncio.CancelledError() if executing.cancelled() else executing.exception()
        if isinstance(error, ExternalSignal):
            raise error
        return error or executing.result()

    def _report(self, what: str, error: BaseException) -> None:
        """Without a traceback: what caused it may carry a vendor's words."""
        if isinstance(error, CancelledRun):
            log.info("ingest.run_cancelled")
            self._tell(f"  {what} was cancelled by a person. The next run goes on there.")
        elif isinstance(error, BelegError):
            log.error("ingest.run_failed", extra={"what": what, "code": error.code})
            self._tell(f"  {what}: {error}")
        else:
            log.error("ingest.run_failed", extra={"what": what, "code": type(error).__name__})
            self._tell(f"  {what}: something unforeseen went wrong ({type(error).__name__}); it is tried again.")

    async def _tidy(self, run: FlowRun, ending: str | None) -> None:
        """Of runs that change nothing and end alike, the first and the last are kept, and those that a person asked for.

        A zone that rests, or one that is away for weeks, must not fill Prefect's database.
        """
        before = self._dull.pop(run.deployment_id, None)
        if ending is None or not self.runs.is_routine(run):
            return
        alike = before is not None and before.ended == ending
        if before is not None and alike and before.repeats:
            await self.runs.forget(before.run)
        self._dull[run.deployment_id] = _Dull(ended=ending, run=run.id, repeats=alike)


def _ending(result: object) -> str | None:
    """How a run ended that changed nothing; `None` for one that did something."""
    if isinstance(result, BelegError):
        return result.code
    return "unchanged" if isinstance(result, Sweep) and not result.receipts else None
