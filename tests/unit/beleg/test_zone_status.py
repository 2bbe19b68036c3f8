"""How zones stand, in words: a line a zone, a row a file, numbers only where there is evidence."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from state_values import NOON, entry, receipt, zone
from typer.testing import CliRunner

from beleg.cli import app
from beleg.home import here
from beleg.standing import watch
from rag.compose import open_state
from rag.ingest.standing import ZoneStatus, zone_status
from rag.ingest.standing_lines import line, progress, rows
from rag.types import State, SweepProgress, now

LATER = NOON + timedelta(minutes=10)
SWEEP = SweepProgress(zone="handbuch", began_at=NOON, seen_at=LATER, due=10_000, done=400)


def status(sweep: SweepProgress | None = None, *, at: object = LATER) -> ZoneStatus:
    made = [entry(), entry(receipt("b", state=State.quarantined, code="empty_file", reason="Leer.", hint="Ersetzen."))]
    return zone_status(zone(), made, sweep=sweep, at=at, sweep_s=300)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("sweep", "said"),
    [
        (None, ""), (replace(SWEEP, ended_at=LATER), ""), (replace(SWEEP, due=None), "looking through the zone"),
        (replace(SWEEP, due=0, done=0), "nothing to read"), (replace(SWEEP, done=3), "3 of 10,000 done (0 %)"),
        (SWEEP, "400 of 10,000 done (4 %), 40 files a minute, about 4 h left"),
        (replace(SWEEP, done=9_980), "9,980 of 10,000 done (99 %), 998 files a minute, under a minute left"),
    ],
)  # fmt: skip
def test_progress_says_what_is_known(sweep: SweepProgress | None, said: str) -> None:
    """Nothing when no sweep works; no rate before there is evidence for one."""
    assert progress(status(sweep)) == said


def test_a_sweep_that_was_killed_is_no_progress() -> None:
    """It says how many wait and since when, not how long it will take."""
    told = progress(status(SWEEP, at=LATER + timedelta(hours=1)))
    assert told == "a sweep broke off, 9,600 files wait since 2026-03-14 12:00 UTC"


def test_every_file_has_state_age_reason_and_remedy() -> None:
    """In one row; a zone's counts in one line."""
    assert line(status()) == "handbuch: 1 masked, 1 quarantined"
    row = rows(status().files, NOON + timedelta(days=3))[1]
    assert row == ("b", "quarantined", "2026-03-14 12:00 UTC (3 days)", "(empty_file) Leer.", "Ersetzen.")


async def test_watching_shows_what_another_process_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The ledger tells it; a line is shown again only when it has changed."""
    monkeypatch.setenv("BELEG_HOME", str(tmp_path))
    seen: list[list[str]] = []
    async with open_state(here()) as state:
        await state.ledger.add_zone(zone())
        watching = asyncio.create_task(watch(None, show=seen.append, look_s=0.01))
        await _until(seen, 1)
        at = now()
        await state.sweeps.record(SweepProgress(zone="handbuch", began_at=at, seen_at=at, due=9))
        await _until(seen, 2)
        watching.cancel()
    assert seen == [["handbuch: nothing seen yet"], ["handbuch: nothing seen yet; 0 of 9 done (0 %)"]]


async def _until(seen: list[list[str]], count: int) -> None:
    async with asyncio.timeout(20):
        while len(seen) < count:
            await asyncio.sleep(0.01)


def test_a_name_does_not_paint_the_table(tmp_path: Path) -> None:
    """Escape codes and markup in a file's name are shown as characters; a pipe gets one line a file."""
    hostile = "\x1b[2J[red]" + "ü" * 150 + ".pdf"

    async def fill() -> None:
        async with open_state(here()) as state:
            await state.ledger.add_zone(zone())
            await state.ledger.record(entry(receipt(hostile)))

    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("BELEG_HOME", str(tmp_path))
        asyncio.run(fill())
        told = CliRunner().invoke(app, ["zone", "status"])
    assert "\x1b" not in told.stdout
    assert "\\x1b[2J[red]" in told.stdout
    assert len(told.stdout.strip().splitlines()) == 3
