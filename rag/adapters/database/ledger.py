"""The ledger in SQL: one row per place in a zone, overwritten by each receipt. Port `Ledger`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select

from rag.adapters.database.engine import Database
from rag.adapters.database.schema import documents, zones
from rag.types import Classification, Receipt, Sighting, State, Zone, now


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
        """Adds the zone, or overwrites the one of that name."""
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
        }
        async with self._database.write() as connection:
            await connection.execute(self._database.upsert(zones, values, keys=("name",)))

    async def receipts(self, zone: str) -> dict[str, tuple[Receipt, str, Sighting]]:
        """Per path, sorted: last receipt, fingerprint, sighting. Empty for a zone that nobody swept."""
        statement = select(documents).where(documents.c.zone == zone).order_by(documents.c.path)
        async with self._database.read() as connection:
            rows = (await connection.execute(statement)).mappings().all()
        return {row["path"]: (_receipt(dict(row)), row["fingerprint"], _sighting(dict(row))) for row in rows}

    async def recorded_at(self, zone: str) -> dict[str, datetime]:
        """Per path: when the last receipt was written, so that a status can show ages."""
        statement = select(documents.c.path, documents.c.recorded_at).where(documents.c.zone == zone)
        async with self._database.read() as connection:
            return {row.path: row.recorded_at for row in (await connection.execute(statement)).all()}

    async def record(self, receipt: Receipt, *, fingerprint: str, sighting: Sighting) -> None:
        """Overwrites the row of this place. Raises `Temporary` if it could not be stored: then nothing changed."""
        values = {
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
            "fingerprint": fingerprint,
            "size": sighting.size,
            "modified_at": sighting.modified_at,
            "etag": sighting.etag,
            "recorded_at": now(),
        }
        async with self._database.write() as connection:
            await connection.execute(self._database.upsert(documents, values, keys=("zone", "path")))


def _zone(row: dict[str, Any]) -> Zone:
    row["classification"] = Classification(row["classification"])
    row["readers"] = frozenset(row["readers"])
    row["languages"] = tuple(row["languages"])
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


def _sighting(row: dict[str, Any]) -> Sighting:
    return Sighting(
        zone=row["zone"], path=row["path"], size=row["size"], modified_at=row["modified_at"], etag=row["etag"]
    )
