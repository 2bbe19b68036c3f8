"""Zones → Prefect deployments: one each, in the pool that the warm ingest process works through. Called by `flows.worker`.

What a person has changed in Prefect's UI (a pause, another schedule) stays until we want something else ourselves: a
deployment is written only when the digest of what we want of it differs from the one that it carries.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import DeploymentScheduleCreate, WorkPoolCreate
from prefect.client.schemas.filters import WorkPoolFilter, WorkPoolFilterName
from prefect.client.schemas.objects import ConcurrencyLimitStrategy, ConcurrencyOptions
from prefect.client.schemas.responses import DeploymentResponse
from prefect.client.schemas.schedules import IntervalSchedule
from prefect.events.actions import RunDeployment
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.utilities.callables import ParameterSchema

from rag.types import Zone

log = logging.getLogger(__name__)

POOL = "beleg"
FLOW = "ingest"
CHANGED = "beleg.zone.changed"
"""The event that says: something may have changed in this zone."""
ROUTINE = "beleg-routine"
"""Tag of a run that the ingest process asks for by itself."""
AUTOMATION = "beleg: a change in a zone becomes a run"

_PAGE = 200
"""What Prefect's API gives at once."""
_REVISION = "1"
"""Of what this file makes of a zone: another one writes every deployment anew."""

_PARAMETERS = ParameterSchema(
    properties={
        "zone": {"type": "string", "title": "Zone", "position": 0},
        "retry": {
            "type": "boolean", "default": False, "position": 1, "title": "Try again what is blocked",
        },
        "confirm_deletions": {
            "type": "boolean", "default": False, "position": 2, "title": "Very many deletions at once are meant",
        },
    },
    required=["zone"],
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """What Prefect knows a zone by."""

    id: UUID
    zone: str


class Deployments:
    """As they stand in the server, looked up once and kept in step with the zones.

    Every method raises what Prefect's client raises while the server is away.
    """

    def __init__(self, client: PrefectClient, *, sweep_s: float) -> None:
        self._client = client
        self._sweep_s = sweep_s
        self._known: dict[str, Deployment] | None = None

    @property
    def by_zone(self) -> Mapping[str, Deployment]:
        return self._known or {}

    def look_anew(self) -> None:
        """With the next `match`: the server may have lost or changed what we know of it."""
        self._known = None

    async def match(self, zones: Mapping[str, Zone]) -> None:
        """Makes what is missing, removes what no zone stands behind. Without a difference it asks nobody."""
        if self._known is None:
            await self._opened(zones)
        known = self.by_zone
        if known.keys() == zones.keys():
            return
        flow = await self._client.create_flow_from_name(FLOW)
        for zone in [zone for name, zone in sorted(zones.items()) if name not in known]:
            await self._write(flow, zone)
        for name in [name for name in known if name not in zones]:
            await self._remove(name)

    async def _opened(self, zones: Mapping[str, Zone]) -> None:
        """Pool and automation are there, and which of the deployments are as they should be is known."""
        try:
            description = "Worked through by the ingest process of `beleg up`, in process: its models stay warm."
            await self._client.create_work_pool(WorkPoolCreate(name=POOL, type=POOL, description=description))
        except ObjectAlreadyExists:
            log.debug("deployments.pool_is_there")
        await self._automate()
        self._known = {}
        for found in await self._stored():
            name = str(found.parameters.get("zone"))
            if name not in zones:
                await self._delete(found.id)
            elif found.version == self._version(zones[name]):
                self._known[name] = Deployment(id=found.id, zone=name)

    async def _stored(self) -> list[DeploymentResponse]:
        found: list[DeploymentResponse] = []
        ours = WorkPoolFilter(name=WorkPoolFilterName(any_=[POOL]))
        while True:
            page = await self._client.read_deployments(work_pool_filter=ours, limit=_PAGE, offset=len(found))
            found += page
            if len(page) < _PAGE:
                return found

    def _version(self, zone: Zone) -> str:
        return hashlib.sha256(f"{_REVISION}\n{zone.name}\n{self._sweep_s}".encode()).hexdigest()[:12]

    async def _write(self, flow: UUID, zone: Zone) -> None:
        """One run at a time; what is asked for during it waits, so that no change is lost. See `flows.runs` for more."""
        every = IntervalSchedule(interval=timedelta(seconds=self._sweep_s))
        made = await self._client.create_deployment(
            flow,
            name=_shown(zone.name),
            version=self._version(zone),
            schedules=[DeploymentScheduleCreate(schedule=every)],
            concurrency_limit=1,
            concurrency_options=ConcurrencyOptions(collision_strategy=ConcurrencyLimitStrategy.ENQUEUE),
            parameters={"zone": zone.name},
            parameter_openapi_schema=_PARAMETERS.model_dump(),
            enforce_parameter_schema=True,
            description="Compares the landing zone with what is indexed, takes in what is new and takes out what is gone.",
            work_pool_name=POOL,
        )
        assert self._known is not None  # noqa: S101 - `match` has opened
        self._known[zone.name] = Deployment(id=made, zone=zone.name)

    async def _remove(self, name: str) -> None:
        assert self._known is not None  # noqa: S101 - `match` has opened
        await self._delete(self._known[name].id)
        del self._known[name]

    async def _delete(self, deployment: UUID) -> None:
        try:
            await self._client.delete_deployment(deployment)
        except ObjectNotFound:  # a person was quicker
            log.info("deployments.gone_already")

    async def _automate(self) -> None:
        """Each event is a run of the deployment that it names. They come debounced: see `flows.changes`."""
        wanted = AutomationCore(
            name=AUTOMATION,
            description="Sent by the ingest process for file events and storage events, once until the run begins.",
            trigger=EventTrigger(expect={CHANGED}, posture=Posture.Reactive, threshold=1, within=timedelta(0)),
            actions=[RunDeployment(source="inferred", parameters=None, deployment_id=None, job_variables=None)],
        )
        if not await self._client.read_automations_by_name(AUTOMATION):
            await self._client.create_automation(wanted)


def _shown(zone: str) -> str:
    """A name that Prefect takes: what it refuses in one becomes its full-width twin."""
    return "".join(chr(ord(c) + 0xFEE0) if c in "/%&<>" else c for c in zone)
