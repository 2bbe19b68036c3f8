"""Migrations bring any database to this version's tables, whoever starts first."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, text

from rag.adapters.database.engine import sync_url
from rag.adapters.database.migrate import upgrade
from rag.adapters.database.schema import metadata
from rag.errors import Permanent, Temporary

ROOT = Path(__file__).resolve().parents[4]


def test_from_nothing_to_now_and_again(empty_database_url: str) -> None:
    """A second upgrade finds nothing to do and changes nothing."""
    assert upgrade(empty_database_url) == upgrade(empty_database_url)
    engine = create_engine(sync_url(empty_database_url))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM audit_head")).scalar_one() == 1
    engine.dispose()


def test_models_and_migrations_agree(database_url: str) -> None:
    """A table that the code expects and no revision makes would fail at the first customer."""
    engine = create_engine(sync_url(database_url))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_two_first_starts_at_once(empty_database_url: str) -> None:
    """Both succeed; one does the work."""
    script = "import sys; sys.path.insert(0, '.')\nfrom rag.adapters.database.migrate import upgrade\nprint(upgrade(sys.argv[1]))"
    arguments = [sys.executable, "-c", script, empty_database_url]
    starts = [
        subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    told = [start.communicate() for start in starts]
    assert [start.returncode for start in starts] == [0] * 4, told
    assert len({out for out, _ in told}) == 1


def test_a_newer_database_is_left_alone(empty_database_url: str) -> None:
    """Old code on new tables would write what the new code cannot read."""
    upgrade(empty_database_url)
    engine = create_engine(sync_url(empty_database_url))
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Permanent) as error:
        upgrade(empty_database_url)
    assert error.value.code == "database.too_new"
    with engine.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == "9999"
    engine.dispose()


def test_a_locked_file_is_waited_for_and_then_reported(tmp_path: Path) -> None:
    """In one sentence, not after a minute of silence: the wait is the caller's choice."""
    url = f"sqlite:///{tmp_path / 'x.sqlite'}"
    engine = create_engine(url)
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN EXCLUSIVE")
        with pytest.raises(Temporary):
            upgrade(url, wait_s=0.2)
    engine.dispose()
    upgrade(url)


def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "file").write_text("x", encoding="ascii")
    with pytest.raises(Temporary):
        upgrade(f"sqlite:///{tmp_path / 'file' / 'x.sqlite'}")


def test_stored_texts_survive_the_reading_of_their_parser(empty_database_url: str) -> None:
    """Up from before it was written down, and down again: of two readings the first stays."""
    target = sync_url(empty_database_url)
    if target.get_backend_name() == "sqlite":
        Path(str(target.database)).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(target)
    stored = text("SELECT version, content FROM texts ORDER BY version, kept_at")
    config = Config()
    config.set_main_option("script_location", str(ROOT / "rag" / "adapters" / "database" / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0010")
        connection.execute(
            text("INSERT INTO texts (document_id, version, content, kept_at) VALUES ('d', 'v', :content, :at)"),
            {"content": b"old", "at": "2026-01-01 00:00:00"},
        )
        command.upgrade(config, "0011")
        connection.execute(
            text(
                "INSERT INTO texts (document_id, version, parser, content, kept_at) VALUES ('d', 'v', 'p2', :content, :at)"
            ),
            {"content": b"new", "at": "2026-01-02 00:00:00"},
        )
        assert [bytes(content) for _, content in connection.execute(stored)] == [b"old", b"new"]
        command.downgrade(config, "0010")
        assert [bytes(content) for _, content in connection.execute(stored)] == [b"old"]
    engine.dispose()
