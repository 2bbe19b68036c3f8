"""What a zone's owner should hear of once a week. Pure. Called by the flow `flows/report.py` and `beleg zone report`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from rag.ingest.standing import Fate, FileStatus, zone_status
from rag.types import Entry, Retrieved, SweepProgress, Zone

DAYS = 7
_SOON = timedelta(days=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One file that the report names. `at`: when it came, changed, went, ends, or since when it has been so."""

    path: str
    at: datetime
    reason: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A zone's week. A file may stand under several heads.

    Attributes:
        since, until: the week. counts: files by fate at its end.
        new: first seen in the week. changed: other bytes since, and not new. deleted: taken out, for whatever reason.
        expiring: answered from, and no longer so within 30 days. expired: still there, and not answered from any more.
        never_retrieved: searchable since before the week, and never among what was found for a question.
        retrievals_since: since when it is known what was found; `None` = not yet, so `never_retrieved` says nothing.
        stuck: failed or starved. held_back: quarantined.
    """

    zone: str
    since: datetime
    until: datetime
    counts: Mapping[Fate, int]
    new: tuple[Line, ...]
    changed: tuple[Line, ...]
    deleted: tuple[Line, ...]
    expiring: tuple[Line, ...]
    expired: tuple[Line, ...]
    never_retrieved: tuple[Line, ...]
    retrievals_since: datetime | None
    stuck: tuple[Line, ...]
    held_back: tuple[Line, ...]

    @property
    def heads(self) -> dict[str, tuple[Line, ...]]:
        """What it tells, in order, by the words that stand above."""
        return {
            "new": self.new, "changed": self.changed, "deleted": self.deleted, "expires within 30 days": self.expiring,
            "expired": self.expired, "never retrieved": self.never_retrieved, "stuck": self.stuck,
            "quarantined": self.held_back,
        }  # fmt: skip


def report(
    zone: Zone, entries: Collection[Entry], *, ends: Mapping[str, datetime], retrieved: Retrieved,
    sweep: SweepProgress | None, at: datetime, sweep_s: float,
) -> Report:  # fmt: skip
    """Of the seven days before `at`. `ends`: document id → end of its validity, where it has one."""
    since = at - timedelta(days=DAYS)
    status = zone_status(zone, entries, sweep=sweep, at=at, sweep_s=sweep_s)
    lines = [(entry, one) for entry, one in zip(entries, status.files, strict=True)]
    there = [(entry, one) for entry, one in lines if one.fate not in _OUT]
    searchable = [(entry, one) for entry, one in lines if one.fate in _SEARCHABLE]
    ending = [(_end(entry, zone, ends), one) for entry, one in searchable]
    is_known = retrieved.since is not None
    return Report(
        zone=zone.name, since=since, until=at, counts=status.counts,
        new=_lines((_added(e), one) for e, one in there if _added(e) >= since),
        changed=_lines((_changed(e), one) for e, one in there if _added(e) < since <= _changed(e)),
        deleted=_lines((one.since, one) for _, one in lines if one.fate in _OUT and one.since >= since),
        expiring=_lines((end, one) for end, one in ending if end is not None and at < end <= at + _SOON),
        expired=_lines((end, one) for end, one in ending if end is not None and end <= at),
        never_retrieved=_lines(
            (_added(entry), one) for entry, one in searchable
            if is_known and _added(entry) < since and one.document_id not in retrieved.documents
        ),
        retrievals_since=retrieved.since,
        stuck=_lines((one.since, one) for _, one in lines if one.fate in {Fate.failed, Fate.starved}),
        held_back=_lines((one.since, one) for _, one in lines if one.fate is Fate.quarantined),
    )  # fmt: skip


_OUT = frozenset({Fate.deleted, Fate.forgotten})
_SEARCHABLE = frozenset({Fate.indexed, Fate.masked})


def _added(entry: Entry) -> datetime:
    return entry.recorded_at if entry.history is None else entry.history.added_at


def _changed(entry: Entry) -> datetime:
    return entry.recorded_at if entry.history is None else entry.history.changed_at


def _end(entry: Entry, zone: Zone, ends: Mapping[str, datetime]) -> datetime | None:
    """Of its validity, or by the zone's retention, whichever comes first."""
    known = [ends[entry.receipt.document_id]] if entry.receipt.document_id in ends else []
    if zone.retention_days is not None:
        known.append(entry.sighting.modified_at + timedelta(days=zone.retention_days))
    return min(known, default=None)


def _lines(found: Iterable[tuple[datetime, FileStatus]]) -> tuple[Line, ...]:
    return tuple(Line(path=one.path, at=at, reason=one.reason, hint=one.hint) for at, one in found)


def rows(made: Report) -> list[dict[str, str]]:
    """As a table: what, which file, when, why, what to do."""
    return [
        {"what": head, "file": line.path, "at": f"{line.at:%Y-%m-%d %H:%M} UTC", "reason": line.reason,
         "what to do": line.hint}
        for head, lines in made.heads.items()
        for line in lines
    ]  # fmt: skip


def summary(made: Report) -> str:
    """One line: how many of each. Names no file."""
    told = ", ".join(f"{len(lines)} {head}" for head, lines in made.heads.items() if lines) or "nothing to tell"
    known = "" if made.retrievals_since else "; what was retrieved is not known yet"
    return f"{made.zone}, {made.since:%Y-%m-%d} to {made.until:%Y-%m-%d}: {told}{known}"
