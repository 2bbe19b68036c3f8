"""`kill -9` between any two steps of a sweep: the next sweep ends in the very index that an undisturbed one makes."""

from __future__ import annotations

import asyncio
import multiprocessing
import shutil
from pathlib import Path

import pytest
from killed import content, killed_at, opened, sweep

from rag.errors import Temporary
from rag.settings import read_settings

ROOT = Path(__file__).resolve().parents[4]
MOST_BOUNDARIES = 40


def before(folder: Path) -> None:
    folder.mkdir()
    (folder / "zone.yaml").write_text("owner: somebody\n", encoding="utf-8")
    for number in range(4):
        (folder / f"{number}.txt").write_text(f"Rule {number}\nThe old limit is {number}.", encoding="utf-8")


def after(folder: Path) -> None:
    """One changed, one gone, one moved, two new, one that cannot be read."""
    (folder / "0.txt").write_text("Rule 0\nThe new limit is 9.", encoding="utf-8")
    (folder / "1.txt").unlink()
    (folder / "2.txt").rename(folder / "moved.txt")
    (folder / "4.txt").write_text("Rule 4\nNothing is known of it.", encoding="utf-8")
    (folder / "5.txt").write_text("Rule 5\nAsk twice.", encoding="utf-8")
    (folder / "bad.bin").write_bytes(b"\xff\xfe\x00\xff" * 9)


@pytest.mark.timeout(600)
def test_killed_at_any_boundary_the_next_sweep_ends_in_the_same_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the digest of all that is stored. Killed once, and at the same place again by the next process."""
    monkeypatch.setenv("PYTHONPATH", f"{Path(__file__).parent}:{ROOT}")  # for the server that forks
    folder, home = tmp_path / "zone", tmp_path / "home"
    before(folder)
    asyncio.run(sweep(home, folder, lambda _: None))
    after(folder)
    undisturbed = copied(home, tmp_path / "undisturbed")
    asyncio.run(sweep(undisturbed, folder, lambda _: None))
    wanted, died = content(undisturbed), list[str]()
    assert wanted != content(home)
    for number in range(1, MOST_BOUNDARIES):
        disturbed = copied(home, tmp_path / f"killed-{number}")
        code, boundary = run(disturbed, folder, number)
        if code == 0:
            break
        assert code == -9
        died.append(boundary)
        assert content(disturbed) in (wanted, content(home))
        if number % 3 == 0:
            assert run(disturbed, folder, number)[0] in {0, -9}
        asyncio.run(sweep(disturbed, folder, lambda _: None))
        assert content(disturbed) == wanted, died[-1]
        shutil.rmtree(disturbed)
    assert set(died) == {"survey", "parse", "clear", "chunk", "embed", "index", "erase", "publish", "attest"}


async def test_of_two_sweeps_at_once_one_is_told_to_wait(tmp_path: Path) -> None:
    """It changes nothing; afterwards it finds nothing left to do, or goes on where the other ended."""
    folder, home = tmp_path / "zone", tmp_path / "home"
    before(folder)
    async with opened(read_settings(home=home)):
        with pytest.raises(Temporary) as told:
            await sweep(home, folder, lambda _: None)
    assert told.value.code == "ingest_running"
    await sweep(home, folder, lambda _: None)
    wanted, steps = content(home), list[str]()
    await sweep(home, folder, steps.append)
    assert content(home) == wanted
    assert steps == ["survey", "publish", "attest"]


def copied(home: Path, to: Path) -> Path:
    return Path(shutil.copytree(home, to))


def run(home: Path, folder: Path, number: int) -> tuple[int | None, str]:
    """Exit code and the boundary. A server forks the processes, so that only it imports everything."""
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(["killed"])
    ours, theirs = made.Pipe()
    child = made.Process(target=killed_at, args=(number, str(home), str(folder), theirs))
    child.start()
    theirs.close()
    child.join(120)
    assert child.exitcode is not None, "a hang"
    return child.exitcode, ours.recv() if child.exitcode else ""
