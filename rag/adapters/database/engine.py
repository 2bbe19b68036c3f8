"""One SQL database behind every stored noun: SQLite by default, PostgreSQL by URL. Opened in `compose`, closed there.

Reads run outside transactions, one statement each. Writes are short transactions that take the write lock at once, so
that they never fail half way for a lock they could not upgrade. Drivers' errors end here (`translation`).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.sql.dml import Insert

from rag.adapters.database.translation import locked, translated
from rag.errors import Permanent


class Database:
    """An engine with our rules on it.

    Args:
        url: SQLAlchemy URL; `sqlite:` and `postgresql:` get their async driver.
        busy_s: how long a write waits for another process's write before it says `Temporary("database.locked")`.
        pool: connections kept open.
    """

    def __init__(self, url: str, *, busy_s: float = 10.0, pool: int = 8) -> None:
        target = async_url(url)
        self.is_sqlite = target.get_backend_name() == "sqlite"
        self.folder = Path(target.database or ".").parent if self.is_sqlite else None
        self.engine = _open_sqlite(target, busy_s, pool) if self.is_sqlite else _open_postgres(target, busy_s, pool)
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection for `SELECT`s, each with its own snapshot. In WAL mode they never wait for a writer."""
        with translated():
            async with self.engine.connect() as connection:
                yield connection

    @asynccontextmanager
    async def write(self, *, durable: bool = False) -> AsyncIterator[AsyncConnection]:
        """One transaction: committed at the end, rolled back on any error.

        Args:
            durable: survives a power cut as well as a crash. Costs an fsync on SQLite; PostgreSQL always does.
        """
        with translated():
            if not self.is_sqlite:
                async with self.engine.begin() as connection:
                    yield connection
                return
            # SQLite has one writer: waiting here in turn is fairer and quicker than its sleep-and-retry.
            async with self._turn, self.engine.connect() as connection:
                await connection.execution_options(sqlite_begin="FULL" if durable else "NORMAL")
                async with connection.begin():
                    yield connection

    async def overwrite_log(self) -> None:
        """SQLite's log goes into the file and is emptied: a row that was deleted and zeroed there still stands in it, for as
        long as processes live. Raises `Temporary("database.locked")` while somebody reads all the time. PostgreSQL clears its own.
        """
        if not self.is_sqlite:
            return
        with translated():
            async with self.engine.connect() as connection:
                is_busy, *_ = (await connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")).one()
        if is_busy:
            raise locked()

    def upsert(self, table: Table, values: dict[str, Any], *, keys: tuple[str, ...], keep: bool = False) -> Insert:
        """An insert that overwrites the row with the same `keys`, or leaves it as it is if `keep`."""
        statement: Any = (sqlite.insert if self.is_sqlite else postgresql.insert)(table).values(**values)
        changed = {name: statement.excluded[name] for name in values if name not in keys}
        insert: Insert = (
            statement.on_conflict_do_update(index_elements=list(keys), set_=changed)
            if changed and not keep
            else statement.on_conflict_do_nothing(index_elements=list(keys))
        )
        return insert

    async def close(self) -> None:
        """Waits for connections in use, then closes all."""
        await self.engine.dispose()


def async_url(url: str) -> URL:
    """The URL with the driver that the async engine needs."""
    return _with_driver(url, {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg"})


def sync_url(url: str) -> URL:
    """The same for migrations, which run before any loop does."""
    return _with_driver(url, {"sqlite": "sqlite+pysqlite", "postgresql": "postgresql+psycopg"})


def _with_driver(url: str, drivers: dict[str, str]) -> URL:
    parsed = make_url(url.replace("postgres://", "postgresql://", 1))
    name = parsed.get_backend_name()
    if name not in drivers:
        raise Permanent(
            "database.unknown", f"Databases of the kind {name!r} are not supported.", hint="Use sqlite: or postgresql:."
        )
    return parsed.set(drivername=drivers[name])


def _open_sqlite(url: URL, busy_s: float, pool: int) -> AsyncEngine:
    if url.database in {None, "", ":memory:"}:
        raise Permanent("database.unknown", "SQLite needs a file: a database in memory cannot be shared.")
    # isolation_level None: the driver begins nothing by itself, so that we may say BEGIN IMMEDIATE.
    engine = create_async_engine(
        url,
        pool_size=pool,
        max_overflow=pool,
        hide_parameters=True,
        connect_args={"isolation_level": None, "timeout": busy_s},
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _prepare(connection: Any, _: object) -> None:
        prepare_sqlite(connection)

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Connection) -> None:
        level = connection.get_execution_options().get("sqlite_begin")
        if level is not None:
            connection.exec_driver_sql(f"PRAGMA synchronous={level}")
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def prepare_sqlite(connection: Any) -> None:
    """What holds for every SQLite connection. `connection`: DB-API, in autocommit. WAL is set in the file already.

    Deleted rows are overwritten with zeros: a text that was taken out must not lie on in a free page.
    """
    cursor = connection.cursor()
    for pragma in ("synchronous=NORMAL", "foreign_keys=ON", "temp_store=MEMORY", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _open_postgres(url: URL, busy_s: float, pool: int) -> AsyncEngine:
    limits = f"-c lock_timeout={int(busy_s * 1000)} -c idle_in_transaction_session_timeout=60000 -c timezone=UTC"
    return create_async_engine(
        url,
        pool_size=pool,
        max_overflow=pool,
        pool_pre_ping=True,
        pool_timeout=busy_s,
        hide_parameters=True,
        connect_args={"connect_timeout": max(2, int(busy_s)), "options": limits},
    )
