"""What has become of a zone's files, in words for their owner. Pure. Called by `beleg zone status`, console and report.

Waiting, starved and failed are three things: what waits has its turn coming; what starves has waited through several
sweeps, or nobody works at all, and an operator has to look; what failed did so by its own fault, and its owner has to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from rag.ingest.hold import HELD, next_step
from rag.ingest.ingest import held_words
from rag.types import Entry, State, SweepProgress, Zone

_SWEEPS_OF_PATIENCE = 3
"""What still waits after so many sweeps does not wait for its turn."""


class Fate(StrEnum):
    """What a data owner is told of a file."""

    indexed = "indexed"
    masked = "masked"
    waiting = "waiting"
    starved = "starved"
    failed = "failed"
    quarantined = "quarantined"
    missing = "missing"
    deleted = "deleted"
    forgotten = "forgotten"


UNSETTLED = frozenset({Fate.waiting, Fate.starved, Fate.failed, Fate.quarantined, Fate.missing})
"""Somebody or something still has to act."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileStatus:
    """One line per file.

    Attributes:
        since: since when it has been so; what was only tried again goes on waiting.
        hint: what to do; "" when nothing is needed.
    """

    path: str
    document_id: str
    version: str | None
    fate: Fate
    since: datetime
    code: str
    reason: str
    hint: str
    chunks: int
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """What is the matter with a whole zone. `hint` is part of `message` where the message says it already."""

    code: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneStatus:
    """A zone as it stands.

    Attributes:
        counts: files by fate; only those that occur.
        sweep: the last one; `None` if nobody ever looked. is_working: whether it is in progress now.
        queued: files that this sweep has found and not come to yet: they wait for their turn since it began.
        files: by path.
    """

    zone: str
    counts: Mapping[Fate, int]
    sweep: SweepProgress | None
    is_working: bool
    queued: int
    alarms: tuple[Alarm, ...]
    files: tuple[FileStatus, ...] = field(repr=False)

    @property
    def is_settled(self) -> bool:
        """Whether nobody has to act and nothing is on its way."""
        return not (self.alarms or self.queued or UNSETTLED & self.counts.keys())


def zone_status(
    zone: Zone, entries: Iterable[Entry], *, sweep: SweepProgress | None, at: datetime, sweep_s: float
) -> ZoneStatus:
    """`sweep_s`: how often the zone is looked at when nothing happens."""
    patience = timedelta(seconds=_SWEEPS_OF_PATIENCE * sweep_s)
    known = list(entries)
    files = tuple(_file(entry, zone.name, sweep, at, patience) for entry in known)
    counts = Counter(one.fate for one in files)
    is_open = sweep is not None and sweep.ended_at is None
    queued = sweep.due - sweep.done if sweep is not None and is_open and sweep.due is not None else 0
    return ZoneStatus(
        zone=zone.name, counts=counts, sweep=sweep, is_working=is_open and not _is_silent(sweep, at, patience),
        queued=queued, alarms=tuple(_alarms(zone, counts, queued, sweep, at, patience)), files=files,
    )  # fmt: skip


_FATES = {
    State.blocked: Fate.failed, State.indexed: Fate.indexed, State.quarantined: Fate.quarantined,
    State.deleted: Fate.deleted, State.forgotten: Fate.forgotten,
}  # fmt: skip


def _file(entry: Entry, zone: str, sweep: SweepProgress | None, at: datetime, patience: timedelta) -> FileStatus:
    receipt = entry.receipt
    since = entry.recorded_at if entry.history is None else entry.history.since
    code, reason, hint = receipt.code, receipt.reason, receipt.hint
    if entry.missing_since is not None:
        fate, since, code = Fate.missing, entry.missing_since, "missing"
        reason = "The file is gone together with many others, so it is still answered from."
        hint = f"If that is meant: `beleg ingest {zone} --confirm-deletions`. If not, look after the folder."
    elif receipt.state is State.discovered or _is_released(entry):
        if _is_released(entry):
            since, code, reason, hint = entry.recorded_at, "released", "A steward has released it.", ""
            hint = "It is read with the next sweep."
        fate = Fate.waiting
        if _is_silent(sweep, at, patience):
            fate, hint = Fate.starved, f"Nobody looks at this zone. Start `beleg up`, or run `beleg ingest {zone}`."
        elif at - since > patience:
            fate, hint = Fate.starved, "It was tried again and again. What it waits for is the operator's to mend."
    elif receipt.state is State.indexed and receipt.code != "indexed":
        fate = Fate.masked
    else:
        fate = _FATES[receipt.state]
    return FileStatus(
        path=receipt.path, document_id=receipt.document_id, version=receipt.version, fate=fate, since=since, code=code,
        reason=reason, hint=hint, chunks=receipt.chunks, counts=receipt.counts,
    )  # fmt: skip


def _is_released(entry: Entry) -> bool:
    """A verdict has made it due, and no sweep has come to it since."""
    return entry.receipt.state is State.quarantined and not entry.fingerprint


def _is_silent(sweep: SweepProgress | None, at: datetime, patience: timedelta) -> bool:
    return sweep is None or at - sweep.seen_at > patience


def _alarms(
    zone: Zone, counts: Mapping[Fate, int], queued: int, sweep: SweepProgress | None, at: datetime, patience: timedelta
) -> Iterable[Alarm]:
    if zone.held:
        yield Alarm(code="held", message=HELD, hint=next_step(zone))
        return
    if sweep is not None and sweep.trouble:
        yield Alarm(code="sweep_failed", message=sweep.trouble)
    if missing := counts.get(Fate.missing, 0):
        there = sum(number for fate, number in counts.items() if fate not in {Fate.deleted, Fate.forgotten})
        yield Alarm(code="deletions_held", message=held_words(zone, missing, there))
    if sweep is not None and _is_silent(sweep, at, patience) and (queued or counts.get(Fate.starved, 0)):
        yield Alarm(
            code="nobody_works", message=f"Files wait, and nobody has looked since {sweep.seen_at:%Y-%m-%d %H:%M} UTC.",
            hint=f"Start `beleg up`, or run `beleg ingest {zone.name}`.",
        )  # fmt: skip
