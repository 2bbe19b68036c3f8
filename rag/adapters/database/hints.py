"""Zones in which something may have changed, in SQL: told by one process, taken by another. Port `Hints`."""

from __future__ import annotations

from sqlalchemy import delete, select

from rag.adapters.database.engine import Database
from rag.adapters.database.schema import hints
from rag.types import now


class DatabaseHints:
    """See `rag.ports.Hints`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def tell(self, zones: frozenset[str]) -> None:
        async with self._database.write() as connection:
            for zone in sorted(zones):  # in one order, so that two tellers never wait for each other
                row = {"zone": zone, "told_at": now()}
                await connection.execute(self._database.upsert(hints, row, keys=("zone",), keep=True))

    async def take(self) -> frozenset[str]:
        """Asks first, because it is asked every two seconds and writing would disturb others."""
        async with self._database.read() as connection:
            if (await connection.execute(select(hints.c.zone).limit(1))).first() is None:
                return frozenset()
        async with self._database.write() as connection:
            return frozenset((await connection.execute(delete(hints).returning(hints.c.zone))).scalars())
