"""A move to another index, and back, in an API process that is serving: by the commands that an operator types."""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import httpx
import pytest

from lifecycle.compose import open_store
from lifecycle.live import LiveReleases
from lifecycle.types import Moved
from rag.adapters.index import indexes
from rag.compose import open_state
from rag.settings import Settings
from tests.e2e.instance import ROOT, RunningInstance

PARAGRAPHS = (
    "The Zephyr gasket lasts 4,711 operating hours and is then replaced by the service team.",
    "The warehouse of the works opens at seven and closes at four.",
    "Spare parts of the Zephyr are ordered from the portal of the works.",
)
PATIENCE_S = 60.0
"""Of a busy machine. What is promised follows from the settings that the first test reads."""


@dataclass
class Asking:
    """Somebody who asks without a pause: when each answer came, and how many passages the document was cut into."""

    instance: RunningInstance
    key: str
    stop: threading.Event = field(default_factory=threading.Event)
    seen: list[tuple[float, int]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def __call__(self) -> None:
        header = {"Authorization": f"Bearer {self.key}"}
        body = {"query": "How long does the Zephyr gasket last?", "model": "assistant", "limit": 10}
        with httpx.Client(base_url=self.instance.url, headers=header, timeout=60) as client:
            while not self.stop.is_set():
                reply = client.post("/v1/search", json=body)
                if reply.status_code == 200:
                    best = reply.json()["results"][0]["text"]
                    self.seen.append((time.time(), sum(paragraph in best for paragraph in PARAGRAPHS)))
                else:
                    self.failed.append(reply.text)
                self.stop.wait(0.2)  # the other commands want the processor too

    def until(self, passages: int, *, since: int = 0) -> float:
        """When the first such answer came, after so many."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            for at, number in self.seen[since:]:
                if number == passages:
                    return at
            time.sleep(0.01)
        raise AssertionError(f"never came: {self.seen[-3:]} {self.failed[-1:]}")


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    """`beleg serve` over one document in one passage; a second index, in which each paragraph is one, is ready beside it."""
    root = tmp_path_factory.mktemp("move")
    zone = root / "works"
    zone.mkdir()
    (zone / "notes.txt").write_text("\n\n".join(PARAGRAPHS) + "\n", encoding="utf-8")
    cells = root / "chunking.yaml"
    cells.write_text("prose:\n  merges: false\n", encoding="utf-8")
    instance = RunningInstance(home=root / "home", environment={"BELEG_REQUESTS_PER_MINUTE": "100000"})
    done(instance, "zone", "add", str(zone), "--tenant", "works")
    done(instance, "ingest")
    asking = Asking(instance, instance.key(tenant="works"))
    thread = threading.Thread(target=asking, daemon=True)
    instance.process = subprocess.Popen([sys.executable, "-m", "beleg", "serve"], cwd=ROOT, env=instance.env)
    try:
        wait_until_ready(instance)
        thread.start()
        asking.until(len(PARAGRAPHS))
        instance.environment["BELEG_CHUNKING"] = str(cells)  # of the commands that follow; what serves runs already
        done(instance, "index", "start")
        yield asking
    finally:
        asking.stop.set()
        instance.stop()


def wait_until_ready(instance: RunningInstance) -> None:
    deadline = time.monotonic() + 4 * PATIENCE_S
    while time.monotonic() < deadline:
        assert instance.process is not None
        assert instance.process.poll() is None
        try:
            if httpx.get(f"{instance.url}/readyz", timeout=10).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.2)
    raise AssertionError("it never was ready")


def done(instance: RunningInstance, *arguments: str) -> None:
    ended = instance.command(*arguments, timeout_s=600)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def moved_at(instance: RunningInstance) -> float:
    """When the pointer was moved last, by its history."""

    async def history() -> list[Moved]:
        async with open_state(Settings(home=instance.home)) as state:
            return await open_store(state).history("assistant")

    return asyncio.run(history())[-1].at.timestamp()


def test_what_is_live_is_looked_up_often_enough() -> None:
    """The pointer and the catalogue of indexes are each at most so old when a question is answered: together two seconds."""
    pointer = inspect.signature(LiveReleases).parameters["fresh_s"].default
    assert pointer + indexes._FRESH_S <= 2.0


def test_a_move_and_the_way_back_reach_the_process_that_serves(
    serving: Asking, record_property: Callable[[str, object], None]
) -> None:
    """Without a restart; meanwhile no question fails, and each is answered from one index or the other, never back and
    forth. How long it took is recorded, and not judged: the machine may be busy.
    """
    process = serving.instance.process
    whole, parts = len(PARAGRAPHS), 1
    for arguments, passages in (("move", "index-2", "--unevaluated"), parts), (("back",), whole):
        begun = len(serving.seen)
        done(serving.instance, "index", *arguments)
        first = serving.until(passages, since=begun)
        took = first - moved_at(serving.instance)
        record_property(f"index {arguments[0]}, seconds until the first answer", round(took, 2))
        print(f"index {arguments[0]}: answered from there after {took:.2f} s")
        later = [number for at, number in list(serving.seen) if at >= first]
        assert set(later) == {passages}
        assert {number for _, number in serving.seen[begun:]} <= {whole, parts}
    assert serving.failed == []
    assert process is not None
    assert process.poll() is None
