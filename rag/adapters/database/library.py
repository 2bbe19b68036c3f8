"""Cleared texts in SQL, so that a quote can be checked and a source opened. Port `Library`."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from sqlalchemy import delete, func, select, update

from rag.adapters.database.engine import Database
from rag.adapters.database.schema import texts
from rag.adapters.database.stored_text import pack, unpack
from rag.types import Cleared, now


class DatabaseLibrary:
    """See `rag.ports.Library`.

    Args:
        keep_superseded: how long an older version can still be opened after a newer one came. Long enough that every
            reader has moved to a generation without it; `forget` does not wait.
    """

    def __init__(self, database: Database, *, keep_superseded: timedelta = timedelta(hours=1)) -> None:
        self._database = database
        self._keep_superseded = keep_superseded

    async def keep(self, cleared: Cleared) -> None:
        """Stores this version as the current one; older versions live on for `keep_superseded`, then go."""
        at, document = now(), cleared.document
        values = {
            "document_id": document.id,
            "version": document.version,
            "content": await asyncio.to_thread(pack, cleared),
            "kept_at": at,
            "superseded_at": None,
        }
        older = (texts.c.document_id == document.id) & (texts.c.version != document.version)
        async with self._database.write() as connection:
            await connection.execute(self._database.upsert(texts, values, keys=("document_id", "version")))
            await connection.execute(
                update(texts).where(older, texts.c.superseded_at.is_(None)).values(superseded_at=at)
            )
            await connection.execute(delete(texts).where(texts.c.superseded_at < at - self._keep_superseded))

    async def cleared(self, document_id: str, version: str) -> Cleared | None:
        """The stored text, `document.content` empty; `None` if it was never kept, forgotten or outlived."""
        is_current = texts.c.superseded_at.is_(None) | (texts.c.superseded_at >= now() - self._keep_superseded)
        statement = select(texts.c.content).where(
            texts.c.document_id == document_id, texts.c.version == version, is_current
        )
        async with self._database.read() as connection:
            content = (await connection.execute(statement)).scalar_one_or_none()
        return None if content is None else await asyncio.to_thread(unpack, content)

    async def versions(self, document_id: str) -> int:
        """Outlived ones count: they are still there."""
        statement = select(func.count()).select_from(texts).where(texts.c.document_id == document_id)
        async with self._database.read() as connection:
            return int((await connection.execute(statement)).scalar_one())

    async def forget(self, document_id: str) -> int:
        """Removes every version at once: a deleted document cannot be opened, whatever an old answer cites."""
        async with self._database.write() as connection:
            return (await connection.execute(delete(texts).where(texts.c.document_id == document_id))).rowcount
