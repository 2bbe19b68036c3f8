"""What answers now, for every request: the pointer, asked at most once a second, and kept when the store is down.

Port `rag.ports.Releases` over a `ReleaseStore`. A promotion reaches every process within `fresh_s` and one query.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from lifecycle.ports import ReleaseStore
from rag.errors import BelegError, Permanent
from rag.types import Live

log = logging.getLogger(__name__)


class LiveReleases:
    """See `rag.ports.Releases`.

    Attributes:
        alarm: why the last known good is served instead of what the store says; `None` = all is well.

    Args:
        fresh_s: how long an answer of the store is taken as still true.
    """

    def __init__(
        self, store: ReleaseStore, *, fresh_s: float = 1.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.alarm: str | None = None
        self._store = store
        self._fresh_s = fresh_s
        self._clock = clock
        self._known: dict[str, Live] = {}
        self._asked_at: dict[str, float] = {}

    async def live(self, use_case: str) -> Live:
        """The live release. Raises what the store raised, or `Permanent("release.none")`, if none was ever known."""
        known = self._known.get(use_case)
        if known is not None and self._clock() - self._asked_at[use_case] < self._fresh_s:
            return known
        # Before the store is asked: the requests of the meantime take the known one and do not ask again.
        self._asked_at[use_case] = self._clock()
        try:
            current = await self._current(use_case, known)
        except BelegError as error:
            if known is None:
                raise
            self._raise_alarm(use_case, error)
            return known
        self.alarm = None
        self._known[use_case] = current
        return current

    async def _current(self, use_case: str, known: Live | None) -> Live:
        pointer = await self._store.pointer(use_case)
        if pointer is None:
            raise Permanent("release.none", f"Nothing is released for {use_case}.", hint="Run `beleg release create`.")
        if known is not None and (known.epoch, known.release) == (pointer.epoch, pointer.release):
            return known
        release = await self._store.release(pointer.release)
        log.info("releases.moved", extra={"use_case": use_case, "release": release.name, "epoch": pointer.epoch})
        return Live(release=release.name, recipe=release.recipe, epoch=pointer.epoch)

    def _raise_alarm(self, use_case: str, error: BelegError) -> None:
        if self.alarm is None:
            log.error("releases.last_known_good", extra={"use_case": use_case, "code": error.code})
        self.alarm = f"{error.message} The last known release answers."
