"""A look ahead from the console, bounded: a few files, a few seconds, one look at a time. Writes nothing."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing

from rag.errors import Temporary
from rag.ingest.clear import look
from rag.ingest.ingest import Intake
from rag.ingest.preview import Preview, previews
from rag.types import Zone
from serving.allow_shapes import Found
from serving.zone_shapes import Looked

_LONGEST_S = 20.0
"""Then it ends with what it has. The file in hand may take as long as its parser's own limit."""


class Previewing:
    """One at a time for all callers: parsing and the guard take a whole core, which answers need."""

    def __init__(self, intake: Intake, *, longest_s: float = _LONGEST_S) -> None:
        self._intake = intake
        self._longest_s = longest_s
        self._turn = asyncio.Lock()

    async def files(self, zone: Zone, start: int, most: int) -> Looked:
        """At least one file if there is any. Raises `Temporary`: `preview_busy`, `zone_vanished`; `Permanent`."""
        self._require_free()
        async with self._turn:
            current = await self._intake.landing.zone(zone)
            total = len(await self._intake.landing.sightings(current))
            found: list[Preview] = []
            ends_at = time.monotonic() + self._longest_s
            async with aclosing(previews(current, intake=self._intake, start=start)) as files:
                async for one in files:
                    found.append(one)
                    if len(found) >= most or time.monotonic() > ends_at:
                        break
        reached = start + len(found)
        return Looked(files=found, total=total, next=reached if found and reached < total else None)

    async def findings(self, zone: Zone, path: str) -> Found:
        """Of one file, as it lies there now. Raises `Temporary`: `preview_busy`, `zone_vanished`; `Permanent`, `Refused`."""
        self._require_free()
        async with self._turn:
            document = await self._intake.landing.read(zone, path)
            seen = await look(await self._intake.parser.parse(document), guard=self._intake.guard, zone=zone)
        return Found(version=document.version, seen=seen)

    def _require_free(self) -> None:
        if self._turn.locked():
            raise Temporary("preview_busy", "Another preview is running.", hint="Try again in some seconds.", after_s=5)
