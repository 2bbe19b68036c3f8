"""Hints of changed zones: for every file, and for folders that go, come back, or are replaced under their name."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from flows.watching import hints


class Watched:
    """Folders that a test changes, and the hints that came."""

    def __init__(self) -> None:
        self.folders: dict[str, Path] = {}
        self.stop = asyncio.Event()
        self.seen: asyncio.Queue[str] = asyncio.Queue()

    async def run(self) -> None:
        async for names in hints(lambda: self.folders, self.stop, look_ms=100):
            for name in names:
                self.seen.put_nowait(name)

    async def hinted(self, name: str) -> None:
        """Waits for one, then lets those pass that belong to the same change."""
        while await asyncio.wait_for(self.seen.get(), timeout=20) != name:
            pass
        await self.settled()

    async def settled(self) -> None:
        await asyncio.sleep(0.8)
        while not self.seen.empty():
            self.seen.get_nowait()


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    (tmp_path / "a").mkdir()
    scene = Watched()
    scene.folders["a"] = tmp_path / "a"
    running = asyncio.create_task(scene.run())
    await scene.hinted("a")
    yield scene
    scene.stop.set()
    await asyncio.wait_for(running, timeout=20)


async def test_what_happens_while_it_is_not_looking_is_not_lost(watched: Watched, tmp_path: Path) -> None:
    """Whenever it begins to watch anew, every zone gets a hint, because a file may have come in between."""
    (tmp_path / "b").mkdir()
    watched.folders["b"] = tmp_path / "b"
    assert {await asyncio.wait_for(watched.seen.get(), timeout=20) for _ in range(2)} == {"a", "b"}


async def test_a_file_hints_at_its_own_zone(watched: Watched, tmp_path: Path) -> None:
    """Also in a zone that came later, and not at a neighbour whose name begins alike."""
    (tmp_path / "ab").mkdir()
    watched.folders["ab"] = tmp_path / "ab"
    await watched.hinted("ab")
    (tmp_path / "ab" / "x.txt").write_text("x", encoding="utf-8")
    assert await asyncio.wait_for(watched.seen.get(), timeout=20) == "ab"


async def test_a_name_that_is_no_text_does_not_end_the_watching(watched: Watched, tmp_path: Path) -> None:
    """It is a hint like any other file, and so is the next one."""
    (tmp_path / "a" / os.fsdecode(b"\xff\xfe.txt")).write_text("x", encoding="utf-8")
    await watched.hinted("a")
    (tmp_path / "a" / "y.txt").write_text("y", encoding="utf-8")
    await watched.hinted("a")


async def test_a_folder_that_goes_and_comes_back_is_watched_again(watched: Watched, tmp_path: Path) -> None:
    """Moved away, put back, replaced by another of the same name: a hint each time, and files count afterwards."""
    (tmp_path / "a").rename(tmp_path / "away")
    await watched.hinted("a")
    (tmp_path / "away").rename(tmp_path / "a")
    await watched.hinted("a")
    (tmp_path / "a").rename(tmp_path / "old")
    (tmp_path / "a").mkdir()
    await watched.hinted("a")
    (tmp_path / "a" / "x.txt").write_text("x", encoding="utf-8")
    await watched.hinted("a")
