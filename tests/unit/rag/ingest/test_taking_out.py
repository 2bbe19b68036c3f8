"""What leaves: deleted, forgotten, too old, and what a person has to say first. Always with a receipt, or not at all."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ingest_scene import ZONE, intake, numbered, searched, sweep, taken_out

from rag.adapters.index.memory import InMemoryIndex
from rag.errors import Temporary
from rag.ingest.batch import Batch
from rag.ingest.erase import attest, erase, erase_zone, verify
from rag.ingest.ingest import Intake, removable, survey
from rag.testing import (
    MemoryLanding,
    MemoryLedger,
    MemoryLibrary,
)
from rag.types import (
    Entry,
    ErasureRule,
    State,
)


async def braked_sweep(parts: Intake, writer: InMemoryIndex, **settings: float) -> list[str]:
    """Paths removed."""
    in_zone = replace(ZONE, **settings)
    found = await survey(in_zone, intake=parts)
    await Batch(in_zone, found.due, intake=parts, writer=writer).run()
    gone = await removable(in_zone, found, intake=parts)
    removed = [(await taken_out(entry, ErasureRule.deleted, parts, writer)).path for entry in gone]
    await writer.publish()
    return removed


async def missing(parts: Intake) -> list[str]:
    return [path for path, entry in (await parts.ledger.entries(ZONE.name)).items() if entry.missing_since]


async def test_a_mass_deletion_waits_for_a_person() -> None:
    """What an expired credential looks like: it stays answerable, is marked, and is unmarked when it is back."""
    landing = MemoryLanding(numbered(20))
    parts, writer = intake(landing), InMemoryIndex()
    await braked_sweep(parts, writer)
    landing.files = {path: landing.files[path] for path in list(landing.files)[:16]}  # 4 of 20 are 20 %
    for _ in range(2):
        assert await braked_sweep(parts, writer) == []
        assert await missing(parts) == ["16.txt", "17.txt", "18.txt", "19.txt"]
    assert await searched(writer, "animal17") >= {"animal17 lives here"}
    landing.files = numbered(20)
    assert await braked_sweep(parts, writer) == []
    assert await missing(parts) == []
    assert (await survey(ZONE, intake=parts)).due == ()


@pytest.mark.parametrize(
    ("left", "limit", "removed"),
    [
        (17, 0.15, 3),  # exactly the share
        (16, 0.2, 4),
        (0, 1.0, 20),
        (19, 0.0, 1),  # one file alone is no mass
        (18, 0.0, 0),
    ],
)
async def test_fewer_deletions_than_the_zone_allows_are_done(left: int, limit: float, removed: int) -> None:
    """The share is the zone's own."""
    landing = MemoryLanding(numbered(20))
    parts, writer = intake(landing), InMemoryIndex()
    await braked_sweep(parts, writer)
    landing.files = numbered(left)
    assert len(await braked_sweep(parts, writer, deletion_limit=limit)) == removed


async def test_files_that_were_moved_are_no_deletions() -> None:
    """A renamed folder takes every path away at once, and brings every file back beside it."""
    landing = MemoryLanding(numbered(10))
    parts, writer = intake(landing), InMemoryIndex()
    await braked_sweep(parts, writer)
    landing.files = {f"neu/{path}": content for path, content in landing.files.items()}
    assert len(await braked_sweep(parts, writer)) == 10
    assert await missing(parts) == []
    assert len(await searched(writer, "animal3")) == 10


async def forget(parts: Intake, writer: InMemoryIndex, path: str) -> str:
    entry = (await parts.ledger.entries(ZONE.name))[path]
    request = ErasureRule.request
    erasure = await erase(
        entry, zone=ZONE, rule=request, intake=parts, writer=writer, actor="dpo", reason="Request 17."
    )
    generation = await writer.publish()
    signed, kept = await attest([erasure], intake=parts, writer=writer, generation=generation)
    assert (len(signed), kept) == (1, [])
    assert parts.signer.verifies(signed[0].signed_content, signed[0].signature or "")
    assert not parts.signer.verifies(replace(signed[0], reason="Another.").signed_content, signed[0].signature or "")
    return signed[0].document_id


async def test_what_was_forgotten_stays_out_until_somebody_allows_it() -> None:
    """Not under its own name however it changes, nor as the same bytes under another; nobody else suffers."""
    landing = MemoryLanding({"a.txt": b"red fox", "b.txt": b"blue whale"})
    parts, writer = intake(landing), InMemoryIndex()
    await sweep(parts, writer)
    document_id = await forget(parts, writer, "a.txt")
    landing.files |= {"copy.txt": b"red fox"}
    assert [(r.path, r.code) for r in await sweep(parts, writer)] == [("copy.txt", "forgotten")]
    landing.files |= {"a.txt": b"red fox, changed"}
    assert await sweep(parts, writer) == []
    assert await searched(writer, "fox whale") == {"blue whale"}
    assert await parts.erasures.release(document_id) == 1
    entry = (await parts.ledger.entries(ZONE.name))["a.txt"]
    await parts.ledger.record(replace(entry, receipt=replace(entry.receipt, state=State.deleted)))
    await sweep(parts, writer)
    assert await searched(writer, "fox") >= {"red fox, changed"}


async def test_a_receipt_of_something_still_there_is_not_signed() -> None:
    """Looked for in what is written, in what is published, and in the stored texts."""
    parts, writer = intake(MemoryLanding({"a.txt": b"red fox"})), InMemoryIndex()
    await sweep(parts, writer)
    entry = (await parts.ledger.entries(ZONE.name))["a.txt"]
    erasure = await erase(entry, zone=ZONE, rule=ErasureRule.request, intake=parts, writer=writer)
    assert erasure.counts == {"chunks": 1, "texts": 1}
    signed, kept = await attest([erasure], intake=parts, writer=writer)  # not published: readers still find it
    assert (signed, [one.id for one in kept]) == ([], [erasure.id])
    await writer.publish()
    signed, kept = await attest(await parts.erasures.unsigned(), intake=parts, writer=writer, generation="g2")
    assert ([one.id for one in signed], kept) == ([erasure.id], [])
    again, _ = await attest(await parts.erasures.standing(), intake=parts, writer=writer, generation="g9")
    assert (again[0].generation, again[0].signature) == ("g2", signed[0].signature)


async def test_a_deleted_file_that_returns_is_read_again() -> None:
    """And its receipt is closed: nobody looks for it any more."""
    landing = MemoryLanding({"a.txt": b"red fox"})
    parts, writer = intake(landing), InMemoryIndex()
    await sweep(parts, writer)
    landing.files = {"b.txt": b"blue whale"}
    assert [r.code for r in await sweep(parts, writer)] == ["indexed", "deleted"]
    assert len(await parts.erasures.standing()) == 1
    landing.files |= {"a.txt": b"red fox"}
    await sweep(parts, writer)
    assert await parts.erasures.standing() == []
    assert await searched(writer, "fox") >= {"red fox"}


async def test_files_leave_when_their_time_is_over() -> None:
    """By the zone's own rule, with a receipt; a file that was too old from the start never comes in."""
    parts, writer = intake(MemoryLanding({"a.txt": b"red fox"})), InMemoryIndex()
    await sweep(parts, writer)
    short = replace(ZONE, retention_days=1)  # files of the twin are of 2026-01-01
    found = await survey(short, intake=parts)
    assert ([e.receipt.path for e in found.outlived], found.gone, found.due) == (["a.txt"], (), ())
    assert (await taken_out(found.outlived[0], ErasureRule.retention, parts, writer)).code == "retention_over"
    assert (await survey(short, intake=parts)).outlived == ()
    assert (await survey(short, intake=parts)).due == ()
    longer = replace(ZONE, retention_days=36500)
    assert [due.path for due in (await survey(longer, intake=parts)).due] == ["a.txt"]


@pytest.mark.parametrize("was_there", [False, True])
async def test_what_is_deleted_after_a_crash_is_taken_out_though_the_crash_came_before_its_receipt(
    *, was_there: bool
) -> None:
    """A file that is new, or came back: killed after its text was kept, and taken away before the next sweep."""
    parts, writer = intake(MemoryLanding({"b.txt": b"blue whale"})), InMemoryIndex()
    if was_there:
        for content in ({"a.txt": b"grey wolf", "b.txt": b"blue whale"}, {"b.txt": b"blue whale"}):
            parts.landing.files = content  # type: ignore[attr-defined]
            await sweep(parts, writer)
    parts.landing.files = {"a.txt": b"red fox", "b.txt": b"blue whale"}  # type: ignore[attr-defined]
    ledger = KilledLedger(ZONE)
    ledger.__dict__ |= parts.ledger.__dict__
    with pytest.raises(KeyboardInterrupt):
        await sweep(replace(parts, ledger=ledger), writer)
    parts.landing.files = {"b.txt": b"blue whale"}  # type: ignore[attr-defined]
    await sweep(parts, writer)
    assert await searched(writer, "fox wolf whale") == {"blue whale"}
    assert {one.document_id for one in await parts.library.live()} == {parts.landing.document_id(ZONE, "b.txt")}
    (unsigned,) = [one for one in await parts.erasures.unsigned() if one.counts["texts"]]
    assert unsigned.path == "a.txt"


class KilledLedger(MemoryLedger):
    """Dies instead of saying that a document is indexed."""

    async def record(self, entry: Entry) -> None:
        if entry.receipt.state is State.indexed:
            raise KeyboardInterrupt
        await super().record(entry)


async def test_no_receipt_is_signed_while_the_text_is_still_on_the_disk() -> None:
    """The log of the database could not be emptied just now: the receipt waits, and is signed with the next look."""

    class Read(MemoryLibrary):
        is_read = True

        async def overwrite(self) -> None:
            if self.is_read:
                raise Temporary("database.locked", "Another process keeps the database busy.")

    library = Read()
    parts, writer = replace(intake(MemoryLanding({"a.txt": b"red fox"})), library=library), InMemoryIndex()
    await sweep(parts, writer)
    await taken_out((await parts.ledger.entries(ZONE.name))["a.txt"], ErasureRule.request, parts, writer)
    await writer.publish()
    with pytest.raises(Temporary):
        await attest(await parts.erasures.unsigned(), intake=parts, writer=writer)
    assert len(await parts.erasures.unsigned()) == 1
    library.is_read = False
    await attest(await parts.erasures.unsigned(), intake=parts, writer=writer)
    assert await parts.erasures.unsigned() == []


async def test_a_zone_goes_off_the_record_with_its_last_document() -> None:
    """In one go under the writer's lock: afterwards no sweep finds the zone any more, and every document has a receipt."""
    parts, writer, told = (
        intake(MemoryLanding({"a.txt": b"red fox", "b.txt": b"\xff\xff"})),
        InMemoryIndex(),
        list[str](),
    )
    await sweep(parts, writer)
    erased = await erase_zone(ZONE, intake=parts, writer=writer, actor="operator", tell=told.append)
    assert ([one.path for one in erased], told) == (["a.txt", "b.txt"], ["  - a.txt", "  - b.txt"])
    assert (await parts.ledger.zones(), await parts.ledger.entries(ZONE.name)) == ([], {})
    assert await parts.erasures.unsigned() == []
    assert await searched(writer, "fox") == set()


async def test_a_receipt_that_was_changed_is_told_by_the_daily_look() -> None:
    """Whoever can write to the database cannot write a receipt: what it says is signed."""
    parts, writer = intake(MemoryLanding({"a.txt": b"red fox", "b.txt": b"blue whale"})), InMemoryIndex()
    await sweep(parts, writer)
    for path in ("a.txt", "b.txt"):
        await forget(parts, writer, path)
    sound, changed = await parts.erasures.standing()
    await parts.erasures.record(replace(changed, reason="Nobody asked for it."))
    found = await verify(intake=parts, writer=writer)
    assert [one.id for one in found.empty] == [sound.id]
    assert [one.id for one in found.forged] == [changed.id]
    assert found.kept == ()
