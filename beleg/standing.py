"""How zones stand, as this instance knows it: once, or as it goes. Called by `beleg zone status`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime

from beleg.home import here
from beleg.zones import chosen
from rag.compose import State, open_state
from rag.ingest.report import Report
from rag.ingest.reporting import report_of
from rag.ingest.standing import Fate, FileStatus, ZoneStatus, zone_status
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
    sweeps, at, sweep_s = await state.sweeps.last(), now(), state.settings.sweep_s
    return {
        zone: zone_status(
            zone, (await state.ledger.entries(zone.name)).values(), sweep=sweeps.get(zone.name), at=at, sweep_s=sweep_s
        )
        for zone in zones
    }


# --- words --------------------------------------------------------------------------------------------------------


def line(of_zone: ZoneStatus) -> str:
    """A zone in one line: counts, then how far its sweep has come."""
    counts = ", ".join(f"{of_zone.counts[fate]:,} {fate.value}" for fate in Fate if fate in of_zone.counts)
    going = progress(of_zone)
    return f"{of_zone.zone}: " + "; ".join(part for part in (counts or "nothing seen yet", going) if part)


def progress(of_zone: ZoneStatus) -> str:
    """Of the sweep that works, or was killed; "" when none does. No rate and no time without evidence."""
    sweep = of_zone.sweep
    if sweep is None or sweep.ended_at is not None:
        return ""
    if not of_zone.is_working:
        return f"a sweep broke off, {of_zone.queued:,} files wait since {_instant(sweep.began_at)}"
    if sweep.due is None:
        return "looking through the zone"
    if not sweep.due:
        return "nothing to read"
    parts = [f"{sweep.done:,} of {sweep.due:,} done ({100 * sweep.done // sweep.due} %)"]
    if sweep.files_per_minute is not None and sweep.remaining_s is not None:
        parts += [f"{sweep.files_per_minute:,.0f} files a minute", f"{_about(sweep.remaining_s)} left"]
    return ", ".join(parts)


def rows(files: Iterable[FileStatus], at: datetime) -> list[tuple[str, str, str, str, str]]:
    """File, state, since when (and how long), reason, what to do."""
    return [
        (one.path, one.fate.value, f"{_instant(one.since)} ({_duration((at - one.since).total_seconds())})",
         f"({one.code}) {one.reason}".strip(), one.hint)
        for one in files
    ]  # fmt: skip


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _about(seconds: float) -> str:
    told = _duration(seconds)
    return told if told.startswith("under") else f"about {told}"


def _duration(seconds: float) -> str:
    minutes = max(0, round(seconds / 60))
    if minutes < 1:
        return "under a minute"
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} days"
