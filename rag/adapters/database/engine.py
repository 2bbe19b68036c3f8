"""One SQL database behind every stored noun: SQLite by default, PostgreSQL by URL. Opened in `compose`, closed there.

Reads run outside transactions, one statement each. Writes are short transactions that take the write lock at once, so
that they never fail half way for a lock they could not upgrade. SQLAlchemy's errors end here, as `Temporary` or
`Permanent`; integrity errors travel on, because only the caller knows what a duplicate means.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.sql.dml import Insert

from rag.errors import BelegError, Permanent, Temporary

_FULL = {"SQLITE_FULL", "53100", "53200"}
_LOCKED = {"SQLITE_BUSY", "SQLITE_LOCKED", "55P03", "57014", "40001", "40P01"}
_READ_ONLY = {"SQLITE_READONLY", "SQLITE_PERM", "25006"}
_DAMAGED = {"SQLITE_CORRUPT", "SQLITE_NOTADB", "XX001", "XX002"}
_NOT_MIGRATED = {"42P01", "42703"}


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
    """What holds for every SQLite connection. `connection`: DB-API, in autocommit. WAL is set in the file already."""
    cursor = connection.cursor()
    for pragma in ("synchronous=NORMAL", "foreign_keys=ON", "temp_store=MEMORY"):
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


@contextmanager
def translated() -> Iterator[None]:
    """SQLAlchemy's and the system's errors → ours, cause kept. Integrity errors and our own pass."""
    try:
        yield
    except IntegrityError:
        raise
    except DBAPIError as error:
        raise _translation(error) from error
    except (PoolTimeout, OSError) as error:
        raise _unavailable() from error
    except SQLAlchemyError as error:
        raise Permanent("database.defect", f"A database statement is at fault ({type(error).__name__}).") from error


def _translation(error: DBAPIError) -> BelegError:
    cause: Any = error.orig
    state = str(getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None) or "")
    family = "_".join(state.split("_")[:2])  # SQLITE_BUSY_SNAPSHOT → SQLITE_BUSY
    if family in _FULL:
        return Temporary(
            "database.full",
            "The database's disk is full; nothing was lost, but nothing more can be stored.",
            hint="Free some space, then try again.",
            after_s=30.0,
        )
    if family in _LOCKED:
        return Temporary(
            "database.locked",
            "Another process keeps the database busy.",
            hint="Try again in a few seconds.",
            after_s=2.0,
        )
    if family in _READ_ONLY:
        return Temporary(
            "database.read_only",
            "The database cannot be written to.",
            hint="Check who owns the database file and its folder.",
            after_s=30.0,
        )
    if family in _DAMAGED:
        return Permanent("database.damaged", "The database file is damaged.", hint="Restore it from a backup.")
    if family in _NOT_MIGRATED or "no such table" in str(cause) or "no such column" in str(cause):
        return Permanent(
            "database.not_migrated", "The database has not been prepared for this version.", hint="Run `beleg up` once."
        )
    return _unavailable() if _is_connection_trouble(error, state) else _defect(error, state)


def _is_connection_trouble(error: DBAPIError, state: str) -> bool:
    return error.connection_invalidated or not state or state.startswith(("08", "53", "57", "58", "SQLITE_"))


def _unavailable() -> Temporary:
    return Temporary(
        "database.unavailable",
        "The database cannot be reached.",
        hint="Check that it runs and that its address is right.",
        after_s=2.0,
    )


def _defect(error: DBAPIError, state: str) -> Permanent:
    return Permanent("database.defect", f"The database refused a statement ({state or type(error).__name__}).")
