"""The ledger in SQL: one row per place in a zone, overwritten by each receipt. Port `Ledger`."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, delete, select, update

from rag.adapters.database.engine import Database
from rag.adapters.database.schema import documents, marks, sweeps, zones
from rag.types import ChunkSetting, Classification, Entry, History, Receipt, Sighting, State, Zone, now


class DatabaseLedger:
    """See `rag.ports.Ledger`. Every write is one short transaction; a receipt that was recorded survives a crash."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def zones(self) -> list[Zone]:
        """Sorted by name."""
        async with self._database.read() as connection:
            rows = (await connection.execute(select(zones).order_by(zones.c.name))).mappings().all()
        return [_zone(dict(row)) for row in rows]

    async def add_zone(self, zone: Zone) -> None:
        """Adds the zone, or overwrites all but `held` of the one of that name. Raises `Permanent("zone_tenant")`."""
        values = {
            "name": zone.name,
            "url": zone.url,
            "tenant": zone.tenant,
            "owner": zone.owner,
            "classification": int(zone.classification),
            "business_unit": zone.business_unit,
            "valid_from": zone.valid_from,
            "valid_until": zone.valid_until,
            "readers": sorted(zone.readers),
            "languages": list(zone.languages),
            "deletion_limit": zone.deletion_limit,
            "retention_days": zone.retention_days,
            "chunking": [[one.kind, one.key, one.value] for one in zone.chunking],
            "keeps_history": zone.keeps_history,
            "fixed": sorted(zone.fixed),
        }
        async with self._database.write() as connection:
            known = (
                await connection.execute(select(zones.c.tenant, zones.c.held).where(zones.c.name == zone.name))
            ).first()
            zone.require_tenant(None if known is None else known.tenant)
            values["held"] = zone.held if known is None else known.held
            await connection.execute(self._database.upsert(zones, values, keys=("name",)))

    async def publish_zone(self, name: str) -> None:
        """One statement."""
        async with self._database.write() as connection:
            await connection.execute(update(zones).where(zones.c.name == name).values(held=False))

    async def remove_zone(self, name: str) -> None:
        """With all its rows; a zone that nobody knows is removed already."""
        async with self._database.write() as connection:
            await connection.execute(delete(documents).where(documents.c.zone == name))
            await connection.execute(delete(sweeps).where(sweeps.c.zone == name))
            await connection.execute(delete(marks).where(marks.c.zone == name))
            await connection.execute(delete(zones).where(zones.c.name == name))

    async def entries(self, zone: str, paths: frozenset[str] | None = None) -> dict[str, Entry]:
        """Sorted by path. Empty for a zone that nobody swept. `paths`: some hundreds at most."""
        statement = select(documents).where(documents.c.zone == zone).order_by(documents.c.path)
        if paths is not None:
            statement = statement.where(documents.c.path.in_(sorted(paths)))
        async with self._database.read() as connection:
            rows = (await connection.execute(statement)).mappings().all()
        return {row["path"]: _entry(dict(row)) for row in rows}

    async def record(self, entry: Entry) -> None:
        """Overwrites the row of this place. Raises `Temporary` if it could not be stored: then nothing changed."""
        receipt = entry.receipt
        here = select(documents).where(documents.c.zone == receipt.zone, documents.c.path == receipt.path)
        async with self._database.write() as connection:
            row = (await connection.execute(here)).mappings().first()
            stored = entry.after(None if row is None else _entry(dict(row)))
            await connection.execute(self._database.upsert(documents, _row(stored), keys=("zone", "path")))

    async def refingerprint(self, zone: str, before: str, after: str, *, path: str | None = None) -> None:
        """One transaction."""
        of_before = (documents.c.zone == zone) & (documents.c.fingerprint == before)
        if path is not None:
            of_before &= documents.c.path == path
        async with self._database.write() as connection:
            await connection.execute(update(documents).where(of_before).values(fingerprint=after))

    async def mark_missing(self, zone: str, paths: frozenset[str]) -> None:
        """One transaction; none at all if nothing changes."""
        marked = select(documents.c.path).where(documents.c.zone == zone, documents.c.missing_since.is_not(None))
        async with self._database.read() as connection:
            before = frozenset((await connection.execute(marked)).scalars())
        changes = [(path, now()) for path in sorted(paths - before)] + [(path, None) for path in sorted(before - paths)]
        if not changes:
            return
        of_path = update(documents).where(documents.c.zone == zone, documents.c.path == bindparam("of_path"))
        rows = [{"of_path": path, "missing_since": since} for path, since in changes]
        async with self._database.write() as connection:
            await connection.execute(of_path, rows)


def _row(entry: Entry) -> dict[str, Any]:
    receipt, sighting, history = entry.receipt, entry.sighting, entry.history
    return {
        "zone": receipt.zone,
        "path": receipt.path,
        "document_id": receipt.document_id,
        "version": receipt.version,
        "state": receipt.state.value,
        "code": receipt.code,
        "reason": receipt.reason,
        "hint": receipt.hint,
        "chunks": receipt.chunks,
        "counts": receipt.counts,
        "fingerprint": entry.fingerprint,
        "size": sighting.size,
        "modified_at": sighting.modified_at,
        "etag": sighting.etag,
        "attempts": entry.attempts,
        "recorded_at": entry.recorded_at,
        "missing_since": entry.missing_since,
        "added_at": None if history is None else history.added_at,
        "changed_at": None if history is None else history.changed_at,
        "state_since": None if history is None else history.since,
        "known_version": None if history is None else history.version,
    }


def _zone(row: dict[str, Any]) -> Zone:
    row["classification"] = Classification(row["classification"])
    row["readers"] = frozenset(row["readers"])
    row["languages"] = tuple(row["languages"])
    row["chunking"] = tuple(ChunkSetting(kind=kind, key=key, value=value) for kind, key, value in row["chunking"])
    row["fixed"] = frozenset(row["fixed"])
    return Zone(**row)


def _receipt(row: dict[str, Any]) -> Receipt:
    return Receipt(
        zone=row["zone"],
        path=row["path"],
        document_id=row["document_id"],
        version=row["version"],
        state=State(row["state"]),
        code=row["code"],
        reason=row["reason"],
        hint=row["hint"],
        chunks=row["chunks"],
        counts=row["counts"],
    )


def _entry(row: dict[str, Any]) -> Entry:
    return Entry(
        receipt=_receipt(row),
        fingerprint=row["fingerprint"],
        sighting=_sighting(row),
        attempts=row["attempts"],
        recorded_at=row["recorded_at"],
        missing_since=row["missing_since"],
        history=_history(row),
    )


def _history(row: dict[str, Any]) -> History | None:
    if row["added_at"] is None:
        return None
    return History(
        added_at=row["added_at"], changed_at=row["changed_at"], since=row["state_since"], version=row["known_version"]
    )


def _sighting(row: dict[str, Any]) -> Sighting:
    return Sighting(
        zone=row["zone"], path=row["path"], size=row["size"], modified_at=row["modified_at"], etag=row["etag"]
    )
