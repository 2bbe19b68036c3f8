"""Stores → how a zone stands, and its weekly report. Reads metadata and the ends of validity, and no text leaves it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from rag.ingest.report import Report, report
from rag.ingest.standing import ZoneStatus, zone_status
from rag.ports import Ledger, Library, Retrievals, Sweeps
from rag.types import Entry, State, Zone

_LOOK_BACK = timedelta(days=90)
"""What nobody has found for a quarter of a year counts as never."""


async def standing_of(zone: Zone, *, ledger: Ledger, sweeps: Sweeps, at: datetime, sweep_s: float) -> ZoneStatus:
    """As it is at this instant. Raises `Temporary`."""
    entries = (await ledger.entries(zone.name)).values()
    return zone_status(zone, entries, sweep=(await sweeps.last()).get(zone.name), at=at, sweep_s=sweep_s)


async def report_of(
    zone: Zone,
    *,
    ledger: Ledger,
    library: Library,
    sweeps: Sweeps,
    retrievals: Retrievals,
    at: datetime,
    sweep_s: float,
) -> Report:
    """Of the seven days before `at`. Raises `Temporary`."""
    entries = list((await ledger.entries(zone.name)).values())
    return report(
        zone, entries, ends=await _ends(entries, library), sweep=(await sweeps.last()).get(zone.name),
        retrieved=await retrievals.of_tenant(zone.tenant, since=at - _LOOK_BACK), at=at, sweep_s=sweep_s,
    )  # fmt: skip


async def _ends(entries: Collection[Entry], library: Library) -> dict[str, datetime]:
    """As the zone, a sidecar or a successor says. One document after the other: a week's report may take its time."""
    ends: dict[str, datetime] = {}
    for entry in entries:
        receipt = entry.receipt
        if receipt.state is State.indexed and receipt.version is not None:
            cleared = await library.cleared(receipt.document_id, receipt.version)
            if cleared is not None and (end := cleared.document.labels.valid_until) is not None:
                ends[receipt.document_id] = end
    return ends
