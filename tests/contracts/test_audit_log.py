"""What every audit log promises, and what ours can prove on top."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from state_values import NOON, audit_row

from rag.adapters.database.audit import DatabaseAudit
from rag.adapters.database.chain import START, link
from rag.adapters.database.engine import Database
from rag.errors import BelegError, Permanent, Refused
from rag.ports import AuditLog
from rag.testing import MemoryAudit

ROOT = Path(__file__).resolve().parents[2]


class AuditLogContract:
    """Subclass with a fixture `audit`."""

    async def test_a_working_log_is_ready(self, audit: AuditLog) -> None:
        """Asked before every answer, also before the first row."""
        await audit.ready()
        await audit.append(audit_row())
        await audit.ready()

    async def test_rows_are_chained(self, audit: AuditLog) -> None:
        """The same row twice has two hashes: each depends on all before it."""
        first, second = await audit.append(audit_row()), await audit.append(audit_row())
        assert len(first) == 64
        assert first != second

    async def test_a_fact_that_is_no_json_is_refused(self, audit: AuditLog) -> None:
        """It would be read back as something else, and the chain would break."""
        for value in (float("nan"), {1, 2}, b"x"):
            with pytest.raises(Permanent):
                await audit.append(audit_row(bad=value))


class TestMemoryAudit(AuditLogContract):
    @pytest.fixture
    def audit(self) -> AuditLog:
        return MemoryAudit()

    async def test_a_full_log_refuses(self) -> None:
        """Asked or written to, as the real one does."""
        audit = MemoryAudit()
        audit.full = True
        for ask in (audit.ready(), audit.append(audit_row())):
            with pytest.raises(Refused) as refused:
                await ask
            assert refused.value.code == "audit.unavailable"
        assert audit.rows == []


class TestDatabaseAudit(AuditLogContract):
    @pytest.fixture
    async def audit(self, database: Database, tmp_path: Path) -> AsyncIterator[DatabaseAudit]:
        opened = DatabaseAudit(database, head_file=tmp_path / "audit.head")
        yield opened
        await opened.close()

    async def test_an_empty_chain_is_whole(self, audit: DatabaseAudit) -> None:
        """A new instance proves that nothing has happened."""
        report = await audit.verify()
        assert (report.ok, report.rows) == (True, 0)

    async def test_the_first_hash_is_as_documented(self, audit: DatabaseAudit) -> None:
        """Anyone can recompute the chain from the rows."""
        row = audit_row()
        facts = json.dumps(row.facts, sort_keys=True, separators=(",", ":"))
        assert await audit.append(row) == link(START, 1, row, facts)

    async def test_a_row_is_found_by_its_request(self, audit: DatabaseAudit) -> None:
        """With every field as it was, the instant in UTC; the newest if there are two."""
        berlin = replace(audit_row(1), at=NOON.astimezone(timezone(timedelta(hours=1))), tenant=None)
        await audit.append(berlin)
        await audit.append(audit_row(2))
        assert await audit.find("req_1") == berlin
        assert await audit.find("req_9") is None
        later = replace(audit_row(2), outcome="failed")
        await audit.append(later)
        assert await audit.find("req_2") == later

    async def test_rows_are_listed_newest_first(self, audit: DatabaseAudit) -> None:
        """Filters are exact, `since` is included, `until` is not."""
        for number in range(1, 6):
            await audit.append(replace(audit_row(number), tenant="borealis" if number == 3 else "aurelia"))
        assert [row.id for row in await audit.rows(limit=2)] == ["req_5", "req_4"]
        assert [row.id for row in await audit.rows(tenant="borealis")] == ["req_3"]
        assert await audit.rows(action="key.create") == []
        span = await audit.rows(since=audit_row(2).at, until=audit_row(4).at)
        assert [row.id for row in span] == ["req_3", "req_2"]

    async def test_parallel_rows_form_one_chain(self, audit: DatabaseAudit) -> None:
        """None is lost, none is stored twice, and every caller has its own hash."""
        hashes = await asyncio.gather(*(audit.append(audit_row(n)) for n in range(300)))
        assert len(set(hashes)) == 300
        report = await audit.verify()
        assert (report.ok, report.rows) == (True, 300)

    async def test_a_bad_row_fails_alone(self, audit: DatabaseAudit) -> None:
        """Rows that are written together do not answer for each other."""
        results = await asyncio.gather(
            *(audit.append(audit_row(n, **({"x": float("inf")} if n == 3 else {}))) for n in range(6)),
            return_exceptions=True,
        )
        assert [isinstance(r, Permanent) for r in results] == [n == 3 for n in range(6)]
        assert (await audit.verify()).rows == 5

    async def test_a_cancelled_caller_takes_no_row_with_it(self, audit: DatabaseAudit) -> None:
        """Whoever hangs up is still on record."""
        task = asyncio.create_task(audit.append(audit_row()))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await audit.close()
        assert await audit.find("req_1") is not None

    async def test_two_processes_write_one_chain(self, audit: DatabaseAudit, database_url: str) -> None:
        """Writers of several processes never fork it."""
        script = (
            "import asyncio, sys; sys.path[:0] = ['tests', '.']\n"
            "from state_values import audit_row\n"
            "from rag.adapters.database.engine import Database\n"
            "from rag.adapters.database.audit import DatabaseAudit\n"
            "async def main():\n"
            "    database = Database(sys.argv[1], busy_s=60); audit = DatabaseAudit(database)\n"
            "    for n in range(20): await asyncio.gather(*(audit.append(audit_row(n)) for _ in range(5)))\n"
            "    await database.close()\n"
            "asyncio.run(main())\n"
        )
        others = [subprocess.Popen([sys.executable, "-c", script, database_url], cwd=ROOT) for _ in range(2)]
        for number in range(50):
            await audit.append(audit_row(number))
        assert [await asyncio.to_thread(other.wait) for other in others] == [0, 0]
        report = await audit.verify()
        assert (report.ok, report.rows, report.problem) == (True, 250, "")

    async def test_a_killed_writer_loses_no_row_that_it_was_told_of(
        self, audit: DatabaseAudit, database_url: str
    ) -> None:
        """Killed (-9) between any two instructions: every acknowledged row is there, and the chain goes on."""
        script = (
            "import asyncio, sys; sys.path[:0] = ['tests', '.']\n"
            "from state_values import audit_row\n"
            "from rag.adapters.database.engine import Database\n"
            "from rag.adapters.database.audit import DatabaseAudit\n"
            "async def one(audit, n):\n"
            "    print(await audit.append(audit_row(n)), flush=True)\n"
            "async def main():\n"
            "    audit = DatabaseAudit(Database(sys.argv[1], busy_s=60))\n"
            "    while True: await asyncio.gather(*(one(audit, n) for n in range(7)))\n"
            "asyncio.run(main())\n"
        )
        writer = subprocess.Popen(
            [sys.executable, "-c", script, database_url], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        told = [(await asyncio.to_thread(writer.stdout.readline)).strip() for _ in range(40)]
        writer.kill()
        told += [line.strip() for line in await asyncio.to_thread(writer.stdout.readlines) if line.endswith("\n")]
        await asyncio.to_thread(writer.wait)
        writer.stdout.close()
        await audit.append(audit_row(99))
        report = await audit.verify()
        assert (report.ok, report.problem) == (True, "")
        async with audit._database.read() as connection:
            stored = set((await connection.execute(text("SELECT hash FROM audit"))).scalars())
        assert set(told) <= stored

    @pytest.mark.parametrize(
        "statement", ["UPDATE audit SET actor = 'x' WHERE seq = 2", "DELETE FROM audit WHERE seq = 2"]
    )
    async def test_the_database_itself_refuses_changes(
        self, audit: DatabaseAudit, database: Database, statement: str
    ) -> None:
        """A program with the platform's own rights cannot rewrite the past by accident."""
        for number in range(3):
            await audit.append(audit_row(number))
        with pytest.raises((BelegError, DBAPIError)):
            await _tamper(database, statement, guarded=True)
        assert (await audit.verify()).ok

    @pytest.mark.parametrize(
        ("statements", "bad", "says"),
        [
            (["UPDATE audit SET actor = 'mallory' WHERE seq = 3"], 3, "Row 3 was changed"),
            (["UPDATE audit SET facts = '{}' WHERE seq = 3"], 3, "Row 3 was changed"),
            (["UPDATE audit SET facts = 'no json' WHERE seq = 5"], 5, "Row 5 was changed"),
            (["UPDATE audit SET at = '2020-01-01 00:00:00.000000' WHERE seq = 1"], 1, "Row 1 was changed"),
            (["DELETE FROM audit WHERE seq = 3"], 3, "Row 3 is missing"),
            (["DELETE FROM audit WHERE seq = 1"], 1, "Row 1 is missing"),
            (
                [
                    "UPDATE audit SET seq = 99 WHERE seq = 2",
                    "UPDATE audit SET seq = 2 WHERE seq = 3",
                    "UPDATE audit SET seq = 3 WHERE seq = 99",
                ],
                2,
                "Row 2 was changed",
            ),
            (["DELETE FROM audit WHERE seq = 5"], 5, "The end was cut off"),
            (["DELETE FROM audit"], 1, "The end was cut off"),
            (
                [
                    "INSERT INTO audit SELECT 6, id, at, actor, tenant, action, outcome, facts, hash FROM audit WHERE seq = 5"
                ],
                None,
                "outside the chain",
            ),
        ],
    )
    async def test_tampering_shows(
        self, audit: DatabaseAudit, database: Database, statements: list[str], bad: int | None, says: str
    ) -> None:
        """Whatever is changed, dropped, swapped, cut or added with the guards off, the check names the first bad row."""
        for number in range(1, 6):
            await audit.append(audit_row(number))
        for statement in statements:
            await _tamper(database, statement)
        report = await audit.verify()
        assert (report.ok, report.bad_seq) == (False, bad)
        assert says in report.problem

    async def test_a_cut_that_also_mends_the_head_shows_by_the_copy(
        self, audit: DatabaseAudit, database: Database
    ) -> None:
        """Whoever rewrites the database as a whole has still not rewritten the file."""
        hashes = [await audit.append(audit_row(number)) for number in range(1, 6)]
        await audit.close()
        await _tamper(database, "DELETE FROM audit WHERE seq > 3")
        await _tamper(database, f"UPDATE audit_head SET rows = 3, hash = '{hashes[2]}'")  # noqa: S608  # a forger's own
        report = await audit.verify()
        assert (report.ok, report.bad_seq) == (False, 4)
        without_copy = await DatabaseAudit(database).verify()
        assert without_copy.ok, "this is what the copy is for"

    async def test_a_rewritten_chain_shows_by_the_copy(self, audit: DatabaseAudit, database: Database) -> None:
        """New hashes throughout fit each other, but not what was recorded apart."""
        for number in range(1, 3):
            await audit.append(audit_row(number))
        await audit.close()
        await _tamper(database, "DELETE FROM audit")
        await _tamper(database, f"UPDATE audit_head SET rows = 0, hash = '{START}'")  # noqa: S608  # a forger's own
        forger = DatabaseAudit(database)
        for number in range(11, 14):
            await forger.append(audit_row(number))
        report = await audit.verify()
        assert not report.ok
        assert "rewritten" in report.problem

    async def test_a_copy_that_lags_is_no_alarm(self, audit: DatabaseAudit, database: Database, tmp_path: Path) -> None:
        """A crash between the rows and the copy leaves an older, true statement."""
        await audit.append(audit_row(1))
        await audit.close()
        old = (tmp_path / "audit.head").read_text(encoding="ascii")
        await audit.append(audit_row(2))
        await audit.close()
        (tmp_path / "audit.head").write_text(old, encoding="ascii")
        assert (await audit.verify()).ok

    async def test_a_log_without_a_database_is_not_ready(self) -> None:
        """Nothing may be answered that cannot be recorded; the asker is told so in one sentence."""
        database = Database("postgresql://beleg@127.0.0.1:9/beleg", busy_s=1)
        audit = DatabaseAudit(database)
        with pytest.raises(Refused) as refused:
            await audit.ready()
        assert refused.value.code == "audit.unavailable"
        with pytest.raises(Refused):
            await audit.append(audit_row())
        await database.close()

    async def test_a_log_that_recovers_is_ready_again(self, sqlite_url: str) -> None:
        """A lock that another process held is forgotten once it is gone."""
        database, blocker = Database(sqlite_url, busy_s=0.1), Database(sqlite_url)
        audit = DatabaseAudit(database)
        async with blocker.write():
            with pytest.raises(Refused):
                await audit.append(audit_row())
            with pytest.raises(Refused):
                await audit.ready()
        await audit.ready()
        await audit.append(audit_row())
        assert (await audit.verify()).rows == 1
        await database.close()
        await blocker.close()


async def _tamper(database: Database, statement: str, *, guarded: bool = False) -> None:
    """As someone who may alter tables would do it: first the guards go."""
    async with database.write() as connection:
        if not guarded and database.is_sqlite:
            for name in ("audit_no_update", "audit_no_delete"):
                await connection.execute(text(f"DROP TRIGGER IF EXISTS {name}"))
        elif not guarded:
            await connection.execute(text("ALTER TABLE audit DISABLE TRIGGER ALL"))
        await connection.execute(text(statement))
