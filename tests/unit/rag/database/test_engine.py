"""A database that cannot do what is asked says so in our words, and nothing is lost."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import insert, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError
from state_values import cleared, entry, receipt, zone

from rag.adapters.database.engine import Database, async_url
from rag.adapters.database.ledger import DatabaseLedger
from rag.adapters.database.library import DatabaseLibrary
from rag.adapters.database.schema import audit_head
from rag.adapters.database.stored_text import pack
from rag.errors import Permanent, Temporary


@pytest.mark.parametrize(
    ("given", "driver"),
    [
        ("sqlite:////x/y.sqlite", "sqlite+aiosqlite"),
        ("sqlite+aiosqlite:////x/y.sqlite", "sqlite+aiosqlite"),
        ("postgres://u@h/d", "postgresql+psycopg"),
        ("postgresql+psycopg2://u@h/d", "postgresql+psycopg"),
    ],
)
def test_any_spelling_of_a_url_gets_our_driver(given: str, driver: str) -> None:
    """An operator writes the URL that their database's manual shows."""
    assert async_url(given).drivername == driver


@pytest.mark.parametrize("url", ["mysql://u@h/d", "sqlite://", "sqlite:///:memory:"])
def test_what_we_cannot_use_is_refused_at_once(url: str) -> None:
    """Another kind of database, or one that two processes could not share."""
    with pytest.raises(Permanent) as error:
        Database(url)
    assert error.value.code == "database.unknown"


async def test_a_full_disk_loses_nothing(sqlite_url: str) -> None:
    """What was stored stays, what was not is told apart, and once there is room it works again."""
    database = Database(sqlite_url, pool=1)
    ledger, library = DatabaseLedger(database), DatabaseLibrary(database)
    await ledger.record(entry(receipt("first")))
    async with database.read() as connection:
        pages = (await connection.execute(text("PRAGMA page_count"))).scalar_one()
        await connection.execute(text(f"PRAGMA max_page_count = {pages}"))
    noise = "".join(f"{n * n:x}" for n in range(100_000))  # does not compress into a free page
    with pytest.raises(Temporary) as error:
        await library.keep(cleared(text=noise))
    assert error.value.code == "database.full"
    assert "disk is full" in error.value.message
    assert await library.cleared("doc-1", "v1") is None
    assert set(await ledger.entries("handbuch")) == {"first"}
    async with database.read() as connection:
        await connection.execute(text("PRAGMA max_page_count = 100000"))
    await library.keep(cleared(text=noise))
    assert (await library.cleared("doc-1", "v1")) is not None
    await database.close()


async def test_a_locked_database_is_a_matter_of_time(database_url: str) -> None:
    """Who waits too long for another writer is told to come back; reading goes on meanwhile."""
    holder, other = Database(database_url), Database(database_url, busy_s=0.1)
    ledger = DatabaseLedger(other)
    async with holder.write() as connection:
        lock = "SELECT 1" if holder.is_sqlite else "LOCK TABLE zones IN SHARE MODE"
        await connection.execute(text(lock))
        with pytest.raises(Temporary) as error:
            await ledger.add_zone(zone())
        assert error.value.code == "database.locked"
        assert await ledger.zones() == []
    await ledger.add_zone(zone())
    await holder.close()
    await other.close()


async def test_a_server_that_is_away_is_temporary() -> None:
    """No stack of the driver's errors, one sentence."""
    database = Database("postgresql://beleg@127.0.0.1:9/beleg", busy_s=1)
    with pytest.raises(Temporary) as error:
        await DatabaseLedger(database).zones()
    assert error.value.code == "database.unavailable"
    await database.close()


async def test_a_server_that_comes_back_is_used_again(postgres_url: str) -> None:
    """Connections that a restart has cut are replaced, not handed out."""
    database = Database(postgres_url, pool=1)
    ledger = DatabaseLedger(database)
    await ledger.add_zone(zone())
    cutter = Database(postgres_url)
    async with cutter.read() as connection:
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        await connection.execute(text(cut))
    assert await ledger.zones() == [zone()]
    await cutter.close()
    await database.close()


async def test_a_database_without_tables_names_the_remedy(empty_database_url: str, tmp_path: Path) -> None:
    """Whoever forgot to migrate learns how."""
    (tmp_path / "new").mkdir()
    database = Database(empty_database_url)
    with pytest.raises(Permanent) as error:
        await DatabaseLedger(database).zones()
    assert error.value.code == "database.not_migrated"
    await database.close()


async def test_a_file_that_is_no_database_is_said_so(tmp_path: Path) -> None:
    """A damaged file is not retried for ever."""
    (tmp_path / "x.sqlite").write_bytes(b"this is not a database file at all" * 100)
    database = Database(f"sqlite:///{tmp_path / 'x.sqlite'}")
    with pytest.raises(Permanent) as error:
        await DatabaseLedger(database).zones()
    assert error.value.code == "database.damaged"
    await asyncio.sleep(0.1)  # the driver's thread of the connection that never opened ends by itself
    await database.close()


async def test_an_error_shows_no_value(database: Database) -> None:
    """A statement's parameters may be text of a document."""
    async with database.write() as connection:
        with pytest.raises(IntegrityError) as error:
            await connection.execute(insert(audit_head).values(id=1, rows=0, hash="geheimer Satz"))
        assert "geheimer Satz" not in str(error.value)
        await connection.rollback()


async def test_a_write_that_fails_half_way_leaves_nothing(database: Database) -> None:
    """All of a transaction, or none."""
    ledger = DatabaseLedger(database)
    with pytest.raises(RuntimeError):
        await _delete_then_fail(database)
    async with database.read() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM audit_head"))).scalar_one() == 1
    await ledger.add_zone(zone())  # and the lock is free again


async def _delete_then_fail(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(text("DELETE FROM audit_head"))
        raise RuntimeError


async def test_writers_of_one_process_take_turns(sqlite_url: str) -> None:
    """A hundred at once on SQLite all succeed, although each waits at most a moment for other processes."""
    database = Database(sqlite_url, busy_s=0.5)
    ledger = DatabaseLedger(database)
    await asyncio.gather(*(ledger.record(entry(receipt(f"{n}"))) for n in range(100)))
    assert len(await ledger.entries("handbuch")) == 100
    await database.close()


async def test_what_was_forgotten_is_in_no_file_of_the_database(sqlite_url: str) -> None:
    """The write-ahead log keeps deleted pages for as long as processes live, so it is emptied before a receipt is signed."""
    database = Database(sqlite_url)
    library, made = DatabaseLibrary(database), cleared(text="".join(f"{n * n:x}" for n in range(9_000)))
    await library.keep(made)
    packed, files = pack(made)[500:900], [Path(f"{database_file(sqlite_url)}{end}") for end in ("", "-wal")]
    assert any(packed in file.read_bytes() for file in files)
    await library.forget(made.document.id)
    await library.overwrite()
    assert not any(packed in file.read_bytes() for file in files)
    await database.close()


async def test_while_somebody_reads_all_the_time_it_is_said_that_it_waits(sqlite_url: str) -> None:
    """A receipt is not signed over a log that could not be emptied."""
    database, reader = Database(sqlite_url, busy_s=0.1), sqlite3.connect(database_file(sqlite_url))
    await DatabaseLibrary(database).keep(cleared())
    reader.execute("BEGIN").execute("SELECT count(*) FROM texts").fetchone()
    await DatabaseLibrary(database).forget("doc-1")
    with pytest.raises(Temporary) as error:
        await DatabaseLibrary(database).overwrite()
    assert error.value.code == "database.locked"
    reader.close()
    await DatabaseLibrary(database).overwrite()
    await database.close()


def database_file(url: str) -> str:
    return str(make_url(url).database)
