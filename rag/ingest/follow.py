"""A sweep tells how far it has come, to whoever looks. Called by the flow.

Telling never stops a sweep: where it cannot be written, people wait without a number.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from rag.errors import BelegError, Temporary
from rag.ports import Sweeps
from rag.types import SweepProgress, now


class Follow:
    """One sweep, as far as it has come."""

    def __init__(self, zone: str, sweeps: Sweeps) -> None:
        at = now()
        self._sweeps = sweeps
        self._progress = SweepProgress(zone=zone, began_at=at, seen_at=at)

    async def found(self, due: int, unchanged: int) -> None:
        """What the sweep has to do."""
        await self._tell(replace(self._progress, due=due, unchanged=unchanged))

    async def done(self, files: int) -> None:
        """So many more."""
        await self._tell(replace(self._progress, done=self._progress.done + files))

    async def ended(self, *, held: int = 0, trouble: str = "") -> None:
        await self._tell(replace(self._progress, ended_at=now(), held=held, trouble=trouble))

    async def _tell(self, progress: SweepProgress) -> None:
        self._progress = replace(progress, seen_at=now())
        with suppress(Temporary):
            await self._sweeps.record(self._progress)


@asynccontextmanager
async def followed(zone: str, *, sweeps: Sweeps) -> AsyncIterator[Follow]:
    """Of the whole sweep, which says itself when it has `ended` well; what ends it otherwise is told here."""
    follow = Follow(zone, sweeps)
    try:
        yield follow
    except BelegError as error:
        await follow.ended(trouble=str(error))
        raise
    except Exception as error:
        kind = type(error).__name__  # its message may carry text
        await follow.ended(trouble=f"Something unforeseen went wrong on our side ({kind}). It is tried again.")
        raise
