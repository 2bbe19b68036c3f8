"""`beleg document`: what was forgotten comes back only when somebody allows it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from state_values import NOON
from typer.testing import CliRunner

from beleg.cli import app
from rag.compose import open_state
from rag.settings import read_settings
from rag.types import AuditRow, Entry, Erasure, ErasureRule, Receipt, Sighting, State


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """With a zone `ablage` of the tenant acme."""
    (tmp_path / "ablage").mkdir()
    assert run(tmp_path / "home", "zone", "add", str(tmp_path / "ablage"), "--tenant", "acme") == 0
    return tmp_path / "home"


def run(home: Path, *arguments: str) -> int:
    return CliRunner().invoke(app, list(arguments), env={"BELEG_HOME": str(home)}).exit_code


def test_bytes_that_lie_under_another_name_now_are_released_by_it(home: Path) -> None:
    """Somebody has renamed a file that was forgotten, and it was refused under its new name."""
    asyncio.run(_recorded(home, [erasure("old", ErasureRule.request)], refused("neu.txt")))
    assert run(home, "document", "release", "ablage", "neu.txt") == 0
    assert asyncio.run(_standing(home)) == (set(), "released")


def test_what_was_merely_deleted_stays_verified_when_the_same_bytes_are_released(home: Path) -> None:
    """A copy in another folder was deleted, not forgotten: its receipt still promises that it is nowhere."""
    erasures = [erasure("old", ErasureRule.request), erasure("copy", ErasureRule.deleted)]
    asyncio.run(_recorded(home, erasures, refused("neu.txt")))
    assert run(home, "document", "release", "ablage", "neu.txt") == 0
    assert asyncio.run(_standing(home)) == ({"copy"}, "released")


def test_every_copy_of_released_bytes_is_read_again(home: Path) -> None:
    """Released by one name, the file is not refused under another; and what was never forgotten is told so."""
    asyncio.run(_recorded(home, [erasure("old", ErasureRule.request)], refused("neu.txt"), refused("kopie.txt")))
    assert run(home, "document", "release", "ablage", "kopie.txt") == 0
    assert asyncio.run(_standing(home)) == (set(), "released")


def test_a_forgotten_document_whose_file_has_gone_is_released(home: Path) -> None:
    """Somebody may want to drop it again."""
    entry = refused("neu.txt")
    gone = replace(entry, receipt=replace(entry.receipt, state=State.deleted, code="deleted"))
    asyncio.run(_recorded(home, [erasure("new", ErasureRule.request)], gone))
    assert run(home, "document", "release", "ablage", "neu.txt") == 0
    assert asyncio.run(_standing(home))[0] == set()


def test_what_was_not_forgotten_is_not_released(home: Path) -> None:
    """A success that changed nothing would be believed."""
    entry = refused("neu.txt")
    asyncio.run(_recorded(home, [], replace(entry, receipt=replace(entry.receipt, code="encrypted"))))
    assert run(home, "document", "release", "ablage", "neu.txt") == 1
    assert asyncio.run(_standing(home)) == (set(), "done")


@pytest.mark.parametrize("reason", [" ", "Asked for by erika.weber@example-seefisch.de", "x" * 501])
def test_a_receipt_names_nobody(home: Path, reason: str) -> None:
    """It is signed and kept for good: an erasure must not keep whose data was erased."""
    asyncio.run(_recorded(home, [], refused("neu.txt")))
    assert run(home, "document", "forget", "ablage", "neu.txt", "--reason", reason, "--yes") == 1
    assert asyncio.run(_standing(home)) == (set(), "done")
    assert not asyncio.run(_audit(home))


def test_forgetting_is_on_record_before_it_is_done(home: Path) -> None:
    """Killed in the middle, the chain still tells who asked for what."""
    asyncio.run(_recorded(home, [], refused("neu.txt")))
    assert run(home, "document", "forget", "ablage", "neu.txt", "--reason", "GDPR request 17", "--yes") == 0
    assert asyncio.run(_standing(home)) == ({"new"}, "done")
    told = [row for row in asyncio.run(_audit(home)) if row.action == "document.forget"]
    assert [(row.outcome, row.facts["document_id"]) for row in told] == [("asked", "new"), ("done", "new")]


def erasure(document_id: str, rule: ErasureRule) -> Erasure:
    return Erasure(
        id=f"ers_{document_id}", tenant="acme", zone="ablage", path=f"{document_id}.txt", document_id=document_id,
        version="v", rule=rule, actor="operator", reason="Asked for.", at=NOON, counts={},
    )  # fmt: skip


def refused(path: str) -> Entry:
    """A file of these bytes, under the id `new`."""
    receipt = Receipt(
        zone="ablage", path=path, document_id="new", version="v", state=State.quarantined, code="forgotten"
    )
    sighting = Sighting(zone="ablage", path=path, size=1, modified_at=NOON, etag="e")
    return Entry(receipt=receipt, fingerprint="done", sighting=sighting, recorded_at=NOON)


async def _recorded(home: Path, erasures: list[Erasure], *entries: Entry) -> None:
    async with open_state(read_settings(home=home)) as state:
        for one in erasures:
            await state.erasures.record(one)
        for entry in entries:
            await state.ledger.record(entry)


async def _standing(home: Path) -> tuple[set[str], str]:
    """Documents whose receipts hold, and the file's fingerprint."""
    async with open_state(read_settings(home=home)) as state:
        standing = {one.document_id for one in await state.erasures.standing()}
        return standing, (await state.ledger.entries("ablage"))["neu.txt"].fingerprint


async def _audit(home: Path) -> list[AuditRow]:
    async with open_state(read_settings(home=home)) as state:
        return (await state.audit.rows())[::-1]
