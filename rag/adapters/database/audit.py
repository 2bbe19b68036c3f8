"""The audit log in SQL: append-only, hash-chained, one chain for all processes. Port `AuditLog`.

Appends that come while one is being written share the next transaction, so that a durable write's fsync is paid once
for all of them. The chain's head is kept in its own table and copied to a small file: cutting rows off the end then
contradicts both.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from rag.adapters.database.chain import ChainReport, Check, Head, Stored, canonical, link
from rag.adapters.database.engine import Database
from rag.adapters.database.schema import audit, audit_head
from rag.errors import BelegError, Permanent, Refused
from rag.types import AuditRow, now

log = logging.getLogger(__name__)

_BATCH = 200
"""Rows written in one transaction at most: bounds how long other writers wait."""
_PAGE = 1000
"""Rows read at a time while checking."""
_SPARE_BYTES = 16 * 1024 * 1024
"""Less free disk than this under SQLite counts as full: the write-ahead log needs room too."""


class DatabaseAudit:
    """See `rag.ports.AuditLog`.

    Args:
        head_file: where the copy of the head lies; `None` = no copy.
        proof_s: how long one successful write proves to `ready` that the next will work.
    """

    def __init__(
        self,
        database: Database,
        *,
        head_file: Path | None = None,
        proof_s: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._head_file = head_file
        self._proof_s = proof_s
        self._clock = clock
        self._proven_at: float | None = None
        self._waiting: list[tuple[AuditRow, asyncio.Future[str]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def ready(self) -> None:
        """Raises `Refused("audit.unavailable")` unless a row was just written, or a probe can be committed now."""
        if self._proven_at is not None and self._clock() - self._proven_at < self._proof_s:
            return
        try:
            self._check_disk()
            async with self._database.write() as connection:
                await connection.execute(update(audit_head).values(probed_at=now()))
        except (BelegError, OSError) as error:
            self._proven_at = None
            raise _refusal(error if isinstance(error, BelegError) else None) from error
        self._proven_at = self._clock()

    async def append(self, row: AuditRow) -> str:
        """Stores the row durably and returns its hash. Raises `Refused("audit.unavailable")` if it could not."""
        canonical(row.facts)  # a faulty row fails alone, not the batch that it would be in
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting.append((row, future))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_all())
        # The writer is a task of its own: a caller who is cancelled here takes nobody else's row with it.
        return await asyncio.shield(future)

    async def find(self, request_id: str) -> AuditRow | None:
        """The newest row with this id."""
        async with self._database.read() as connection:
            found = (await connection.execute(_newest(audit.c.id == request_id).limit(1))).first()
        return None if found is None else _stored(found).row

    async def rows(
        self,
        *,
        action: str | None = None,
        tenant: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 100,
    ) -> list[AuditRow]:
        """Newest first; `since <= at < until`."""
        wanted: list[ColumnElement[bool]] = []
        if action is not None:
            wanted.append(audit.c.action == action)
        if tenant is not None:
            wanted.append(audit.c.tenant == tenant)
        if since is not None:
            wanted.append(audit.c.at >= since)
        if until is not None:
            wanted.append(audit.c.at < until)
        async with self._database.read() as connection:
            found = (await connection.execute(_newest(*wanted).limit(limit))).all()
        return [_stored(row).row for row in found]

    async def verify(self) -> ChainReport:
        """Reads every row there is now and checks the chain against its head and the head's copy."""
        check = Check()
        check.expect(await asyncio.to_thread(_read_head, self._head_file))  # first: it may lag, never lead
        async with self._database.read() as connection:
            head, count = await _head_and_count(connection)
            while check.rows < head.rows:
                wanted = (audit.c.seq > check.rows) & (audit.c.seq <= head.rows)
                try:
                    page = (
                        await connection.execute(select(audit).where(wanted).order_by(audit.c.seq).limit(_PAGE))
                    ).all()
                except (ValueError, TypeError):
                    return check.unreadable()
                if not page or not await asyncio.to_thread(_see_all, check, page):
                    break
            return check.close(head, count=count)

    async def close(self) -> None:
        """Waits for rows whose callers have gone."""
        if self._writer is not None:
            await self._writer

    async def _write_all(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:_BATCH], self._waiting[_BATCH:]
            try:
                async with self._database.write(durable=True) as connection:
                    head, hashes = await chain_rows(connection, [row for row, _ in batch])
            except BelegError as error:
                self._proven_at = None
                log.error("audit.unwritten", extra={"rows": len(batch), "code": error.code})  # noqa: TRY400  # no texts
                _give(batch, _refusal(error))
                continue
            except BaseException:  # ours ends here: whoever still waits must hear of it
                left, self._waiting = self._waiting, []
                _give(batch + left, _refusal())
                raise
            self._proven_at = self._clock()
            for (_, future), hash_ in zip(batch, hashes, strict=True):
                if not future.done():
                    future.set_result(hash_)
            await self._copy_head(head)

    async def _copy_head(self, head: Head) -> None:
        """A copy that lags is still a true statement about an earlier row, so failing here loses no row."""
        try:
            await asyncio.to_thread(_write_head, self._head_file, head)
        except OSError:
            log.warning("audit.head_not_copied", extra={"rows": head.rows})

    def _check_disk(self) -> None:
        folder = self._database.folder
        if folder is not None and shutil.disk_usage(folder).free < _SPARE_BYTES:
            raise Permanent("database.full", "The database's disk is nearly full.")


async def chain_rows(connection: AsyncConnection, rows: Sequence[AuditRow]) -> tuple[Head, list[str]]:
    """Appends within the caller's transaction, so that an act and its record are stored together or not at all.

    Locks the head until the transaction ends: every writer of every process passes here one after the other.
    """
    start = await _head(connection, lock=True)
    seq, last = start.rows, start.hash
    values, hashes = [], []
    for row in rows:
        seq, facts = seq + 1, canonical(row.facts)
        last = link(last, seq, row, facts)
        hashes.append(last)
        values.append(
            {
                "seq": seq,
                "id": row.id,
                "at": row.at,
                "actor": row.actor,
                "tenant": row.tenant,
                "action": row.action,
                "outcome": row.outcome,
                "facts": facts,
                "hash": last,
            }
        )
    if values:
        await connection.execute(insert(audit), values)
        await connection.execute(update(audit_head).values(rows=seq, hash=last))
    return Head(rows=seq, hash=last), hashes


async def lock_chain(connection: AsyncConnection) -> None:
    """Taken first by a change that is recorded in its own transaction: such changes then come one after the other."""
    await _head(connection, lock=True)


async def _head(connection: AsyncConnection, *, lock: bool = False) -> Head:
    statement = select(audit_head.c.rows, audit_head.c.hash)
    found = (await connection.execute(statement.with_for_update() if lock else statement)).first()
    if found is None:
        raise _headless()
    return Head(rows=found[0], hash=found[1])


async def _head_and_count(connection: AsyncConnection) -> tuple[Head, int]:
    """In one statement, so that rows that are being appended are in both or in neither."""
    counted = select(func.count()).select_from(audit).scalar_subquery()
    found = (await connection.execute(select(audit_head.c.rows, audit_head.c.hash, counted))).first()
    if found is None:
        raise _headless()
    return Head(rows=found[0], hash=found[1]), found[2]


def _headless() -> Permanent:
    return Permanent("audit.no_head", "The audit log's recorded end is missing.", hint="Restore it from a backup.")


def _newest(*wanted: ColumnElement[bool]) -> Select[Any]:
    return select(audit).where(*wanted).order_by(audit.c.seq.desc())


def _stored(found: Row[Any], *, facts: dict[str, object] | None = None) -> Stored:
    fields = dict(found._mapping)  # noqa: SLF001  # SQLAlchemy's public name for it
    seq, text, hash_ = fields.pop("seq"), fields.pop("facts"), fields.pop("hash")
    row = AuditRow(**fields, facts=json.loads(text) if facts is None else facts)
    return Stored(seq=seq, row=row, facts=text, hash=hash_)


def _see_all(check: Check, page: Sequence[Row[Any]]) -> bool:
    return all(check.see(_stored(found, facts={})) for found in page)


def _give(batch: list[tuple[AuditRow, asyncio.Future[str]]], error: Refused) -> None:
    for _, future in batch:
        if not future.done():
            future.set_exception(error)
            future.exception()  # a caller who has gone must not turn this into a warning of the loop


def _refusal(cause: BelegError | None = None) -> Refused:
    why = f" {cause.message}" if cause else ""
    refusal = Refused(
        "audit.unavailable",
        f"The audit log cannot be written, so nothing may be answered.{why}",
        hint=cause.hint if cause else "Check the database.",
    )
    refusal.__cause__ = cause
    return refusal


def _read_head(file: Path | None) -> Head | None:
    if file is None or not file.exists():
        return None
    try:
        shape = json.loads(file.read_text(encoding="ascii"))
        return Head(rows=int(shape["rows"]), hash=str(shape["hash"]))
    except (ValueError, KeyError, TypeError) as error:
        raise Permanent("audit.head_file", f"{file} is not a copy of the audit log's end.") from error


def _write_head(file: Path | None, head: Head) -> None:
    if file is None:
        return
    part = file.with_name(f"{file.name}.{os.getpid()}")
    part.write_text(json.dumps({"rows": head.rows, "hash": head.hash}), encoding="ascii")
    part.replace(file)
