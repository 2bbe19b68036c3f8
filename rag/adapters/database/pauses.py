"""Until when an upstream asked to be left alone, in SQL. Port `Pauses`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from rag.adapters.database.engine import Database
from rag.adapters.database.schema import pauses


class DatabasePauses:
    """See `rag.ports.Pauses`. One row an upstream."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def until(self, upstream: str) -> datetime | None:
        async with self._database.read() as connection:
            found: datetime | None = await connection.scalar(
                select(pauses.c.until).where(pauses.c.upstream == upstream)
            )
        return found

    async def pause(self, upstream: str, until: datetime) -> None:
        insert: Any = (sqlite.insert if self._database.is_sqlite else postgresql.insert)(pauses)
        statement = insert.values(upstream=upstream, until=until)
        later = statement.excluded.until > pauses.c.until
        async with self._database.write() as connection:
            await connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["upstream"], set_={"until": statement.excluded.until}, where=later
                )
            )
