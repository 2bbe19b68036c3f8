"""An endpoint that has enough is left alone by every process of an instance: two real ones, on both databases."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from embedding_service import embedding_service

from rag.adapters.database.engine import Database
from rag.adapters.database.pauses import DatabasePauses

HERE = Path(__file__)
ROOT = HERE.parents[4]


@pytest.mark.parametrize("as_date", [False, True])
async def test_two_processes_keep_one_pause(database: Database, database_url: str, as_date: bool) -> None:
    """One is told to stay away; the other has not been, and does not call either. Then both go on."""
    with embedding_service() as service:
        first, second = (_process(database_url, service.url) for _ in range(2))
        service.limit(2, as_date=as_date)
        _begin(first)
        while await DatabasePauses(database).until("127.0.0.1/house-embedder") is None:
            await asyncio.sleep(0.01)
            assert first.poll() is None, first.communicate()
        _begin(second)
        told = await asyncio.gather(*(asyncio.to_thread(one.communicate, timeout=60) for one in (first, second)))
    assert [out.strip() for out, _ in told] == ["5 rows", "5 rows"], told
    assert service.disturbed == 0
    assert len(service.asked) == 11


def _process(database_url: str, url: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, HERE.with_name("embedding_process.py"), database_url, url], cwd=ROOT, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip


def _begin(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()
