"""How a zone stands, as lines for people. Pure. Called by `beleg zone status` and by the flow that shows it in Prefect."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from rag.ingest.standing import Fate, FileStatus, ZoneStatus

COLUMNS = ("file", "state", "since", "reason", "what to do")


def line(of_zone: ZoneStatus) -> str:
    """A zone in one line: counts, then how far its sweep has come."""
    counts = ", ".join(f"{of_zone.counts[fate]:,} {fate.value}" for fate in Fate if fate in of_zone.counts)
    going = progress(of_zone)
    return f"{of_zone.zone}: " + "; ".join(part for part in (counts or "nothing seen yet", going) if part)


def progress(of_zone: ZoneStatus) -> str:
    """Of the sweep that works, or was killed; "" when none does. No rate and no time without evidence."""
    sweep = of_zone.sweep
    if sweep is None or sweep.ended_at is not None:
        return ""
    if not of_zone.is_working:
        return f"a sweep broke off, {of_zone.queued:,} files wait since {_instant(sweep.began_at)}"
    if sweep.due is None:
        return "looking through the zone"
    if not sweep.due:
        return "nothing to read"
    parts = [f"{sweep.done:,} of {sweep.due:,} done ({100 * sweep.done // sweep.due} %)"]
    if sweep.files_per_minute is not None and sweep.remaining_s is not None:
        parts += [f"{sweep.files_per_minute:,.0f} files a minute", f"{_about(sweep.remaining_s)} left"]
    return ", ".join(parts)


def rows(files: Iterable[FileStatus], at: datetime | None) -> list[tuple[str, str, str, str, str]]:
    """As `COLUMNS` names them. `at`: tells also for how long; `None` for a table that stands, and would soon be wrong."""
    return [
        (one.path, one.fate.value, _since(one.since, at), f"({one.code}) {one.reason}".strip(), one.hint)
        for one in files
    ]


def _since(since: datetime, at: datetime | None) -> str:
    return _instant(since) + ("" if at is None else f" ({_duration((at - since).total_seconds())})")


def _instant(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _about(seconds: float) -> str:
    told = _duration(seconds)
    return told if told.startswith("under") else f"about {told}"


def _duration(seconds: float) -> str:
    minutes = max(0, round(seconds / 60))
    if minutes < 1:
        return "under a minute"
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} days"
