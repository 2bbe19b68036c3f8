"""Hints of changes → Prefect events → runs, debounced. Called by `flows.worker`.

The debounce is here and not in the automation. Prefect's reactive trigger acts on the first event of its window and
drops the rest, so that the last change would wait for the clock; its proactive one waits ten seconds and more, and a
stream without a pause starves it. Here one event goes out for a zone, and no other until the run that answers it begins:
whatever changes before is seen by that run, whatever changes after is hinted at again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from uuid import uuid4

from prefect.client.orchestration import PrefectClient
from prefect.events import Event, RelatedResource, Resource

from flows.deployments import CHANGED, ROUTINE, Deployment, Deployments
from flows.offers import INGEST
from rag.types import now

log = logging.getLogger(__name__)

_SILENCE_S = 10.0
"""An event becomes a run in 1 to 3 s, the first of a server in 8; after this long it is taken for lost."""


class Changes:
    """Zones in which something may have changed, and what was asked for because of it."""

    def __init__(self, client: PrefectClient, deployments: Deployments, *, clock: Callable[[], float]) -> None:
        self._client = client
        self._deployments = deployments
        self._clock = clock
        self._asked_at: dict[str, float] = {}
        self._insisted: set[str] = set()

    @property
    def is_waiting(self) -> bool:
        """Whether a run is expected to turn up any moment."""
        return any(self._clock() - at <= 2 * _SILENCE_S for at in self._asked_at.values())

    @property
    def _zones(self) -> Mapping[str, Deployment]:
        return self._deployments.of(INGEST)

    async def hint(self, zones: Iterable[str]) -> None:
        """An event for each zone that has none under way. Names that no zone has are ignored."""
        fresh = [zone for zone in sorted(set(zones) & self._zones.keys()) if zone not in self._asked_at]
        if not fresh:
            return
        events = [_event(self._zones[zone]) for zone in fresh]
        await self._client.request("POST", "/events", json=[event.model_dump(mode="json") for event in events])
        self._asked_at |= dict.fromkeys(fresh, self._clock())

    async def ask(self, zone: str) -> None:
        """A run, without an event: at the start, and where the automation says nothing."""
        if zone in self._zones:
            await self._client.create_flow_run_from_deployment(self._zones[zone].id, tags=[ROUTINE])
            self._asked_at[zone] = self._clock()
            self._insisted.add(zone)

    def begun(self, zone: str) -> None:
        """A run of the zone begins: what is hinted at from now on is a new change."""
        self._asked_at.pop(zone, None)
        self._insisted.discard(zone)

    async def insist(self) -> None:
        """Asks for a run, once, where an event has led to none. Call it when no run is due."""
        for zone in self._asked_at.keys() - self._zones.keys():  # it was removed meanwhile
            self.begun(zone)
        silent = [zone for zone, at in self._asked_at.items() if self._clock() - at > _SILENCE_S]
        for zone in [zone for zone in silent if zone not in self._insisted]:
            log.warning("changes.no_run_came", extra={"zone": zone})
            await self.ask(zone)


def _event(deployment: Deployment) -> Event:
    """Names the deployment, from which the automation infers what to run."""
    return Event(
        id=uuid4(),
        occurred=now(),
        event=CHANGED,
        resource=Resource({"prefect.resource.id": f"beleg.zone.{deployment.zone}", "prefect.resource.name": deployment.zone}),
        related=[
            RelatedResource(
                {"prefect.resource.id": f"prefect.deployment.{deployment.id}", "prefect.resource.role": "deployment"}
            )
        ],
    )  # fmt: skip
