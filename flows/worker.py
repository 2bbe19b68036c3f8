"""The long-lived ingest process: sweeps every zone at start, on file events, and on a clock.

Events are hints and the sweep is the truth: a lost event costs at most `sweep_s`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable
from contextlib import suppress
from pathlib import Path
from typing import cast

from watchfiles import awatch

from flows.ingest import Sweep, Tell, ingest_flow
from rag.compose import Rag
from rag.errors import BelegError
from rag.types import Zone

log = logging.getLogger(__name__)

_DEBOUNCE_MS = 400
"""A copy in progress fires many events; a quarter of the human patience for a small file."""


async def sweep_all(rag: Rag, zones: list[Zone], *, tell: Tell) -> list[Sweep]:
    """One run per zone, one after the other; a zone in trouble does not stop the next."""
    run = ingest_flow(rag, tell=tell)
    sweeps = []
    for zone in zones:
        try:
            sweeps.append(await cast(Awaitable[Sweep], run(zone.name)))
        except BelegError as error:
            log.exception("ingest.zone_failed", extra={"zone": zone.name, "code": error.code})
            tell(f"  {zone.name}: {error}")
    return sweeps


async def work(rag: Rag, *, tell: Tell, stop: asyncio.Event, sweep_s: float, after_sweep: Tell) -> None:
    """Until `stop` is set. `after_sweep` is told each zone's name once it has been swept."""
    changed: asyncio.Queue[str] = asyncio.Queue()
    watching: dict[str, asyncio.Task[None]] = {}
    due_at: dict[str, float] = {}
    clock = asyncio.get_running_loop().time
    while not stop.is_set():
        zones = {zone.name: zone for zone in await rag.ledger.zones()}
        for name in zones.keys() - watching.keys():
            watching[name] = asyncio.create_task(_watch(zones[name], changed, stop))
        hinted = {changed.get_nowait() for _ in range(changed.qsize())}
        for name, zone in sorted(zones.items()):
            if name in hinted or due_at.get(name, 0.0) <= clock():
                await sweep_all(rag, [zone], tell=tell)
                due_at[name] = clock() + sweep_s
                after_sweep(name)
        await _pause(changed, stop)
    for watcher in watching.values():
        watcher.cancel()
    await asyncio.gather(*watching.values(), return_exceptions=True)


async def _pause(changed: asyncio.Queue[str], stop: asyncio.Event, *, longest_s: float = 2.0) -> None:
    """Until a hint, a stop, or time to look for new zones."""
    waiting = [asyncio.create_task(changed.get()), asyncio.create_task(stop.wait())]
    done, pending = await asyncio.wait(waiting, timeout=longest_s, return_when=asyncio.FIRST_COMPLETED)
    for item in pending:
        item.cancel()
    if waiting[0] in done:
        changed.put_nowait(waiting[0].result())  # type: ignore[arg-type]  # the first task yields the zone's name


async def _watch(zone: Zone, changed: asyncio.Queue[str], stop: asyncio.Event) -> None:
    """File events of one local zone. A zone that is missing is left to the sweep, which says so."""
    folder = Path(zone.url.removeprefix("file://"))
    async for _ in _events(folder, stop):
        changed.put_nowait(zone.name)


async def _events(folder: Path, stop: asyncio.Event) -> AsyncIterator[None]:
    while not stop.is_set():
        if not await asyncio.to_thread(folder.is_dir):
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), timeout=5)
            continue
        async for _ in awatch(folder, stop_event=stop, debounce=_DEBOUNCE_MS):
            yield
