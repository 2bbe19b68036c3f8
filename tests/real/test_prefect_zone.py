"""The real ingest on a real Prefect server: cancelled by a person, and how the zone stands afterwards in a table that stays."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.objects import Artifact, FlowRun, State, StateType

from flows.artifacts import key_of
from flows.desk import Desk
from flows.ingest import ingest_flow
from flows.rebuild import built
from flows.report import report_flow
from rag.adapters.embedders.hashing import HashEmbedder
from rag.adapters.embedders.opening import Model
from rag.adapters.landing.zone_file import read_zone_file
from rag.compose import Rag, open_rag
from rag.ingest.reporting import standing_of
from rag.ingest.standing import ZoneStatus
from rag.settings import Settings
from rag.types import Zone, now

FILES = 60
"""Three portions."""


@dataclass
class Shop:
    """One zone, the desk that serves it, and what a run has told."""

    rag: Rag
    client: PrefectClient
    folder: Path
    told: list[str]
    desk: Desk
    cancel_at: str = ""

    def tell(self, line: str) -> None:
        self.told.append(line)
        if self.cancel_at and self.cancel_at in line:
            self.cancel_at = ""
            self.cancelling = asyncio.create_task(self._cancel())

    async def _cancel(self) -> None:
        """As the UI does."""
        running = [run for run in await self.client.read_flow_runs() if run.state_type is StateType.RUNNING]
        cancelling: State[Any] = State(type=StateType.CANCELLING)
        await self.client.set_flow_run_state(max(running, key=lambda run: run.created or now()).id, cancelling)

    async def zones(self) -> dict[str, Zone]:
        return {zone.name: zone for zone in await self.rag.ledger.zones()}

    async def run(self, flow: str = "ingest", **parameters: object) -> FlowRun:
        """Asked for by a person, and executed."""
        deployment = await self.client.read_deployment_by_name(f"{flow}/{self.folder.name}")
        made = await self.client.create_flow_run_from_deployment(deployment.id, parameters=parameters)
        while not (ended := await self.client.read_flow_run(made.id)).state.is_final():  # type: ignore[union-attr]
            await self.desk.serve(await self.zones(), set())
        return ended

    async def settle(self) -> None:
        """The first run, which the desk asks for by itself."""
        while await self.desk.serve(await self.zones(), set()):
            pass

    async def standing(self) -> ZoneStatus:
        state = self.rag.state
        (zone,) = (await self.zones()).values()
        return await standing_of(zone, ledger=state.ledger, sweeps=state.sweeps, at=now(), sweep_s=300)

    async def generation(self) -> str | None:
        """What is read."""
        await self.rag.chain.index.refresh()
        return self.rag.chain.index.generation

    async def artifacts(self, kind: str) -> list[Artifact]:
        wanted = ArtifactFilter(key=ArtifactFilterKey(any_=[key_of(kind, self.folder.name)]))
        return await self.client.read_artifacts(artifact_filter=wanted)


def write(folder: Path, number: int) -> None:
    (folder / f"{number:03}.txt").write_text(f"Machine {number} is serviced every {number + 2} weeks by the works.\n")


@pytest.fixture
async def shop(prefect_server: None, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Shop]:
    folder = tmp_path / request.node.name.replace("_", "-")[5:30].strip("-")
    folder.mkdir()
    (folder / "zone.yaml").write_text("tenant: acme\nowner: a@acme.example\nclassification: internal\n")

    def hashing(model: str) -> Model:
        embedder = HashEmbedder(dimension=int(model or 64))
        return Model(questions=embedder, ingest=embedder)

    async with open_rag(Settings(home=tmp_path / "home"), open_model=hashing) as rag, get_client() as client:
        await rag.ledger.add_zone(read_zone_file(folder))
        told: list[str] = []
        scene = Shop(rag=rag, client=client, folder=folder, told=told, desk=None)  # type: ignore[arg-type]
        flows = [ingest_flow(rag, tell=scene.tell), report_flow(rag)]
        scene.desk = Desk(client, flows, tell=scene.tell, after_sweep=lambda _: None, sweep_s=300)
        await scene.settle()
        yield scene
        for left in await client.read_deployments():
            await client.delete_deployment(left.id)


async def test_a_cancelled_run_stops_and_the_next_one_goes_on(shop: Shop) -> None:
    """In the middle of three portions: what was read is in and published, the rest is told; nothing is lost or doubled."""
    for number in range(FILES):
        write(shop.folder, number)
    empty, shop.cancel_at = await shop.generation(), "parse files 1 to 24"
    cancelled = await shop.run()
    assert cancelled.state_type is StateType.CANCELLED
    entries = await shop.rag.ledger.entries(shop.folder.name)
    assert 24 <= len(entries) < FILES
    left = FILES - len(entries)
    assert f"cancelled with {left} left" in cancelled.name
    assert f"{left} files left" in (await shop.standing()).alarms[0].message
    assert await shop.generation() != empty
    before = {path: (entry.recorded_at, entry.receipt.version) for path, entry in entries.items()}
    (shop.folder / "000.txt").unlink()

    assert (await shop.run()).state_type is StateType.COMPLETED
    after = await shop.rag.ledger.entries(shop.folder.name)
    assert len(after) == FILES
    kept = {path: (entry.recorded_at, entry.receipt.version) for path, entry in after.items() if path in before}
    assert {path for path in before if kept[path] != before[path]} == {"000.txt"}
    assert (await shop.standing()).alarms == ()


async def test_a_cancelled_run_takes_no_moved_file_for_a_deleted_one(shop: Shop) -> None:
    """A folder is renamed and the run that would find it is cancelled: nothing is out, nothing is missing, and the next
    run moves it.
    """
    for number in range(FILES):
        write(shop.folder, number)
    await shop.run()
    (shop.folder / "moved").mkdir()
    for file in list(shop.folder.glob("*.txt")):
        file.rename(shop.folder / "moved" / file.name)
    shop.cancel_at = "parse files 1 to 24"
    assert (await shop.run()).state_type is StateType.CANCELLED
    status = await shop.standing()
    assert {one.fate.value for one in status.files} == {"indexed"}
    await shop.run()
    there = [one for one in (await shop.standing()).files if one.fate.value == "indexed"]
    assert len(there) == FILES
    assert all(one.path.startswith("moved/") for one in there)


async def test_a_cancelled_build_of_an_index_stops_and_goes_on(shop: Shop) -> None:
    """Between two batches of documents; what is built stays, and the next one does the rest."""
    for number in range(100):
        write(shop.folder, number)
    await shop.run()
    green = await shop.rag.indexes.begin(shop.rag.build("32", False))
    shop.cancel_at = "of 100 documents"
    assert await built(shop.rag, green, tell=shop.tell) is None
    done = await shop.rag.indexes.catalog.progress(green.name, since=now())
    assert 32 <= done.documents < 100
    assert await built(shop.rag, green, tell=shop.tell)
    done = await shop.rag.indexes.catalog.progress(green.name, since=now())
    assert done.documents == 100


async def test_how_a_zone_stands_is_one_table_that_stays(shop: Shop) -> None:
    """The lines of `beleg zone status`, trouble first; written anew where something changed and only then; it belongs to
    no run, and goes with the zone.
    """
    write(shop.folder, 1)
    (shop.folder / "empty.pdf").write_bytes(b"")
    await shop.run()
    (first,) = await shop.artifacts("status")
    rows = json.loads(str(first.data))
    assert [(row["file"], row["state"]) for row in rows] == [("empty.pdf", "quarantined"), ("001.txt", "indexed")]
    assert set(rows[0]) == {"file", "state", "since", "reason", "what to do"}
    assert rows[0]["what to do"]
    assert "1 indexed" in (first.description or "")
    assert first.flow_run_id is None

    await shop.run()
    assert [(one.id, one.updated) for one in await shop.artifacts("status")] == [(first.id, first.updated)]
    write(shop.folder, 2)
    await shop.run()
    (second,) = await shop.artifacts("status")
    assert (second.id, len(json.loads(str(second.data)))) == (first.id, 3)

    away = shop.folder.rename(shop.folder.with_name("away"))
    assert (await shop.run()).state_type is StateType.FAILED
    (third,) = await shop.artifacts("status")
    assert third.description != second.description
    away.rename(shop.folder)

    await shop.rag.ledger.remove_zone(shop.folder.name)
    await shop.desk.serve(await shop.zones(), set())
    assert await shop.artifacts("status") == []


async def test_the_weekly_report_is_a_table_and_a_text(shop: Shop) -> None:
    """Of the zone's real files, by its own deployment; hostile names are text."""
    write(shop.folder, 1)
    (shop.folder / "[x](javascript:alert(1)).txt").write_text("The canteen opens at noon.\n")
    await shop.run()
    assert (await shop.run("weekly report")).state_type is StateType.COMPLETED
    (table,), (text,) = await shop.artifacts("report"), await shop.artifacts("week")
    assert {row["file"] for row in json.loads(str(table.data))} == {"001.txt", "[x](javascript:alert(1)).txt"}
    assert "## new: 2" in str(text.data)
    assert "](javascript" not in str(text.data)
