"""What cannot come along waits, is tried again, and keeps nobody else; what fails by its own fault is left alone in the end."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from ingest_scene import ZONE, FullAfter, PoisonedParser, intake, searched, sweep

from rag.adapters.embedders.hashing import HashEmbedder
from rag.adapters.embedders.limited import LimitedEmbedder
from rag.adapters.index.memory import InMemoryIndex
from rag.errors import Temporary
from rag.ingest.batch import Batch
from rag.ingest.ingest import Intake, survey
from rag.testing import (
    MemoryLanding,
    MemoryLedger,
    MemoryPauses,
    WordGuard,
)
from rag.types import (
    Document,
    Entry,
    State,
    Zone,
)


async def test_a_vanished_zone_deletes_nothing() -> None:
    """An expired credential or an unmounted disk is not an empty zone."""
    landing = MemoryLanding({"a.txt": b"red fox"})
    parts, writer = intake(landing), InMemoryIndex()
    await sweep(parts, writer)
    landing.vanished = True
    with pytest.raises(Temporary):
        await sweep(parts, writer)
    assert await searched(writer, "fox") == {"red fox"}


async def test_what_has_not_arrived_is_parked_with_its_reason() -> None:
    """The next sweep finds it due."""
    parts = intake(MemoryLanding({"a.txt": b"red fox", "b.txt": b"blue whale"}))
    batch = Batch(ZONE, (await survey(ZONE, intake=parts)).due, intake=parts, writer=FullAfter(1))
    with pytest.raises(Temporary):
        await batch.run()
    await batch.park()
    assert [(r.path, r.code) for r in batch.receipts] == [("a.txt", "indexed"), ("b.txt", "disk_full")]
    assert [s.path for s in (await survey(ZONE, intake=parts)).due] == ["b.txt"]


async def test_a_file_out_of_reach_does_not_keep_its_neighbours() -> None:
    """A file that is written without end, or lies on a bad block, waits alone."""
    landing = HeldBack({"a.txt": b"red fox", "b.txt": b"blue whale"}, held="a.txt")
    parts, writer = intake(landing), InMemoryIndex()
    batch = Batch(ZONE, (await survey(ZONE, intake=parts)).due, intake=parts, writer=writer)
    for step in batch.steps.values():
        try:
            await step()
        except Temporary:
            await batch.park()
    await writer.publish()
    assert [(r.path, r.code) for r in batch.receipts] == [("a.txt", "file_changing"), ("b.txt", "indexed")]
    assert await searched(writer, "fox whale") == {"blue whale"}


async def test_files_wait_for_an_endpoint_that_has_enough_and_say_until_when() -> None:
    """Waiting is not failing: no attempt is counted, and the reason names the hour."""
    pauses, until = MemoryPauses(), datetime.now(UTC) + timedelta(hours=1)
    await pauses.pause("u", until)
    limited = LimitedEmbedder(HashEmbedder(), pauses, upstream="u", patience_s=30, behind_s=(0, 0))
    parts = replace(intake(MemoryLanding({"a.txt": b"red fox"})), embedder=limited)
    batch = Batch(ZONE, (await survey(ZONE, intake=parts)).due, intake=parts, writer=InMemoryIndex())
    with pytest.raises(Temporary):
        await batch.run()
    await batch.park()
    (receipt,) = batch.receipts
    assert (receipt.state, receipt.code) == (State.discovered, "embedder_limited")
    assert receipt.reason == f"The embedding endpoint is limited until {until:%H:%M:%S} UTC."
    assert (await parts.ledger.entries(ZONE.name))["a.txt"].attempts == 0


async def failing_sweep(parts: Intake, writer: InMemoryIndex, *, retry: bool = False) -> list[tuple[State, str]]:
    found = await survey(ZONE, intake=parts, retry=retry)
    batch = Batch(ZONE, found.due, intake=parts, writer=writer)
    return [(r.state, r.code) for r in await batch.run()]


@pytest.mark.parametrize("kind", ["poison", "unreachable"])
async def test_a_file_that_fails_three_times_is_left_alone_until_somebody_asks(kind: str) -> None:
    """It costs no further sweep anything; a change, another pipeline or `--retry` gives it three more."""
    landing = HeldBack({"a.txt": b"poison", "b.txt": b"red fox"}, held="a.txt" if kind == "unreachable" else "")
    parts, writer = replace(intake(landing), parser=PoisonedParser()), InMemoryIndex()
    code = "unforeseen" if kind == "poison" else "file_changing"
    assert await failing_sweep(parts, writer) == [(State.discovered, code), (State.indexed, "indexed")]
    assert await failing_sweep(parts, writer) == [(State.discovered, code)]
    assert await failing_sweep(parts, writer) == [(State.blocked, code)]
    assert await failing_sweep(parts, writer) == []
    assert await failing_sweep(parts, writer, retry=True) == [(State.discovered, code)]
    assert await failing_sweep(parts, writer) == [(State.discovered, code)]
    assert await failing_sweep(parts, writer) == [(State.blocked, code)]
    landing.files["a.txt"] = b"poison "  # changed, and no poison for this parser any more
    assert await failing_sweep(parts, writer) == (
        [(State.indexed, "indexed")] if kind == "poison" else [(State.discovered, code)]
    )


async def test_shared_trouble_counts_against_no_file() -> None:
    """A disk that was full for an hour must not leave ten thousand files blocked."""
    parts = intake(MemoryLanding({"a.txt": b"red fox"}))
    for _ in range(5):
        found = await survey(ZONE, intake=parts)
        batch = Batch(ZONE, found.due, intake=parts, writer=FullAfter(0))
        with pytest.raises(Temporary):
            await batch.run()
        await batch.park()
        assert [r.state for r in batch.receipts] == [State.discovered]


class HeldBack(MemoryLanding):
    """One of its files is always being written."""

    def __init__(self, files: dict[str, bytes], *, held: str) -> None:
        super().__init__(files)
        self._held = held

    async def read(self, zone: Zone, path: str) -> Document:
        if path == self._held:
            raise Temporary("file_changing", "The file is still being written.")
        return await super().read(zone, path)


async def test_a_file_that_was_away_for_a_moment_is_not_taken_for_a_bad_one() -> None:
    """Listed, and gone when it was to be read, as on a share that is just being mounted: its text goes on answering, and it
    is read when it is back, though it is the very same file.
    """
    landing = MemoryLanding({"a.txt": b"red fox", "b.txt": b"blue whale"})
    parts, writer = intake(landing), InMemoryIndex()
    await sweep(parts, writer)
    upgraded = WordGuard()
    upgraded.revision = "words-2"
    parts = replace(parts, guard=upgraded)
    due, files = (await survey(ZONE, intake=parts)).due, landing.files
    landing.files = {"b.txt": b"blue whale"}
    receipts = await Batch(ZONE, due, intake=parts, writer=writer).run()
    assert [(r.path, r.state, r.code) for r in receipts if r.state is not State.indexed] == [
        ("a.txt", State.discovered, "file_vanished")
    ]
    assert await searched(writer, "fox whale") == {"red fox", "blue whale"}
    landing.files = files
    assert [(r.path, r.state) for r in await sweep(parts, writer)] == [("a.txt", State.indexed)]


async def test_a_failure_that_could_not_be_recorded_at_once_counts_once() -> None:
    """A step is tried again because the ledger was busy: that is not the file's fault."""

    class Busy(MemoryLedger):
        times = 2

        async def record(self, entry: Entry) -> None:
            if self.times:
                self.times -= 1
                raise Temporary("database.locked", "Another process keeps the database busy.")
            await super().record(entry)

    class Changing(MemoryLanding):
        async def read(self, zone: Zone, path: str) -> Document:
            raise Temporary("file_changing", f"{zone.name}/{path} is still being written.")

    parts = replace(intake(Changing({"a.txt": b"red fox"})), ledger=Busy(ZONE))
    batch = Batch(ZONE, (await survey(ZONE, intake=parts)).due, intake=parts, writer=InMemoryIndex())
    for _ in range(2):
        with pytest.raises(Temporary):
            await batch.parse()
    await batch.parse()
    entry = (await parts.ledger.entries(ZONE.name))["a.txt"]
    assert (entry.receipt.state, entry.attempts) == (State.discovered, 1)
