"""Receipts of erasures in SQL. Port `Erasures`."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select, update

from rag.adapters.database.engine import Database
from rag.adapters.database.schema import erasures
from rag.types import Erasure, ErasureRule, now


class DatabaseErasures:
    """See `rag.ports.Erasures`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, erasure: Erasure) -> None:
        values = {name: getattr(erasure, name) for name in Erasure.__dataclass_fields__} | {"rule": erasure.rule.value}
        async with self._database.write() as connection:
            await connection.execute(self._database.upsert(erasures, values, keys=("id",)))

    async def of_document(self, document_id: str) -> list[Erasure]:
        return await self._found(select(erasures).where(erasures.c.document_id == document_id))

    async def standing(self) -> list[Erasure]:
        return await self._found(select(erasures).where(erasures.c.released_at.is_(None)))

    async def unsigned(self) -> list[Erasure]:
        return await self._found(
            select(erasures).where(erasures.c.signature.is_(None), erasures.c.released_at.is_(None))
        )

    async def is_forgotten(self, tenant: str, document_id: str, version: str) -> bool:
        statement = select(erasures.c.id).where(
            erasures.c.tenant == tenant,
            erasures.c.rule == ErasureRule.request.value,
            erasures.c.released_at.is_(None),
            (erasures.c.document_id == document_id) | (erasures.c.version == version),
        )
        async with self._database.read() as connection:
            return (await connection.execute(statement.limit(1))).first() is not None

    async def release(self, document_id: str) -> int:
        open_ = update(erasures).where(erasures.c.document_id == document_id, erasures.c.released_at.is_(None))
        async with self._database.write() as connection:
            return (await connection.execute(open_.values(released_at=now()))).rowcount

    async def _found(self, statement: Select[Any]) -> list[Erasure]:
        async with self._database.read() as connection:
            rows = (await connection.execute(statement.order_by(erasures.c.at, erasures.c.id))).mappings().all()
        return [Erasure(**{**row, "rule": ErasureRule(row["rule"])}) for row in rows]
