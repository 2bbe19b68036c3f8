"""The whole ingest process on a real Prefect server, and one run in a process of its own."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.settings import PREFECT_API_URL, temporary_settings

from flows.worker import work
from rag.testing import MemoryHints, MemoryLedger, zone
from rag.testing_stores import MemoryErasures
from tests.real.office import Office

ROOT = Path(__file__).resolve().parents[2]


@asynccontextmanager
async def working(
    office: Office, ledger: MemoryLedger, hints: MemoryHints, swept: asyncio.Queue[str]
) -> AsyncIterator[None]:
    """While the body runs; then it is told to end, and does. What it raises, the test raises."""
    rag: Any = SimpleNamespace(ledger=ledger, state=SimpleNamespace(hints=hints, erasures=MemoryErasures()))
    stop = asyncio.Event()

    def flow_of(_: object, *, tell: object) -> Any:
        return office.desk._flows["ingest"]

    async with asyncio.timeout(300), asyncio.TaskGroup() as tasks:
        tasks.create_task(work(rag, tell=print, stop=stop, sweep_s=300, after_sweep=swept.put_nowait, flow=flow_of))
        yield
        stop.set()


async def test_the_whole_worker_turns_hints_and_files_into_runs(office: Office, tmp_path: Path) -> None:
    """A storage event that another process has told, and a file that is dropped, each become a run; then it ends when told."""
    stored, folder = zone("stored"), replace(zone("folder"), url=str(tmp_path))
    hints, swept = MemoryHints(), asyncio.Queue[str]()
    async with working(office, MemoryLedger(stored, folder), hints, swept):
        assert {await swept.get(), await swept.get()} == {"stored", "folder"}
        await hints.tell(frozenset({"stored", "unknown"}))
        while await swept.get() != "stored":
            pass  # the watcher's first hint may have led to another look at the folder
        (tmp_path / "a.txt").write_text("x", encoding="utf-8")
        assert await swept.get() == "folder"


async def test_a_held_zone_is_no_deployment_until_it_is_published(office: Office, tmp_path: Path) -> None:
    """No schedule, no file and no storage event reaches it, and nobody can start it here; then it is swept at once. Also a
    zone of that name which was removed and came back held begins anew.
    """
    ledger, hints, swept = MemoryLedger(zone("open")), MemoryHints(), asyncio.Queue[str]()
    held = replace(zone("held"), url=str(tmp_path), held=True)

    async def is_left_alone() -> None:
        await ledger.add_zone(held)
        (tmp_path / "a.txt").write_text("x", encoding="utf-8")
        await hints.tell(frozenset({"held", "open"}))
        assert await swept.get() == "open"
        assert "held" not in {one.name for one in await office.client.read_deployments()}

    async def is_swept_once_published() -> None:
        await ledger.publish_zone("held")
        while await swept.get() != "held":
            pass
        assert (await office.deployment("held")).parameters == {"zone": "held"}

    async with working(office, ledger, hints, swept):
        assert await swept.get() == "open"
        await is_left_alone()
        await is_swept_once_published()
        await ledger.remove_zone("held")
        while "held" in {one.name for one in await office.client.read_deployments()}:
            await asyncio.sleep(0.1)
        while not swept.empty():
            swept.get_nowait()
        await is_left_alone()
        await is_swept_once_published()


def test_a_run_in_a_process_of_its_own(prefect_url: str, tmp_path: Path) -> None:
    """By the command that a container gets: the entrypoint opens the chain by the settings, sweeps the zone, and tells.
    A held zone it refuses, and says what to do.
    """
    (tmp_path / "zone").mkdir()
    (tmp_path / "zone" / "a.txt").write_text("The warehouse opens at seven.\n", encoding="utf-8")
    told = os.environ | {
        "BELEG_HOME": str(tmp_path / "home"),
        "PREFECT_API_URL": prefect_url,
        "PREFECT_HOME": str(tmp_path / "p"),
    }
    beleg = [sys.executable, "-m", "beleg", "zone"]
    add = [*beleg, "add", str(tmp_path / "zone"), "--name", "alone", "--hold"]
    subprocess.run(add, env=told, cwd=ROOT, check=True, capture_output=True)
    with temporary_settings({PREFECT_API_URL: prefect_url}), get_client(sync_client=True) as client:
        flow_id = client.create_flow_from_name("ingest")
        deployment = client.create_deployment(
            flow_id, "alone", entrypoint="flows/job.py:ingest", parameters={"zone": "alone"},
            pull_steps=[{"prefect.deployments.steps.set_working_directory": {"directory": str(ROOT)}}],
        )  # fmt: skip

        def executed() -> tuple[FlowRun, str]:
            run = client.create_flow_run_from_deployment(deployment)
            execute = [str(Path(sys.executable).parent / "prefect"), "flow-run", "execute", str(run.id)]
            done = subprocess.run(execute, env=told, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
            return client.read_flow_run(run.id), done.stderr[-2000:]

        refused, _ = executed()
        subprocess.run([*beleg, "publish", "alone", "--by", "mia"], env=told, cwd=ROOT, check=True, capture_output=True)
        ended, stderr = executed()
        client.delete_deployment(deployment)
    assert refused.state_type is StateType.FAILED
    assert "beleg zone publish alone" in str(refused.state and refused.state.message)
    assert (ended.state_type, ended.name) == (StateType.COMPLETED, "alone: 1 new"), stderr
