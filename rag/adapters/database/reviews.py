"""Verdicts of stewards in SQL. Port `Reviews`."""

from __future__ import annotations

from sqlalchemy import select

from rag.adapters.database.engine import Database
from rag.adapters.database.schema import reviews
from rag.types import Review, Verdict


class DatabaseReviews:
    """See `rag.ports.Reviews`. The audit log keeps every verdict; here stands the last one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, review: Review) -> None:
        values = {name: getattr(review, name) for name in Review.__dataclass_fields__}
        async with self._database.write() as connection:
            row = {**values, "verdict": review.verdict.value}
            await connection.execute(self._database.upsert(reviews, row, keys=("document_id", "version")))

    async def of(self, document_id: str, version: str) -> Review | None:
        statement = select(reviews).where(reviews.c.document_id == document_id, reviews.c.version == version)
        async with self._database.read() as connection:
            row = (await connection.execute(statement)).mappings().first()
        return None if row is None else Review(**{**row, "verdict": Verdict(row["verdict"])})
