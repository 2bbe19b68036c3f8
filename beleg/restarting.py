"""Starts a part of an instance again after it has ended by itself: after a growing pause, a few times, then no more."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from beleg.services import Instance, Service, in_words
from beleg.terminal import tell
from rag.errors import Temporary


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often a part may end. One end may be chance; one that comes back each time is a fault that nobody should hide.

    Attributes:
        pauses_s: before the first start anew, the second, ...; the last holds for all that follow.
        most: so many starts anew ...
        within_s: ... in this time; what ended before is forgotten.
    """

    pauses_s: tuple[float, ...] = (1.0, 5.0, 30.0)
    most: int = 5
    within_s: float = 600.0


PATIENCE = Patience()


def pause_s(ends: Sequence[float], patience: Patience) -> float | None:
    """Before the next start, by when the part has ended so far, the last end last. `None`: too often, no more."""
    recent = sum(ends[-1] - end < patience.within_s for end in ends)
    return None if recent > patience.most else patience.pauses_s[min(recent, len(patience.pauses_s)) - 1]


class Restarts:
    """Looks after the parts of one instance. It never waits: during a pause the other parts are looked after, too."""

    def __init__(
        self,
        instance: Instance,
        parts: Sequence[Service],
        patience: Patience = PATIENCE,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._instance = instance
        self._parts = parts
        self._patience = patience
        self._now = now
        self._ends: dict[str, list[float]] = {part.name: [] for part in parts}
        self._due: dict[str, float] = {}

    def look(self) -> list[Service]:
        """One look. Returns what it has started again; raises `Temporary("service_ended")` where that is not to be."""
        for part in self._parts:
            status = self._instance.ended(part.name)
            if status is not None:
                self._plan(part, status)
        return [part for part in self._parts if self._is_started_again(part)]

    def _plan(self, part: Service, status: int) -> None:
        log = self._instance.log(part.name)
        if not part.restarts:
            raise Temporary(
                "service_ended", f"{part.name} {in_words(status)}, and everything stops.",
                hint=f"Nothing is lost: start `beleg up` again. If it ends again, see {log}.",
            )  # fmt: skip
        self._ends[part.name].append(self._now())
        pause = pause_s(self._ends[part.name], self._patience)
        if pause is None:
            raise Temporary(
                "service_ended",
                f"{part.name} {in_words(status)}, after {self._patience.most} starts anew "
                f"within {self._patience.within_s / 60:.0f} minutes, and everything stops.",
                hint=f"Nothing is lost: see {log} for the cause, and `beleg doctor`; then start `beleg up` again.",
            )
        self._instance.clear_away(part.name)
        self._due[part.name] = self._now() + pause
        tell(f"  {part.name} {in_words(status)}. It is started again in {pause:g} s, nothing is lost. Its log: {log}")

    def _is_started_again(self, part: Service) -> bool:
        if part.name not in self._due or self._now() < self._due[part.name]:
            return False
        del self._due[part.name]
        self._instance.start(part)
        tell(f"  {part.name} is started again")
        return True
