"""For people: how far a sweep of a zone has come, and what of it was ever found for a question."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

_EVIDENCE_FILES = 8
_EVIDENCE_S = 5.0
"""Before so much was done, a rate would be a guess."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepProgress:
    """The last sweep of one zone, in progress or over.

    Attributes:
        seen_at: its last sign of life. ended_at: `None` while it works, and for ever if it was killed.
        due: files that it found to do; `None` before it has looked. done: of these.
        unchanged: files that needed nothing. held: deletions that wait for a person.
        trouble: why it could not work, in one sentence for people; "" if it could.
    """

    zone: str
    began_at: datetime
    seen_at: datetime
    ended_at: datetime | None = None
    due: int | None = None
    done: int = 0
    unchanged: int = 0
    held: int = 0
    trouble: str = ""

    @property
    def files_per_minute(self) -> float | None:
        """Over this whole sweep, up to its last sign of life; `None` without evidence."""
        took_s = (self.seen_at - self.began_at).total_seconds()
        if self.done < _EVIDENCE_FILES or took_s < _EVIDENCE_S:
            return None
        return self.done / took_s * 60

    @property
    def remaining_s(self) -> float | None:
        """Of a sweep that works, at the rate so far; `None` without evidence, and when it is over."""
        rate = self.files_per_minute
        if rate is None or self.due is None or self.ended_at is not None:
            return None
        return (self.due - self.done) / rate * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieved:
    """Ids of documents that were found for a question or opened. `since`: how far back that is known; `None` = not."""

    documents: frozenset[str]
    since: datetime | None
