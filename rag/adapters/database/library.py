"""Cleared texts in SQL, so that a quote can be checked and a source opened. Port `Library`."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, func, select, update

from rag.adapters.database.engine import Database
from rag.adapters.database.schema import Instant, texts
from rag.adapters.database.stored_text import pack, unpack
from rag.types import Classification, Cleared, Kept, Publication, now

_KEY = ("document_id", "version", "parser")


class DatabaseLibrary:
    """See `rag.ports.Library`.

    Args:
        keep_superseded: how long an older version can still be opened after a newer one came. Long enough that every
            reader has moved to a generation without it; `forget` does not wait.
    """

    def __init__(self, database: Database, *, keep_superseded: timedelta = timedelta(hours=1)) -> None:
        self._database = database
        self._keep_superseded = keep_superseded

    async def keep(self, cleared: Cleared, *, earlier: Sequence[Kept] | None = None) -> None:
        """One transaction. Without a history older versions live on for `keep_superseded`, then go."""
        at, document = now(), cleared.document
        rows = [await self._row(kept, at) for kept in (*(earlier or ()), Kept(cleared=cleared))]
        older = (texts.c.document_id == document.id) & (texts.c.version != document.version)
        others = (texts.c.document_id == document.id) & texts.c.version.not_in([row["version"] for row in rows])
        async with self._database.write() as connection:
            await connection.execute(delete(texts).where(others, texts.c.ended_at.is_not(None)))
            for row in rows:
                same = (texts.c.document_id == document.id) & (texts.c.version == row["version"])
                await connection.execute(delete(texts).where(same, texts.c.parser != row["parser"]))
                await connection.execute(self._database.upsert(texts, row, keys=_KEY))
            await connection.execute(
                update(texts)
                .where(older, texts.c.superseded_at.is_(None), texts.c.ended_at.is_(None))
                .values(superseded_at=at)
            )
            outlived = (texts.c.superseded_at < at - self._keep_superseded) & texts.c.ended_at.is_(None)
            await connection.execute(delete(texts).where(outlived))

    async def add(self, cleared: Cleared) -> bool:
        at, document = now(), cleared.document
        row = await self._row(Kept(cleared=cleared), at)
        of_document = (texts.c.document_id == document.id) & (texts.c.version == document.version)
        is_current = of_document & texts.c.superseded_at.is_(None) & texts.c.ended_at.is_(None)
        async with self._database.write() as connection:
            if (await connection.execute(select(texts.c.version).where(is_current).limit(1))).first() is None:
                return False
            await connection.execute(self._database.upsert(texts, row, keys=_KEY))
            return True

    @staticmethod
    async def _row(kept: Kept, at: datetime) -> dict[str, Any]:
        """An earlier version without chunks is withheld: it counts as superseded, and stays."""
        document, is_withheld = kept.cleared.document, kept.ended_at is not None and not kept.made_with
        return {
            "document_id": document.id,
            "version": document.version,
            "parser": kept.cleared.parser,
            "content": await asyncio.to_thread(pack, kept.cleared),
            "kept_at": at,
            "superseded_at": at if is_withheld else None,
            "classification": int(document.labels.classification),
            "modified_at": document.modified_at,
            "ended_at": kept.ended_at,
            "made_with": kept.made_with,
        }

    async def history(self, document_id: str) -> list[Kept]:
        """Oldest end first; of several readings the first."""
        is_kept = texts.c.superseded_at.is_(None) | texts.c.ended_at.is_not(None)
        statement = (
            select(texts.c.version, texts.c.content, texts.c.ended_at, texts.c.made_with)
            .where(texts.c.document_id == document_id, is_kept)
            .order_by(texts.c.ended_at.is_(None), texts.c.ended_at, texts.c.kept_at)
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(statement)).all()
        first = {version: row for version, *row in reversed(rows)}
        return [
            Kept(cleared=await asyncio.to_thread(unpack, content), ended_at=ended_at, made_with=made_with)
            for content, ended_at, made_with in reversed(first.values())
        ]

    async def withhold(self, document_id: str, at: datetime, *, oldest: datetime | None = None) -> None:
        of_document = texts.c.document_id == document_id
        superseded = texts.c.superseded_at.is_not(None) & texts.c.ended_at.is_(None)
        ended_at = func.coalesce(texts.c.ended_at, bindparam("now", at, type_=Instant()))
        async with self._database.write() as connection:
            await connection.execute(delete(texts).where(of_document, superseded))
            if oldest is not None:
                await connection.execute(delete(texts).where(of_document, texts.c.modified_at < oldest))
            await connection.execute(
                update(texts).where(of_document).values(ended_at=ended_at, superseded_at=at, made_with="")
            )

    async def aged(self, before: datetime) -> frozenset[str]:
        statement = select(texts.c.document_id).where(texts.c.ended_at.is_not(None), texts.c.modified_at < before)
        async with self._database.read() as connection:
            return frozenset((await connection.execute(statement)).scalars())

    async def cleared(self, document_id: str, version: str) -> Cleared | None:
        """`None` if it was never kept, forgotten, outlived or withheld."""
        return next(iter(await self.readings(document_id, version)), None)

    async def readings(self, document_id: str, version: str) -> list[Cleared]:
        lives_on = (texts.c.superseded_at >= now() - self._keep_superseded) & texts.c.ended_at.is_(None)
        of_version = (texts.c.document_id == document_id) & (texts.c.version == version)
        statement = (
            select(texts.c.content)
            .where(of_version, texts.c.superseded_at.is_(None) | lives_on)
            .order_by(texts.c.kept_at)
        )
        async with self._database.read() as connection:
            contents = (await connection.execute(statement)).scalars().all()
        return [await asyncio.to_thread(unpack, content) for content in contents]

    async def versions(self, document_id: str) -> int:
        """Outlived ones count: they are still there."""
        statement = select(func.count(texts.c.version.distinct())).where(texts.c.document_id == document_id)
        async with self._database.read() as connection:
            return int((await connection.execute(statement)).scalar_one())

    async def live(self) -> list[Publication]:
        """What was kept before its class was written down is of any class."""
        found = select(texts.c.document_id, texts.c.version, texts.c.classification)
        statement = found.where(texts.c.superseded_at.is_(None)).distinct()
        async with self._database.read() as connection:
            rows = (await connection.execute(statement)).all()
        return [
            Publication(
                document_id=name, version=version, classification=None if part is None else Classification(part)
            )
            for name, version, part in rows
        ]

    async def forget(self, document_id: str) -> int:
        """Removes every version at once: a deleted document cannot be opened, whatever an old answer cites."""
        of_document = texts.c.document_id == document_id
        count = select(func.count(texts.c.version.distinct())).where(of_document)
        async with self._database.write() as connection:
            versions = int((await connection.execute(count)).scalar_one())
            await connection.execute(delete(texts).where(of_document))
        return versions

    async def overwrite(self) -> None:
        await self._database.overwrite_log()
