"""Ingest from the command line, beside or without a running instance."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from beleg.home import here, prepared_home
from beleg.up import environment
from beleg.zones import chosen
from rag.errors import Permanent
from rag.ingest.hold import HELD, next_step, require_published
from rag.ingest.ingest import Survey, survey
from rag.settings import Settings
from rag.types import Zone

if TYPE_CHECKING:
    from flows.sweep import Sweep  # importing it would make Prefect read its settings too early


async def plan_zones(name: str | None, *, retry: bool = False) -> dict[Zone, Survey]:
    """What `ingest_zones` would do."""
    from rag.compose import open_rag

    settings = here()
    zones = await _due(settings, name)  # a plan writes nothing, so held zones have one too
    async with open_rag(settings) as rag:
        current = [await rag.intake.landing.zone(zone) for zone in zones]
        return {zone: await survey(zone, intake=rag.intake, retry=retry) for zone in current}


async def ingest_zones(
    name: str | None, *, tell: Callable[[str], None], retry: bool = False, confirm_deletions: bool = False
) -> tuple[list[Sweep], list[str]]:
    """The sweeps done, and the zones that could not be swept; `tell` has said why.

    Raises `Refused("zone_held")` for a zone that is named.
    """
    settings = here()
    prepared_home(settings)
    zones = await _due(settings, name)
    for zone in [zone for zone in zones if zone.held]:
        if name is not None:
            require_published(zone)
        tell(f"  {zone.name}: {HELD} {next_step(zone)}")
    due = [zone for zone in zones if not zone.held]
    if not due:
        return [], [zone.name for zone in zones]
    quiet_prefect(settings)
    from flows.worker import sweep_all
    from rag.compose import open_rag

    async with open_rag(settings) as rag:
        sweeps = await sweep_all(rag, due, tell=tell, retry=retry, confirm_deletions=confirm_deletions)
    swept = {sweep.zone for sweep in sweeps}
    return sweeps, [zone.name for zone in zones if zone.name not in swept]


async def _due(settings: Settings, name: str | None) -> list[Zone]:
    """Asked before any model is loaded: a misspelt name is told at once."""
    from rag.compose import open_state

    async with open_state(settings) as state:
        zones = chosen(await state.ledger.zones(), name)
    if not zones:
        raise Permanent("no_zone", "There is nothing to ingest: no zone yet.", hint="`beleg zone add DIR` makes one.")
    return zones


def quiet_prefect(settings: Settings) -> None:
    """Before Prefect is imported: it reads its settings then. Without a server it brings a temporary one."""
    os.environ.update(environment(settings))
    os.environ["PREFECT_LOGGING_LEVEL"] = "CRITICAL"  # a zone that fails is told in one sentence, not in five lines
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", settings.prefect_port)) != 0:
            del os.environ["PREFECT_API_URL"]
            os.environ["PREFECT_SERVER_ALLOW_EPHEMERAL_MODE"] = "true"
            # Its own 20 s are too short for the first start on a busy machine, which makes its database.
            os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "180")
