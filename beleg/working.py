"""The ingest process of `beleg up`: opens the chain once, works until it is told to stop, says what it has done."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
from pathlib import Path
from typing import TYPE_CHECKING

from beleg.terminal import tell
from rag.settings import Settings

if TYPE_CHECKING:
    from rag.compose import Rag

log = logging.getLogger(__name__)

_SETTLED_S = 20.0
"""By then the other services of a start have come up."""


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
        warming = asyncio.create_task(_warm_later(rag))
        await work(rag, tell=tell, stop=stop, sweep_s=settings.sweep_s, after_sweep=status.swept)
        warming.cancel()


async def _warm_later(rag: Rag) -> None:
    """A start at which nothing is due needs no model, and leaves the processor to the API; the first drop shall not wait."""
    await asyncio.sleep(_SETTLED_S)
    try:
        await rag.warm()
    except Exception as error:  # noqa: BLE001 - the first file meets the same, and says so in its receipt
        log.warning("ingest.not_warm", extra={"kind": type(error).__name__})


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
