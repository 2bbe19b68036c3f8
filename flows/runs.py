"""Runs that are due in the pool, claimed one by one. Called by `flows.worker`.

Collisions: a run that asks for the same of the same zone as one that is about to begin is covered by it, because that
one looks at the zone only now. So requests never pile up, and none is lost.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.client.schemas.responses import OrchestrationResult, SetStateStatus
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.states import Cancelled, Crashed, Failed, Pending, Scheduled

from flows.deployments import POOL, ROUTINE
from rag.types import now

log = logging.getLogger(__name__)

WORKER = "ingest process"
_CANCELLED = "A person has cancelled the run."
_ENDED = "The ingest process has ended."
BEAT_S = 30.0
_PAGE = 200
"""What Prefect's API gives at once. A killed process leaves one run behind, not hundreds."""


class Runs:
    """Of our pool. Every method raises what Prefect's client raises while the server is away."""

    def __init__(self, client: PrefectClient) -> None:
        self._client = client

    async def beat(self) -> None:
        """Shows in Prefect that somebody works through the pool, and that its deployments are served: whose runs nobody has
        asked for in a minute counts as not ready there, also while a run takes hours.
        """
        await self._client.send_worker_heartbeat(POOL, WORKER, heartbeat_interval_seconds=BEAT_S)
        await self._client.get_scheduled_flow_runs_for_work_pool(POOL, scheduled_before=now())

    async def bury(self) -> None:
        """Ends what a killed process has left as running: it would hold its zone's only place for ever.

        Right only for the one process that holds the instance's folder.
        """
        left = FlowRunFilterStateType(any_=[StateType.PENDING, StateType.RUNNING, StateType.CANCELLING])
        found = await self._client.read_flow_runs(
            work_pool_filter=WorkPoolFilter(name=WorkPoolFilterName(any_=[POOL])),
            flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=left)),
            limit=_PAGE,
        )
        for run in found:
            log.warning("runs.left_behind", extra={"run": run.id})
            is_cancelled = run.state_type is StateType.CANCELLING
            state: State[Any] = Cancelled(message=_CANCELLED) if is_cancelled else Crashed(message=_ENDED)
            try:
                await self._client.set_flow_run_state(run.id, state, force=True)
            except PrefectHTTPStatusError:
                if await self._has_place(run):
                    raise
                # With its deployment the place has gone that the server wants to give back, so it can end it no more.
                log.warning("runs.without_end", extra={"run": run.id})

    async def _has_place(self, run: FlowRun) -> bool:
        try:
            return run.deployment_id is not None and bool(await self._client.read_deployment(run.deployment_id))
        except ObjectNotFound:
            return False

    async def close(self, run: FlowRun) -> None:
        """Ends a run that was cancelled when it was done: Prefect takes no other end of it, and it would hold its zone's
        only place for ever.
        """
        try:
            found = await self._client.read_flow_run(run.id)
        except ObjectNotFound:
            log.info("runs.gone_already")
            return
        if found.state_type is StateType.CANCELLING:
            await self._client.set_flow_run_state(run.id, Cancelled(message=_CANCELLED), force=True)

    async def refuse(self, run: FlowRun) -> None:
        """What somebody has put into our pool and nobody here can run."""
        message = "The ingest process runs its own flows alone. Give this deployment a pool of its own."
        await self._client.set_flow_run_state(run.id, Failed(message=message), force=True)

    @staticmethod
    def is_routine(run: FlowRun) -> bool:
        """Whether the clock, an automation or we have asked for it, and no person."""
        return bool(run.auto_scheduled or run.created_by or ROUTINE in run.tags)

    async def claim(self) -> FlowRun | None:
        """The run that is due longest, pending from now on; `None` if none is due."""
        found = await self._client.get_scheduled_flow_runs_for_work_pool(POOL, scheduled_before=now())
        due = [response.flow_run for response in found]
        for run in due:
            same = [other for other in due if _asks_the_same(other, run)]
            chosen = next((other for other in same if not other.auto_scheduled), run)
            answer: OrchestrationResult[Any] = await self._client.set_flow_run_state(chosen.id, Pending())
            if answer.status is SetStateStatus.ACCEPT:
                for other in same:
                    if other.id != chosen.id:
                        await self._cover(other, chosen)
                return chosen
        return None

    async def again(self, run: FlowRun, *, after_s: float) -> None:
        """The same once more, soon: what kept it from working may have passed. That very many deletions are meant was said of
        what somebody saw then: a store that comes back by half is not that.
        """
        at: State[Any] = Scheduled(scheduled_time=now() + timedelta(seconds=after_s))
        if run.deployment_id is not None:
            parameters = {key: value for key, value in run.parameters.items() if key != "confirm_deletions"}
            await self._client.create_flow_run_from_deployment(
                run.deployment_id, parameters=parameters, state=at, idempotency_key=f"again-{run.id}", tags=[ROUTINE]
            )  # fmt: skip

    async def forget(self, run: UUID) -> None:
        """Deletes the run with all that Prefect knows of it."""
        try:
            await self._client.delete_flow_run(run)
        except ObjectNotFound:
            log.info("runs.gone_already")

    async def _cover(self, run: FlowRun, by: FlowRun) -> None:
        """One that the clock has made leaves no trace; somebody asked for the others and shall see what became of it."""
        if run.auto_scheduled:
            await self.forget(run.id)
        else:
            await self._client.set_flow_run_state(run.id, Cancelled(message=f"The run {by.id} does the same."))


def _asks_the_same(one: FlowRun, other: FlowRun) -> bool:
    return one.deployment_id == other.deployment_id and one.parameters == other.parameters
