"""`beleg document`: what was forgotten comes back only when somebody allows it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from state_values import NOON
from typer.testing import CliRunner

from beleg.cli import app
from rag.compose import open_state
from rag.settings import read_settings
from rag.types import Entry, Erasure, ErasureRule, Receipt, Sighting, State


def test_bytes_that_lie_under_another_name_now_are_released_by_it(tmp_path: Path) -> None:
    """Somebody has renamed a file that was forgotten, and it was refused under its new name."""
    home, zone = tmp_path / "home", tmp_path / "ablage"
    zone.mkdir()

    def run(*arguments: str) -> int:
        return CliRunner().invoke(app, list(arguments), env={"BELEG_HOME": str(home)}).exit_code

    assert run("zone", "add", str(zone), "--tenant", "acme") == 0
    asyncio.run(_refused(home))
    assert run("document", "release", "ablage", "neu.txt") == 0
    assert asyncio.run(_standing(home)) == (False, "released")


async def _refused(home: Path) -> None:
    erasure = Erasure(
        id="ers_1", tenant="acme", zone="ablage", path="alt.txt", document_id="old", version="v", rule=ErasureRule.request,
        actor="operator", reason="Asked for.", at=NOON, counts={},
    )  # fmt: skip
    receipt = Receipt(
        zone="ablage", path="neu.txt", document_id="new", version="v", state=State.quarantined, code="forgotten"
    )
    sighting = Sighting(zone="ablage", path="neu.txt", size=1, modified_at=NOON, etag="e")
    async with open_state(read_settings(home=home)) as state:
        await state.erasures.record(erasure)
        await state.ledger.record(Entry(receipt=receipt, fingerprint="done", sighting=sighting, recorded_at=NOON))


async def _standing(home: Path) -> tuple[bool, str]:
    async with open_state(read_settings(home=home)) as state:
        is_forgotten = await state.erasures.is_forgotten("acme", "new", "v")
        return is_forgotten, (await state.ledger.entries("ablage"))["neu.txt"].fingerprint
