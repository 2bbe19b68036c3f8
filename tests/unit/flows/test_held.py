"""A held zone and the flow that every door ends in: nothing of it is read, whoever starts a run."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from flows import worker
from flows.ingest import Sweep, ingest_flow
from flows.worker import sweep_all
from rag.adapters.embedders.hashing import HashEmbedder
from rag.adapters.embedders.opening import Model
from rag.adapters.landing.zone_file import read_zone_file
from rag.compose import open_rag
from rag.errors import Refused
from rag.ingest.hold import publish
from rag.settings import Settings
from rag.testing import MemoryLedger, zone


def hashing(_: str) -> Model:
    return Model(questions=HashEmbedder(), ingest=HashEmbedder())


@pytest.mark.usefixtures("prefect_server")
async def test_no_run_reads_a_held_zone_and_the_first_after_it_does(tmp_path: Path) -> None:
    """By name, and among all; the ledger and the index stay empty until somebody has let it go."""
    folder = tmp_path / "zone"
    folder.mkdir()
    (folder / "zone.yaml").write_text("name: neu\nhold: true\n", encoding="utf-8")
    (folder / "a.txt").write_text("The fox lives in the wood.\n", encoding="utf-8")
    told = list[str]()
    async with open_rag(Settings(home=tmp_path / "home"), open_model=hashing) as rag:
        held = read_zone_file(folder)
        await rag.ledger.add_zone(held)
        run = ingest_flow(rag, tell=told.append)
        for wish in ({}, {"retry": True}, {"confirm_deletions": True}):
            with pytest.raises(Refused) as refused:
                await cast(Awaitable[Sweep], run("neu", **wish))
            assert refused.value.code == "zone_held"
        (folder / "zone.yaml").write_text("name: neu\n", encoding="utf-8")  # no way to publish it
        assert await sweep_all(rag, [replace(held, held=False)], tell=told.append) == []
        assert "beleg zone publish neu" in told[-1]
        assert await rag.ledger.entries("neu") == {}
        assert rag.chain.index.generation is None
        await publish(held, by="mia", ledger=rag.ledger, audit=rag.state.audit)
        (sweep,) = await sweep_all(rag, [held], tell=told.append)
        assert [receipt.path for receipt in sweep.receipts] == ["a.txt"]
        status = await rag.state.sweeps.last()
        assert status["neu"].trouble == ""


async def test_the_running_process_does_not_know_held_zones() -> None:
    """So there is no deployment to start in Prefect, no watcher, no schedule, and a hint falls on nothing."""
    ledger = MemoryLedger(zone(), replace(zone(), name="neu", held=True))
    rag = cast(Any, SimpleNamespace(ledger=ledger))
    assert set(await worker._zones(rag, print) or ()) == {zone().name}
    await ledger.publish_zone("neu")
    assert set(await worker._zones(rag, print) or ()) == {zone().name, "neu"}
