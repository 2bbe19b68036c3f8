"""What Prefect tells its server of runs, kept from holding up the end of a process. Called by `flows.worker`.

By itself Prefect tries each event eleven times, with seconds between, and a process ends only when its queue is empty:
with a few hundred events and a server that has gone, that is an hour.
"""

from __future__ import annotations

from prefect.events.clients import PrefectEventsClient
from prefect.events.worker import EventsWorker
from prefect.settings import PREFECT_API_URL

_AT_ONCE = 2
"""Further tries for an event, without a pause: enough for a server that restarted or closed an idle connection."""


def never_wait_for_a_server_that_has_gone() -> None:
    """From now on, in this process. A temporary server ends after its events, so nothing is changed for one."""
    if PREFECT_API_URL.value():
        EventsWorker.set_client_override(PrefectEventsClient, reconnection_attempts=_AT_ONCE)
