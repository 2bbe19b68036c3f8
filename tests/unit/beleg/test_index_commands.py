"""`beleg index`: what a rebuild would do is told before it is begun."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from state_values import NOON
from typer.testing import CliRunner

from beleg.cli import app
from rag.compose import open_state
from rag.settings import read_settings
from rag.types import Entry, Receipt, Sighting, State


def test_what_was_deleted_is_not_built_anew(tmp_path: Path) -> None:
    """Its receipt still tells how many chunks went."""
    home, zone = tmp_path / "home", tmp_path / "ablage"
    zone.mkdir()
    runner, at_home = CliRunner(), {"BELEG_HOME": str(home)}
    assert runner.invoke(app, ["zone", "add", str(zone)], env=at_home).exit_code == 0
    asyncio.run(_recorded(home, entry("a.txt", State.indexed, chunks=3), entry("b.txt", State.deleted, chunks=5)))
    told = runner.invoke(app, ["index", "start", "--dry-run", "--json"], env=at_home)
    plan = json.loads(told.stdout)
    assert (plan["documents"], plan["chunks"]) == (1, 3)


def entry(path: str, state: State, *, chunks: int) -> Entry:
    receipt = Receipt(
        zone="ablage", path=path, document_id=path, version="v", state=state, code="it", chunks=chunks, counts={}
    )
    return Entry(
        receipt=receipt, fingerprint="done", recorded_at=NOON,
        sighting=Sighting(zone="ablage", path=path, size=1, modified_at=NOON, etag="e"),
    )  # fmt: skip


async def _recorded(home: Path, *entries: Entry) -> None:
    async with open_state(read_settings(home=home)) as state:
        for one in entries:
            await state.ledger.record(one)
