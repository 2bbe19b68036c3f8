"""Zones → Prefect deployments: one for each offer, in the pool that the warm ingest process works through.

Called by `flows.desk`. What a person has changed in Prefect's UI (a pause, another schedule) stays until we want something
else ourselves: a deployment is written only when the digest of what we want of it differs from the one that it carries.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import DeploymentScheduleCreate, WorkPoolCreate
from prefect.client.schemas.filters import WorkPoolFilter, WorkPoolFilterName
from prefect.client.schemas.objects import ConcurrencyLimitStrategy, ConcurrencyOptions, FlowRun
from prefect.client.schemas.responses import DeploymentResponse
from prefect.events.actions import RunDeployment
from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound

from flows.offers import Offer
from flows.standing import forget_standing
from rag.types import Zone

log = logging.getLogger(__name__)

POOL = "beleg"
CHANGED = "beleg.zone.changed"
"""The event that says: something may have changed in this zone."""
ROUTINE = "beleg-routine"
"""Tag of a run that the ingest process asks for by itself."""
AUTOMATION = "beleg: a change in a zone becomes a run"

_PAGE = 200
"""What Prefect's API gives at once."""
_REVISION = "1"
"""Of what this file makes of a zone: another one writes every deployment anew."""

Known = dict[tuple[str, str], UUID]
"""Flow and zone → the deployment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """What Prefect knows a zone by."""

    id: UUID
    zone: str


class Deployments:
    """As they stand in the server, looked up once and kept in step with the zones.

    Every method raises what Prefect's client raises while the server is away.
    """

    def __init__(self, client: PrefectClient, offers: Sequence[Offer]) -> None:
        self._client = client
        self._offers = {offer.flow: offer for offer in offers}
        self._flows: dict[UUID, str] = {}
        self._known: Known | None = None

    def of(self, flow: str) -> Mapping[str, Deployment]:
        """By zone."""
        known = self._known or {}
        return {zone: Deployment(id=one, zone=zone) for (name, zone), one in known.items() if name == flow}

    def flow_of(self, run: FlowRun) -> str | None:
        """The name of what it runs; `None` for what a person has put into our pool and nobody here can run."""
        return self._flows.get(run.flow_id)

    def look_anew(self) -> None:
        """With the next `match`: the server may have lost or changed what we know of it."""
        self._known = None

    async def match(self, zones: Mapping[str, Zone]) -> None:
        """Makes what is missing, removes what no zone stands behind. Without a difference it asks nobody."""
        known = await self._opened(zones) if self._known is None else self._known
        wanted = {(flow, zone) for flow in self._offers for zone in zones}
        for flow, zone in sorted(wanted - known.keys()):
            known[flow, zone] = await self._write(self._offers[flow], zone)
        for flow, zone in sorted(known.keys() - wanted):
            await self._delete(known.pop((flow, zone)))
            await forget_standing(self._client, zone)

    async def _opened(self, zones: Mapping[str, Zone]) -> Known:
        """Pool and automation are there, and which of the deployments are as they should be is known."""
        try:
            description = "Worked through by the ingest process of `beleg up`, in process: its models stay warm."
            await self._client.create_work_pool(WorkPoolCreate(name=POOL, type=POOL, description=description))
        except ObjectAlreadyExists:
            log.debug("deployments.pool_is_there")
        await self._automate()
        self._flows = {await self._client.create_flow_from_name(flow): flow for flow in self._offers}
        self._known = {}
        for found in await self._stored():
            flow, zone = self._flows.get(found.flow_id), str(found.parameters.get("zone"))
            if flow is not None and zone not in zones:
                await self._delete(found.id)
                await forget_standing(self._client, zone)
            elif flow is not None and found.version == _version(self._offers[flow], zone):
                self._known[flow, zone] = found.id
        return self._known

    async def _stored(self) -> list[DeploymentResponse]:
        found: list[DeploymentResponse] = []
        ours = WorkPoolFilter(name=WorkPoolFilterName(any_=[POOL]))
        while True:
            page = await self._client.read_deployments(work_pool_filter=ours, limit=_PAGE, offset=len(found))
            found += page
            if len(page) < _PAGE:
                return found

    async def _write(self, offer: Offer, zone: str) -> UUID:
        """One run at a time; what is asked for during it waits, so that no change is lost. See `flows.runs` for more."""
        return await self._client.create_deployment(
            await self._client.create_flow_from_name(offer.flow),
            name=_shown(zone),
            version=_version(offer, zone),
            schedules=[DeploymentScheduleCreate(schedule=offer.schedule)],
            concurrency_limit=1,
            concurrency_options=ConcurrencyOptions(collision_strategy=ConcurrencyLimitStrategy.ENQUEUE),
            parameters={"zone": zone},
            parameter_openapi_schema=offer.parameters.model_dump(),
            enforce_parameter_schema=True,
            description=offer.description,
            work_pool_name=POOL,
        )

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


def _version(offer: Offer, zone: str) -> str:
    return hashlib.sha256(f"{_REVISION}\n{zone}\n{offer.wish}".encode()).hexdigest()[:12]


def _shown(zone: str) -> str:
    """A name that Prefect takes: what it refuses in one becomes its full-width twin."""
    return "".join(chr(ord(c) + 0xFEE0) if c in "/%&<>" else c for c in zone)
