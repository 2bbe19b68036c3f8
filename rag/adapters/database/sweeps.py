"""How far sweeps have come, in SQL: one row per zone, so that every process and machine sees it. Port `Sweeps`."""

from __future__ import annotations

from sqlalchemy import select

from rag.adapters.database.engine import Database
from rag.adapters.database.schema import sweeps
from rag.types import SweepProgress


class DatabaseSweeps:
    """See `rag.ports.Sweeps`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, progress: SweepProgress) -> None:
        values = {name: getattr(progress, name) for name in SweepProgress.__dataclass_fields__}
        async with self._database.write() as connection:
            await connection.execute(self._database.upsert(sweeps, values, keys=("zone",)))

    async def last(self) -> dict[str, SweepProgress]:
        async with self._database.read() as connection:
            rows = (await connection.execute(select(sweeps))).mappings().all()
        return {row["zone"]: SweepProgress(**row) for row in rows}
