"""Which indexes there are, and what each that follows holds, in SQL. Port `Catalog`."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import case, delete, func, select, update

from rag.adapters.database.engine import Database
from rag.adapters.database.schema import indexes, marks
from rag.types import Build, ChunkSetting, IndexRecord, IndexState, Progress, now


class DatabaseCatalog:
    """See `rag.ports.Catalog`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def indexes(self) -> list[IndexRecord]:
        async with self._database.read() as connection:
            rows = (await connection.execute(select(indexes))).mappings().all()
        return sorted((_record(dict(row)) for row in rows), key=lambda record: record.number)

    async def keep(self, record: IndexRecord) -> None:
        values = {
            "name": record.name, "build": asdict(record.build), "state": record.state.value, "leads": record.leads,
            "started_at": record.started_at, "ready_at": record.ready_at,
        }  # fmt: skip
        async with self._database.write() as connection:
            if record.leads:
                await connection.execute(update(indexes).values(leads=False))
            await connection.execute(self._database.upsert(indexes, values, keys=("name",)))

    async def drop(self, index: str) -> None:
        async with self._database.write() as connection:
            await connection.execute(delete(marks).where(marks.c.index == index))
            await connection.execute(delete(indexes).where(indexes.c.name == index))

    async def marks(self, index: str, zone: str) -> dict[str, str]:
        statement = select(marks.c.document_id, marks.c.made_from).where(marks.c.index == index, marks.c.zone == zone)
        async with self._database.read() as connection:
            return {row.document_id: row.made_from for row in await connection.execute(statement)}

    async def mark(self, index: str, zone: str, document_id: str, *, made_from: str | None, chunks: int = 0) -> None:
        values = {
            "index": index, "document_id": document_id, "zone": zone, "made_from": made_from, "chunks": chunks,
            "marked_at": now(),
        }  # fmt: skip
        of_document = (marks.c.index == index) & (marks.c.document_id == document_id)
        async with self._database.write() as connection:
            if made_from is None:
                await connection.execute(delete(marks).where(of_document))
            else:
                await connection.execute(self._database.upsert(marks, values, keys=("index", "document_id")))

    async def progress(self, index: str, *, since: datetime) -> Progress:
        lately = func.sum(case((marks.c.marked_at >= since, marks.c.chunks), else_=0))
        counted = select(func.count(), func.sum(marks.c.chunks), lately).where(marks.c.index == index)
        async with self._database.read() as connection:
            documents, chunks, late = (await connection.execute(counted)).one()
        return Progress(documents=documents, chunks=chunks or 0, lately=late or 0)


def _record(row: dict[str, Any]) -> IndexRecord:
    build = {**row["build"], "cells": tuple(ChunkSetting(**cell) for cell in row["build"]["cells"])}
    return IndexRecord(**{**row, "build": Build(**build), "state": IndexState(row["state"])})
