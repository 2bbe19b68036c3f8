"""Brings a database to this version's tables: `upgrade(url)`, before anything opens it. Two may run it at once.

The whole upgrade is one transaction under one lock (SQLite's write lock, a PostgreSQL advisory lock): a crash in the
middle leaves the old state, and the second process finds nothing left to do.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.pool import NullPool

from rag.adapters.database.engine import sync_url
from rag.adapters.database.translation import translated
from rag.errors import Permanent

_FOLDER = Path(__file__).parent / "migrations"
_LOCK = 0x62656C6567
"""Any fixed number: names our advisory lock among other applications' in the same database."""


def upgrade(url: str, *, wait_s: float = 60.0) -> str:
    """Creates or upgrades the tables. Returns the revision that the database now has.

    Raises `Temporary` when it cannot be reached or stays locked for `wait_s`, `Permanent("database.too_new")` when a
    newer version of the platform has been here.
    """
    config = Config()
    config.set_main_option("script_location", str(_FOLDER))
    head = ScriptDirectory.from_config(config).get_current_head() or ""
    with translated():
        engine = _open(url, wait_s)
        try:
            if _revision(engine) != head:
                _upgrade(engine, config)
            return head
        finally:
            engine.dispose()


def _upgrade(engine: Engine, config: Config) -> None:
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        found = MigrationContext.configure(connection).get_current_revision()
        if found is not None and found not in {
            s.revision for s in ScriptDirectory.from_config(config).walk_revisions()
        }:
            raise Permanent(
                "database.too_new",
                "The database was prepared by a newer version of Beleg.",
                hint="Start that version, or restore the backup made before the upgrade.",
            )
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _revision(engine: Engine) -> str | None:
    """Without a transaction, so that a start on a database that is up to date waits for nobody."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT", begin=False) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def _open(url: str, wait_s: float) -> Engine:
    target = sync_url(url)
    if target.get_backend_name() != "sqlite":
        options = f"-c lock_timeout={int(wait_s * 1000)}"
        return create_engine(
            target, poolclass=NullPool, hide_parameters=True, connect_args={"connect_timeout": 10, "options": options}
        )
    path = Path(target.database or "")
    path.parent.mkdir(parents=True, exist_ok=True)
    _switch_to_wal(path, wait_s)
    engine = create_engine(
        target, poolclass=NullPool, hide_parameters=True, connect_args={"isolation_level": None, "timeout": wait_s}
    )

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if connection.get_execution_options().get("begin", True):
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _switch_to_wal(path: Path, wait_s: float) -> None:
    """WAL stays set in the file. SQLite does not wait its busy time for this switch, so two first starts collide."""
    deadline = time.monotonic() + wait_s
    while True:
        connection = sqlite3.connect(path, timeout=wait_s, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode=WAL").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname not in {"SQLITE_BUSY", "SQLITE_LOCKED"} or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
        finally:
            connection.close()
