"""The ingest process of `beleg up`: opens the chain once, works until it is told to stop, says what it has done."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path

from beleg.terminal import tell
from rag.settings import Settings


async def run(settings: Settings) -> None:
    """Until SIGTERM or SIGINT; a run in progress is finished or, if killed, healed by the next sweep."""
    from flows.worker import work
    from rag.compose import open_rag

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    status = Status(settings.home.resolve() / "run" / "ingest.json")
    async with open_rag(settings) as rag:
        await work(rag, tell=tell, stop=stop, sweep_s=settings.sweep_s, after_sweep=status.swept)


class Status:
    """Which zones have been swept since the start; written whole or not at all."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._swept: set[str] = set()

    def swept(self, zone: str) -> None:
        self._swept.add(zone)
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps({"swept": sorted(self._swept)}), encoding="utf-8")
        fresh.replace(self._path)
