"""What only the embedded engine can get wrong: locks, generations, crashes, full disks, many readers."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import shutil
from pathlib import Path

import pytest
from crashing import Child, forget, read, write
from index_scene import EMBEDDER, Scene, access, chunk, edge_reader, edge_writer

from rag.adapters.index import generations
from rag.errors import Permanent, Temporary
from rag.types import Classification

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture(autouse=True)
def paths_for_the_server_that_forks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", f"{Path(__file__).parent}:{ROOT}:{ROOT / 'tests'}")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "index"


async def published(root: Path, *texts: str) -> str:
    async with edge_writer(root) as writer:
        scene = Scene(writer, edge_reader(root))
        return await scene.publish([chunk(text, document=f"d{n}") for n, text in enumerate(texts)])


async def found(root: Path) -> set[str]:
    return set(await Scene(None, edge_reader(root)).texts("rule"))


# --- one writer -------------------------------------------------------------------------------------------------


async def test_a_second_writer_is_told_to_wait(root: Path) -> None:
    """Two ingests at once: the second gets a clear Temporary, the first goes on, and then the lock is free."""
    async with edge_writer(root) as writer:
        with pytest.raises(Temporary) as refused:
            await edge_writer(root).open()
        assert refused.value.code == "ingest_running"
        assert str(os.getpid()) in refused.value.message
        await Scene(writer, edge_reader(root)).publish([chunk("One rule")])
    await published(root, "One rule", "Two rules")
    assert await found(root) == {"One rule", "Two rules"}


async def test_a_writer_that_is_not_open_writes_nothing(root: Path) -> None:
    """Forgetting `async with` is a mistake of ours, not a silent loss."""
    with pytest.raises(RuntimeError):
        await edge_writer(root).publish()


async def test_a_reader_with_another_embedder_is_refused(root: Path) -> None:
    """Vectors of two models are never compared."""
    await published(root, "One rule")
    with pytest.raises(Permanent) as refused:
        await Scene(None, edge_reader(root, dimension=32)).ask("rule")
    assert refused.value.code == "index_profile_mismatch"


async def test_a_writer_with_another_embedder_starts_anew(root: Path) -> None:
    """An upgrade needs no hand: vectors of two models never meet, what is read stays, all is due again."""
    await published(root, "One rule")
    before = generations.working_identity(root)
    async with edge_writer(root, embedder="other") as writer:
        assert generations.working_identity(root) not in {"", before}
        assert await found(root) == {"One rule"}
        name = await writer.publish()
    assert generations.Manifest.read(generations.folder_of(root, name)).chunks == {}


async def test_an_index_that_was_moved_away_has_another_identity(root: Path) -> None:
    """So that the ledger does not take the empty one for the full one."""
    await published(root, "One rule")
    before = generations.working_identity(root)
    await published(root, "One rule")
    assert generations.working_identity(root) == before
    shutil.rmtree(root)
    assert generations.working_identity(root) == ""
    await published(root)
    assert generations.working_identity(root) not in {"", before}


async def test_a_reader_keeps_its_generation_when_the_next_was_built_with_another_embedder(root: Path) -> None:
    """During a change of the embedder no question fails: the old process serves the old index."""
    name = await published(root, "One rule")
    scene = Scene(None, edge_reader(root))
    assert await scene.texts("rule") == ["One rule"]
    manifest = generations.folder_of(root, name) / "manifest.json"
    other = generations.folder_of(root, "00000099-other")
    shutil.copytree(generations.folder_of(root, name), other)
    stored = json.loads(manifest.read_text())
    stored["profile"]["embedder"] = "other"
    (other / "manifest.json").write_text(json.dumps(stored))
    generations.swap(root, generations.Pointer("00000099-other"))
    assert await scene.texts("rule") == ["One rule"]
    assert scene.index.generation == name


# --- generations ------------------------------------------------------------------------------------------------


async def test_only_the_last_generations_are_kept(root: Path) -> None:
    """Old generations go, the newest three stay for a rollback."""
    kept = [await published(root, *(f"Rule {n}" for n in range(size))) for size in range(1, 6)]
    assert generations.names(root) == kept[-3:]


async def test_no_generation_keeps_a_document_that_was_taken_out(root: Path) -> None:
    """Also if the process died between the removal and the publish, and if the last generation looks just like it."""
    async with edge_writer(root) as writer:
        for number in range(3):
            await Scene(writer, edge_reader(root)).publish([chunk(f"Version {number}", document=f"d{number}")])
        assert len(generations.names(root)) == 3
        assert await writer.retain("d0", None) == 1
    async with edge_writer(root) as writer:
        name = await writer.publish()
        assert generations.names(root) == [name]
        await Scene(writer, edge_reader(root)).publish([chunk("Later", document="d3")])
        assert len(generations.names(root)) == 2


async def test_a_rollback_is_a_pointer_move_and_holds_until_something_new_is_written(root: Path) -> None:
    """After a rollback a sweep that finds nothing new leaves it be; a new document publishes again."""
    first = await published(root, "One rule")
    await published(root, "One rule", "Two rules")
    scene = Scene(None, edge_reader(root))
    assert len(await scene.ask("rule")) == 2
    generations.point_to(root, first)
    assert await scene.texts("rule") == ["One rule"]
    assert await published(root, "One rule", "Two rules") == first
    assert await scene.texts("rule") == ["One rule"]
    await published(root, "One rule", "Two rules", "Three rules")
    assert len(await scene.ask("rule")) == 3


async def test_a_generation_that_is_not_kept_cannot_be_pointed_to(root: Path) -> None:
    """A wrong name moves nothing, and the message says which there are."""
    name = await published(root, "One rule")
    with pytest.raises(Permanent) as refused:
        generations.point_to(root, "00000007-gone")
    assert refused.value.code == "unknown_generation"
    assert name in refused.value.hint
    assert generations.pointer(root) == generations.Pointer(name)


async def test_an_older_generation_stays_while_it_is_pointed_to(root: Path) -> None:
    """Pruning never takes the generation that is read."""
    first = await published(root, "Rule 0")
    for size in (2, 3, 4):
        await published(root, *(f"Rule {n}" for n in range(size)))
    assert first not in generations.names(root)
    second = generations.names(root)[0]
    generations.point_to(root, second)
    assert generations.prune(root, 1)
    assert second in generations.names(root)


# --- readers ----------------------------------------------------------------------------------------------------


async def test_a_reader_notices_the_swap_and_serves_while_it_happens(root: Path) -> None:
    """Questions asked all through several publishes find the old or the new state, and never fail."""
    await published(root, "Rule 0")
    scene = Scene(None, edge_reader(root))
    sizes: list[int] = []

    async def ask_on(until: asyncio.Event) -> None:
        while not until.is_set():
            sizes.append(len(await scene.ask("rule")))

    done = asyncio.Event()
    asking = [asyncio.create_task(ask_on(done)) for _ in range(4)]
    for size in (2, 3, 4):
        await published(root, *(f"Rule {n}" for n in range(size)))
    done.set()
    await asyncio.gather(*asking)
    assert set(sizes) <= {1, 2, 3, 4}
    assert len(await scene.ask("rule")) == 4


async def test_a_reader_looks_at_the_pointer_five_times_a_second_at_most(root: Path) -> None:
    """Between two looks the loaded generation is served without touching the disk."""
    await published(root, "One rule")
    clock = [0.0]
    scene = Scene(None, edge_reader(root, clock))
    assert len(await scene.ask("rule")) == 1
    await published(root, "One rule", "Two rules")
    clock[0] = 0.19
    assert len(await scene.ask("rule")) == 1
    clock[0] = 0.21
    assert len(await scene.ask("rule")) == 2


async def test_a_deleted_folder_does_not_stop_a_reader(root: Path) -> None:
    """What is open stays readable even if the generation is removed under it."""
    name = await published(root, "One rule", "Two rules")
    scene = Scene(None, edge_reader(root))
    assert len(await scene.ask("rule")) == 2
    shutil.rmtree(generations.folder_of(root, name))
    assert len(await scene.ask("rule")) == 2


async def test_a_pointer_to_nothing_is_temporary(root: Path) -> None:
    """A generation that is missing at the first load is an error to come back from, not an empty index."""
    name = await published(root, "One rule")
    shutil.rmtree(generations.folder_of(root, name))
    with pytest.raises(Temporary) as down:
        await Scene(None, edge_reader(root)).ask("rule")
    assert down.value.code == "index_unavailable"


async def test_several_processes_read_while_one_writes(root: Path) -> None:
    """No reader locks another out, nor the writer."""
    await published(root, "One rule", "Two rules")
    here = Scene(None, edge_reader(root))
    assert len(await here.ask("rule")) == 2
    async with edge_writer(root) as writer:
        await Scene(writer, here.index).write([chunk("Three rules", document="d2")])
        for child in [Child(read, root) for _ in range(2)]:
            assert child.ended() == (0, ["One rule", "Two rules"])


async def test_reading_changes_nothing_of_a_generation(root: Path) -> None:
    """A generation is immutable: searching leaves each byte of its segments as it was."""
    name = await published(root, "One rule", "Two rules")
    segments = generations.folder_of(root, name) / "internal" / "segments"
    before = {path: path.read_bytes() for path in segments.rglob("*") if path.is_file()}
    assert len(await Scene(None, edge_reader(root)).ask("rule")) == 2
    assert {path: path.read_bytes() for path in segments.rglob("*") if path.is_file()} == before


# --- full disks and crashes -------------------------------------------------------------------------------------


async def test_a_disk_that_fills_during_publish_unpublishes_nothing(root: Path) -> None:
    """The copy runs out of space: Temporary, the pointer stays, the next run cleans up and publishes."""
    name = await published(root, "One rule")
    copied = 0

    def fills_up(source: Path, target: Path) -> None:
        nonlocal copied
        copied += 1
        if copied > 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        generations.copy_file(source, target)

    async with edge_writer(root, copy=fills_up) as writer:
        scene = Scene(writer, edge_reader(root))
        await scene.write([chunk("Two rules", document="d1")])
        with pytest.raises(Temporary) as full:
            await writer.publish()
        assert full.value.code == "disk_full"
        assert await scene.texts("rule") == ["One rule"]
    assert generations.pointer(root) == generations.Pointer(name)
    async with edge_writer(root) as writer:
        assert not list(root.rglob(f"{generations.UNFINISHED}*"))
        await writer.publish()  # what was written before the disk was full is not lost
    assert await found(root) == {"One rule", "Two rules"}


async def test_a_nearly_full_disk_is_refused_before_the_engine_writes(root: Path) -> None:
    """The engine writes through memory maps, where a full disk would kill the process."""
    async with edge_writer(root, free_bytes=lambda _: 1000) as writer:
        with pytest.raises(Temporary) as full:
            await Scene(writer, edge_reader(root)).write([chunk("One rule")])
    assert full.value.code == "disk_full"


@pytest.mark.parametrize("event", ["os.mkdir", "os.rename", "copy", "shutil.rmtree"])
async def test_killed_at_any_point_nothing_is_lost_and_nothing_is_published_by_half(event: str, tmp_path: Path) -> None:
    """`kill -9` at each of these events in turn: readers see the old or the new state, and the next run heals."""
    outcomes = set()
    for number in (1, 2, 3, 5, 9, 17, 40):
        root = tmp_path / f"{event}-{number}"
        ended, said = Child(write, root, event, number).ended()
        assert ended in {0, -9}
        outcomes.add(ended)
        seen = await found(root)
        if "published" in said:
            assert seen == {"New rule", "Kept rule"}
        elif "first" in said:
            assert seen in ({"Old rule", "Kept rule"}, {"New rule", "Kept rule"})
        else:
            assert seen in (set(), {"Old rule", "Kept rule"})
        async with edge_writer(root) as writer:
            assert not list(root.rglob(f"{generations.UNFINISHED}*"))
            if "retained" in said:
                await writer.publish()  # without writing anything again
                assert await found(root) == {"New rule", "Kept rule"}
            elif "upserted" in said:
                await writer.publish()
                assert await found(root) >= {"New rule", "Kept rule"}
        if ended == 0:
            break
    assert -9 in outcomes


def lying_about(root: Path, text: str) -> list[str]:
    """Files of the index that hold this text."""
    return [
        str(path.relative_to(root)) for path in root.rglob("*") if path.is_file() and text.encode() in path.read_bytes()
    ]


async def test_what_was_taken_out_is_on_the_disk_no_more(root: Path) -> None:
    """The engine only marks a point as deleted; its text is in no file of ours after the next publish."""
    async with edge_writer(root) as writer:
        scene = Scene(writer, edge_reader(root))
        await scene.publish([
            chunk("Secret rule of the penguins", document="gone"), chunk("Kept rule", document="other"),
            chunk("Public rule", document="third", classification=Classification.public),
        ])  # fmt: skip
        assert lying_about(root, "penguins")
        await writer.retain("gone", None)
        await writer.publish()
        assert lying_about(root, "penguins") == []
        assert lying_about(root, "Kept rule")
        await scene.publish([chunk("Later rule", document="fourth")])
    assert await found(root) == {"Kept rule", "Public rule", "Later rule"}


async def test_a_disk_too_full_to_write_anew_costs_no_collection(root: Path) -> None:
    """The rewrite needs room: without it nothing is lost, and the next publish does it."""
    room = [10**12]
    async with edge_writer(root, free_bytes=lambda _: room[0]) as writer:
        scene = Scene(writer, edge_reader(root))
        await scene.publish([chunk("Secret rule", document="gone"), chunk("Kept rule", document="other")])
        await writer.retain("gone", None)
        room[0] = 1000
        with pytest.raises(Temporary, match="full"):
            await writer.publish()
        room[0] = 10**12
        await writer.publish()
    assert lying_about(root, "Secret rule") == []
    assert await found(root) == {"Kept rule"}


@pytest.mark.parametrize("event", ["os.mkdir", "os.rename", "copy", "shutil.rmtree"])
async def test_killed_while_it_forgets_it_forgets_on_the_next_start(event: str, tmp_path: Path) -> None:
    """`kill -9` at each of these events in turn: what stays is served, and what was taken out leaves the disk."""
    outcomes = set()
    for number in (1, 2, 3, 4, 5, 6, 9):
        root = tmp_path / f"{event}-{number}"
        ended, said = Child(forget, root, event, number).ended()
        assert ended in {0, -9}
        outcomes.add(ended)
        assert "Kept rule" in await found(root)
        async with edge_writer(root) as writer:
            if "retained" in said:
                await writer.publish()
                assert lying_about(root, "Secret rule") == []
                assert await found(root) == {"Kept rule"}
        assert not [*root.rglob("rewriting-*"), *root.rglob("replaced-*")]
        if ended == 0:
            break
    assert -9 in outcomes


async def test_hits_survive_the_round_trip_over_classifications(root: Path) -> None:
    """A search over four collections returns the best of all, not the best of each."""
    async with edge_writer(root) as writer:
        scene = Scene(writer, edge_reader(root))
        await scene.publish(
            [
                chunk(f"Rule {n} for {level.name}", document=f"{level.name}{n}", classification=level)
                for level in Classification
                for n in range(30)
            ]
        )
        hits = await scene.ask("Rule 7 for confidential", limit=4)
    assert hits[0].chunk.text == "Rule 7 for confidential"
    [vector] = await EMBEDDER.embed(["Rule 7"])
    low = await scene.index.search(
        "Rule 7", vector, language="en", access=access(clearance=Classification.public), limit=100, prefetch=100
    )
    assert {hit.chunk.labels.classification for hit in low} == {Classification.public}
    assert len(low) == 30
