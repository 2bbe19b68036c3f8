"""Ingest from the command line, beside or without a running instance."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from beleg.up import environment, prepared_home
from rag.errors import Permanent
from rag.ingest.ingest import Survey, survey
from rag.settings import Settings, read_settings
from rag.types import Zone

if TYPE_CHECKING:
    from flows.ingest import Sweep  # importing it would make Prefect read its settings too early


def _quiet_prefect(settings: Settings) -> None:
    """Before Prefect is imported: it reads its settings then. Without a server it brings a temporary one."""
    os.environ.update(environment(settings))
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", settings.prefect_port)) != 0:
            del os.environ["PREFECT_API_URL"]
            os.environ["PREFECT_SERVER_ALLOW_EPHEMERAL_MODE"] = "true"


async def plan_zones(name: str | None) -> dict[str, Survey]:
    """What `ingest_zones` would do."""
    from rag.compose import open_rag

    async with open_rag(read_settings()) as rag:
        return {zone.name: await survey(zone, intake=rag.intake) for zone in _chosen(await rag.ledger.zones(), name)}


async def ingest_zones(name: str | None, *, tell: Callable[[str], None]) -> tuple[list[Sweep], bool]:
    """The sweeps done, and whether any zone failed."""
    settings = read_settings()
    prepared_home(settings)
    _quiet_prefect(settings)
    from flows.worker import sweep_all
    from rag.compose import open_rag

    async with open_rag(settings) as rag:
        zones = _chosen(await rag.ledger.zones(), name)
        sweeps = await sweep_all(rag, zones, tell=tell)
        return sweeps, len(sweeps) < len(zones) or any(sweep.failed for sweep in sweeps)


def _chosen(zones: list[Zone], name: str | None) -> list[Zone]:
    chosen = [zone for zone in zones if name in {None, zone.name}]
    if not chosen:
        known = ", ".join(zone.name for zone in zones) or "none yet"
        raise Permanent(
            "no_such_zone", "There is nothing to ingest.", hint=f"Zones: {known}. Add one with `beleg zone add DIR`."
        )
    return chosen
