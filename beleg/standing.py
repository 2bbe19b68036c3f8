"""How zones stand, as this instance knows it: once, or as it goes. Called by `beleg zone status`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from beleg.home import here
from beleg.zones import chosen
from rag.compose import State, open_state
from rag.ingest.report import Report
from rag.ingest.reporting import report_of, standing_of
from rag.ingest.standing import ZoneStatus
from rag.ingest.standing_lines import line
from rag.types import Zone, now

_LOOK_S = 1.0


async def standing(name: str | None) -> dict[Zone, ZoneStatus]:
    """By zone. Raises `Permanent("no_such_zone")`, and `Temporary` while the ledger is away."""
    async with open_state(here()) as state:
        return await _standing(state, name)


async def report(name: str) -> Report:
    """Of the last seven days. Raises `Permanent("no_such_zone")`."""
    async with open_state(here()) as state:
        (zone,) = chosen(await state.ledger.zones(), name)
        return await report_of(
            zone, ledger=state.ledger, library=state.library, sweeps=state.sweeps, retrievals=state.retrievals,
            at=now(), sweep_s=state.settings.sweep_s,
        )  # fmt: skip


async def watch(name: str | None, *, show: Callable[[list[str]], None], look_s: float = _LOOK_S) -> None:
    """Shows a line per zone whenever one has changed, until it is cancelled. Raises as `standing`."""
    shown: list[str] = []
    async with open_state(here()) as state:
        while True:
            lines = [line(of_zone) for of_zone in (await _standing(state, name)).values()]
            if lines != shown:
                show(lines)
                shown = lines
            await asyncio.sleep(look_s)


async def _standing(state: State, name: str | None) -> dict[Zone, ZoneStatus]:
    zones = chosen(await state.ledger.zones(), name)
    return {
        zone: await standing_of(
            zone, ledger=state.ledger, sweeps=state.sweeps, at=now(), sweep_s=state.settings.sweep_s
        )
        for zone in zones
    }
