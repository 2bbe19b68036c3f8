"""Zones as they are: many files, odd names and clocks, one file that nobody can read. Nothing waits for it, nothing is lost."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_ingest import EVERYONE, PoisonedParser, intake

from rag.adapters.database.engine import Database
from rag.adapters.database.ledger import DatabaseLedger
from rag.adapters.embedders.hashing import HashEmbedder
from rag.adapters.index.memory import InMemoryIndex
from rag.adapters.landing.folder_landing import FolderLanding
from rag.ingest.batch import Batch
from rag.ingest.ingest import Due, Intake, Survey, portions, survey
from rag.testing import EPOCH, MemoryLanding, zone
from rag.types import Classification, Sighting, State, Zone


async def swept(place: Zone, parts: Intake, writer: InMemoryIndex) -> Survey:
    """As the flow does it, without its tasks."""
    found = await survey(place, intake=parts)
    for due in portions(found.due):
        await Batch(place, due, intake=parts, writer=writer).run()
    await writer.publish()
    return found


async def fates(place: Zone, parts: Intake) -> Counter[str]:
    entries = await parts.ledger.entries(place.name)
    return Counter(entry.receipt.code for entry in entries.values())


def zone_of(folder: Path) -> Zone:
    (folder / "zone.yaml").write_text("owner: somebody\n", encoding="utf-8")
    return replace(zone(), url=folder.as_uri())


@given(st.lists(st.integers(0, 9 << 20), max_size=200))
def test_portions_hold_every_file_once_and_few_bytes(sizes: list[int]) -> None:
    """A large file goes alone; no portion holds more than 24 files."""
    due = [
        Due(sighting=Sighting(zone="z", path=str(number), size=size, modified_at=EPOCH, etag=""))
        for number, size in enumerate(sizes)
    ]
    made = list(portions(due))
    assert [file for portion in made for file in portion] == due
    for portion in made:
        assert 1 <= len(portion) <= 24
        assert len(portion) == 1 or sum(file.sighting.size for file in portion) <= 4 << 20


async def test_one_poison_file_among_a_thousand_delays_nothing() -> None:
    """All others are in after the first sweep; it is tried twice more alone, and then nothing is due any more."""
    files = {f"{number:04}.txt": f"Note {number}".encode() for number in range(1000)} | {"0500.txt": b"poison"}
    parts = replace(intake(MemoryLanding(files)), parser=PoisonedParser())
    writer, place = InMemoryIndex(), zone()
    assert len((await swept(place, parts, writer)).due) == 1000
    assert await fates(place, parts) == {"indexed": 999, "unforeseen": 1}
    assert len(writer._working) == 999
    for _ in range(2):
        assert [file.path for file in (await swept(place, parts, writer)).due] == ["0500.txt"]
    entry = (await parts.ledger.entries(place.name))["0500.txt"]
    assert (entry.receipt.state, entry.attempts) == (State.blocked, 3)
    assert "poison" not in entry.receipt.reason
    assert (await survey(place, intake=parts)).due == ()


async def test_five_thousand_files_in_one_folder(tmp_path: Path) -> None:
    """Each is in after one sweep, and the next one opens none of them."""
    for number in range(5000):
        (tmp_path / f"{number}.txt").write_bytes(b"Note %d" % number)
    place, writer = zone_of(tmp_path), InMemoryIndex()
    parts = replace(intake(MemoryLanding()), landing=FolderLanding())
    assert len((await swept(place, parts, writer)).due) == 5000
    assert await fates(place, parts) == {"indexed": 5000}
    found = await survey(place, intake=parts)
    assert (found.due, found.gone, found.unchanged) == ((), (), 5000)


NAMES = [
    "👩‍⚕️ Schicht 🏥.txt", unicodedata.normalize("NFD", "Prüfplan für Geräte.txt"), "e\u0301\u0327\u0323\u0302.txt", "Z̷̢̛a̶l̷g̶o̴.txt",
    "دليل المستخدم.txt", "מדריך.txt", "ab\u202ecd.txt", "名前" * 40 + ".txt", "🇩🇪🇦🇹🇨🇭.txt", "x" * 251 + ".txt", "a\u200db.txt", "ǅ ﬁ ß.txt",
]  # fmt: skip


async def test_names_in_any_script_come_in_and_stay_in(tmp_path: Path, database: Database) -> None:
    """Emoji, combining signs, both directions, as long as a name can be; recorded, found unchanged, each once."""
    folder = tmp_path / "zone"  # the database lies beside it
    folder.mkdir()
    for number, name in enumerate(NAMES):
        (folder / name).write_bytes(b"Note %d" % number)
    place, writer = zone_of(folder), InMemoryIndex()
    ledger = DatabaseLedger(database)
    await ledger.add_zone(place)
    parts = replace(intake(MemoryLanding()), landing=FolderLanding(), ledger=ledger)
    await swept(place, parts, writer)
    entries = await ledger.entries(place.name)
    assert set(entries) == {unicodedata.normalize("NFC", name) for name in NAMES}
    assert await fates(place, parts) == {"indexed": len(NAMES)}
    assert (await survey(place, intake=parts)).due == ()


YEARS = [1970, 1980, 2026, 2099]


@pytest.mark.parametrize("before", YEARS)
@pytest.mark.parametrize("after", YEARS)
async def test_no_clock_decides_what_has_changed(tmp_path: Path, before: int, after: int) -> None:
    """A file dated 1970 or in the future, and one that became older by a clock that was put back, is read all the same."""
    place, writer = zone_of(tmp_path), InMemoryIndex()
    parts = replace(intake(MemoryLanding()), landing=FolderLanding())
    file = tmp_path / "a.txt"
    file.write_bytes(b"red fox")
    dated(file, before)
    assert len((await swept(place, parts, writer)).due) == 1
    file.write_bytes(b"red owl")
    dated(file, after, second=1)
    assert len((await swept(place, parts, writer)).due) == 1
    vector = (await HashEmbedder().embed(["red owl"]))[0]
    hits = await writer.search("red owl", vector, language="en", access=EVERYONE, limit=5, prefetch=5)
    assert [hit.chunk.text for hit in hits] == ["red owl"]
    assert (await survey(place, intake=parts)).due == ()


def dated(file: Path, year: int, *, second: int = 0) -> None:
    at = datetime(year, 1, 1, 0, 0, second, tzinfo=UTC).timestamp()
    os.utime(file, (at, at))


async def test_labels_do_not_depend_on_a_files_date(tmp_path: Path) -> None:
    """A file from the future is no document that begins in the future."""
    place = zone_of(tmp_path)
    (tmp_path / "a.txt").write_bytes(b"red fox")
    dated(tmp_path / "a.txt", 2099)
    labels = (await FolderLanding().read(place, "a.txt")).labels
    assert (labels.valid_from, labels.valid_until, labels.classification) == (None, None, Classification.internal)
