"""Another embedding model, with the real flow, index, guard and database: nobody who asks notices before the move."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from indexed_house import ANIMALS, House, hashing, house, of, paths, replace_fresh, write

from flows.rebuild import drop, drop_outlived, hand_over, outdated, progress_line
from lifecycle import releases
from lifecycle.compose import open_lifecycle
from rag.adapters.embedders.hashing import HashEmbedder
from rag.adapters.embedders.opening import Model
from rag.compose import open_rag
from rag.errors import Refused
from rag.ingest.erase import attest, erase
from rag.ingest.ingest import survey
from rag.settings import Settings
from rag.types import (
    AllowEntry,
    AllowKind,
    Direction,
    ErasureRule,
    IndexRecord,
    IndexState,
    Vectors,
    now,
)

pytestmark = pytest.mark.usefixtures("prefect_server")


async def test_nothing_fails_while_the_model_changes(tmp_path: Path) -> None:
    """Asked without a pause from before the rebuild until after the way back, every question finds every document."""
    async with house(tmp_path) as at:
        await at.sweep()
        answers: list[set[str]] = []
        is_over = asyncio.Event()

        async def ask() -> None:
            while not is_over.is_set():
                answers.append(await at.found())

        asking = asyncio.create_task(ask())
        green = await at.begin()
        assert await at.rebuild(green) == 0
        await at.move(green)
        assert (await at.rag.indexes.read_by(green.build.profile)).name == "index-2"
        before = len(answers)
        while len(answers) < before + 3:
            await asyncio.sleep(0.01)
        await releases.roll_back("assistant", store=at.lifecycle.store, actor="test", at=now())
        await at.found()
        is_over.set()
        await asking
        assert len(answers) > 5
        assert all(found == paths(*ANIMALS) for found in answers)


async def test_what_comes_changes_and_goes_meanwhile_reaches_both(tmp_path: Path) -> None:
    """Before the first batch, while it is being built, and when it is ready; forgotten is forgotten in both."""
    async with house(tmp_path) as at:
        await at.sweep()
        blue, green = at.rag.indexes.lead, await at.begin()
        write(at.zone, "lynx")
        (at.zone / "fox.txt").unlink()
        write(at.zone, "whale", "The whale left the wood and no longer is among the animals there; it lives at sea.\n")
        await at.sweep()
        assert await at.rebuild(green) == 0
        green = await at.rag.indexes.named(green.name)
        assert green.state is IndexState.ready
        expected = paths(*ANIMALS, "lynx") - paths("fox")
        assert await at.held(blue) == await at.held(green) == expected
        write(at.zone, "newt")
        await at.sweep()
        assert await at.held(blue) == await at.held(green) == expected | paths("newt")
        await forget(at, "newt.txt")
        assert await at.held(blue) == await at.held(green) == expected


async def forget(at: House, path: str) -> None:
    entry = (await at.rag.ledger.entries("zone"))[path]
    async with at.rag.writer() as writer:
        zone = await at.rag.zone("zone")
        erasure = await erase(entry, zone=zone, rule=ErasureRule.request, intake=at.rag.intake, writer=writer)
        generation = await writer.publish()
        empty, kept = await attest([erasure], intake=at.rag.intake, writer=writer, generation=generation)
    assert (len(empty), kept) == (1, [])


async def test_an_erasure_in_the_middle_of_a_build_is_whole(tmp_path: Path) -> None:
    """A document that the half-built index holds already is out of it when the receipt is signed, and does not return."""
    async with house(tmp_path) as at:
        await at.sweep()
        green = await at.begin()
        await at.build_some(green, most=5)
        for path in sorted(paths(*ANIMALS))[:3]:
            await forget(at, path)
        assert await at.rebuild(green) == 0
        assert await at.held(green) == set(sorted(paths(*ANIMALS))[3:])


async def test_a_builder_that_was_killed_goes_on_and_ends_alike(tmp_path: Path) -> None:
    """`kill -9` in the middle of a build: the next one does the rest alone, and the index is the one of an undisturbed
    build, byte for byte of its content.
    """
    async with house(tmp_path) as at:
        await at.sweep()
    script = [sys.executable, __file__, str(tmp_path)]
    died = await asyncio.to_thread(subprocess.run, script, capture_output=True, text=True, timeout=300, check=False)
    assert died.returncode == -signal.SIGKILL, died.stderr
    async with house(tmp_path) as at:
        [green] = [one for one in await at.rag.indexes.refresh() if not one.leads]
        built = await at.rag.indexes.catalog.progress(green.name, since=now())
        assert 0 < built.documents < len(ANIMALS)
        assert "of 8 documents" in await progress_line(at.rag, green)
        assert await at.rebuild(green) == 0
        assert await at.held(green) == paths(*ANIMALS)
        resumed = at.rag.chain_of(green).index.generation
        other = await at.begin("48")
        await at.rag.indexes.drop(other)
        await at.rag.indexes.drop(green)
        again = await at.begin()
        assert await at.rebuild(again) == 0
        await at.held(again)
        straight = at.rag.chain_of(again).index.generation
        assert str(resumed).rsplit("-")[-1] == str(straight).rsplit("-")[-1]


async def test_the_old_index_stays_up_to_date_until_its_days_are_over(tmp_path: Path) -> None:
    """After the move it still receives what comes, so the way back leads to no old state; then it goes, another leads,
    nothing is ingested anew because of that, and the line says so.
    """
    told: list[str] = []
    async with house(tmp_path) as at:
        await at.sweep()
        blue, green = at.rag.indexes.lead, await at.begin()
        await at.rebuild(green)
        with pytest.raises(Refused, match="only index"):
            await _drop_alone(at, blue, green)
        await at.move(green)
        write(at.zone, "lynx")
        await at.sweep()
        assert await at.held(blue) == await at.found() == paths(*ANIMALS, "lynx")
        assert await drop_outlived(at.rag, tell=told.append) == []
    late = Settings(home=tmp_path / "home", keep_index_days=0)
    async with open_rag(late, open_model=hashing) as rag, open_lifecycle(rag) as lifecycle:
        at = House(rag, replace_fresh(lifecycle), tmp_path / "zone")
        assert await drop_outlived(rag, tell=told.append) == ["index-1"]
        assert "index-1 was dropped" in told[-1]
        assert [(one.name, one.leads) for one in await rag.indexes.refresh()] == [("index-2", True)]
        assert not (tmp_path / "home" / "index" / "working").exists()
        assert (await survey(await rag.zone("zone"), intake=rag.intake)).due == ()
        write(at.zone, "newt")
        assert [r.path for r in (await at.sweep()).receipts] == ["newt.txt"]
        assert await at.found() == paths(*ANIMALS, "lynx", "newt")


async def test_an_index_that_nobody_ever_read_goes_when_a_newer_stands_beside_it(tmp_path: Path) -> None:
    """Each upgrade adds one; without an end each would be followed, and embedded for, for ever."""
    told: list[str] = []
    async with house(tmp_path) as at:
        await at.sweep()
        for model in ("32", "48"):
            await at.rebuild(await at.begin(model))
        assert await drop_outlived(at.rag, tell=told.append) == []
    late = Settings(home=tmp_path / "home", keep_index_days=0)
    async with open_rag(late, open_model=hashing) as rag:
        assert await drop_outlived(rag, tell=told.append) == ["index-2"]
        assert [(one.name, one.leads) for one in await rag.indexes.refresh()] == [("index-1", True), ("index-3", False)]


async def test_handing_over_makes_nothing_due_where_something_is_allowed(tmp_path: Path) -> None:
    """A document that the allow-list has left its mark on is not read again because another index leads."""
    async with house(tmp_path) as at:
        write(at.zone, "lynx", "The lynx of otto.lindemann@acme.example is one of the animals that live in the wood.\n")
        assert at.rag.intake.allow_list is not None
        await at.rag.intake.allow_list.record(
            AllowEntry(
                id="e", version=1, tenant="acme", zone=None, directions=frozenset({Direction.ingest}),
                entity="EMAIL_ADDRESS", kind=AllowKind.pattern, value=r"otto\.lindemann@acme\.example", by="A. Weber",
                reason="The press office.", at=now() - timedelta(days=1), until=now() + timedelta(days=1),
            )
        )  # fmt: skip
        await at.sweep()
        assert "lynx.txt" in await at.found()
        green = await at.begin()
        await at.rebuild(green)
        await hand_over(at.rag, green)
        assert (await survey(await at.rag.zone("zone"), intake=at.rag.intake_of(green))).due == ()


async def _drop_alone(at: House, blue: IndexRecord, green: IndexRecord) -> None:
    """With the other one only half built, this one is the only one."""
    await at.rag.indexes.catalog.keep(replace(green, state=IndexState.building))
    try:
        await drop(at.rag, blue)
    finally:
        await at.rag.indexes.catalog.keep(replace(green, state=IndexState.ready))
        await at.rag.indexes.refresh()


async def test_an_index_whose_model_is_gone_is_asked_by_keywords(tmp_path: Path) -> None:
    """An upgrade changed the model or its words: nothing fails, no vectors are mixed, new files are found too, and a new
    index is asked for. With it everything is as before.
    """

    def upgraded(model: str) -> Model:
        return of(HashEmbedder(dimension=int(model or 96)))

    async with house(tmp_path) as at:
        await at.sweep()
    async with house(tmp_path, open_model=upgraded) as at:
        blue = at.rag.indexes.lead
        assert not at.rag.indexes.has_model(blue.build)
        assert await at.found("otter animals wood") >= paths("otter")
        assert (await survey(await at.rag.zone("zone"), intake=at.rag.intake)).due == ()
        write(at.zone, "lynx")
        await at.sweep()
        assert "lynx.txt" in await at.found("lynx animals wood")
        assert outdated(at.rag, await at.rag.indexes.refresh()) == blue
        green = await at.rag.indexes.begin(at.rag.build("", True))
        assert await at.rebuild(green) == 0
        assert await at.held(await at.rag.indexes.named(green.name)) == paths(*ANIMALS, "lynx")
        assert outdated(at.rag, await at.rag.indexes.refresh()) is None


async def test_a_home_of_before_there_were_several_indexes_goes_on(tmp_path: Path) -> None:
    """Index and ledger that an earlier version wrote are taken as they are: nothing is due, everything is found."""
    async with house(tmp_path) as at:
        await at.sweep()
        await at.rag.indexes.catalog.drop("index-1")
    async with house(tmp_path) as at:
        assert (await survey(await at.rag.zone("zone"), intake=at.rag.intake)).due == ()
        assert await at.found() == paths(*ANIMALS)


class DyingEmbedder(HashEmbedder):
    """Its process is killed at the third call."""

    calls = 0

    async def embed(self, texts: Sequence[str]) -> Vectors:
        self.calls += bool(texts)
        if self.calls == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return await super().embed(texts)


async def _die(home: Path) -> None:
    def dying(model: str) -> Model:
        return of(DyingEmbedder(dimension=int(model))) if model else hashing(model)

    async with house(home, open_model=dying) as at:
        green = await at.begin()
        with at.rag.indexes.building(green):
            while True:
                await at.build_some(green, most=2)


if __name__ == "__main__":
    asyncio.run(_die(Path(sys.argv[1])))
