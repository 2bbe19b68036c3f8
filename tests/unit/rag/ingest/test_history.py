"""Earlier versions answer as of their time where the zone says so, under the rights of today, and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.adapters.embedders.hashing import HashEmbedder
from rag.adapters.index.memory import InMemoryIndex
from rag.adapters.index.qdrant_edge_writer import QdrantEdgeWriter
from rag.errors import Permanent
from rag.ingest import batch as batch_module
from rag.ingest.batch import Batch
from rag.ingest.erase import attest, erase
from rag.ingest.ingest import Intake, survey
from rag.testing import (
    DigestSigner,
    FixedPolicy,
    MemoryErasures,
    MemoryLanding,
    MemoryLedger,
    MemoryLibrary,
    MemoryReviews,
    PlainParser,
    WordGuard,
    ingest_decision,
    zone,
)
from rag.testing_stores import MemoryAllowList
from rag.types import (
    Access,
    AllowEntry,
    AllowKind,
    Chunk,
    Classification,
    Direction,
    Document,
    ErasureRule,
    IngestAction,
    IngestDecision,
    Kept,
    Receipt,
    Screened,
    Vectors,
    Zone,
)

HISTORIC = replace(zone(), keeps_history=True)
START = datetime(2026, 3, 1, tzinfo=UTC)


@dataclass
class House:
    """A zone whose clock a test sets: `day(n)` is the n-th after the start."""

    of_zone: Zone = HISTORIC
    guard: WordGuard = field(default_factory=WordGuard)
    landing: MemoryLanding = field(default_factory=MemoryLanding)
    clock: list[datetime] = field(default_factory=lambda: [START])

    def __post_init__(self) -> None:
        self.library = MemoryLibrary()
        self.writer = InMemoryIndex(publications=self.library)
        self.intake = Intake(
            landing=self.landing, parser=PlainParser(), guard=self.guard, embedder=HashEmbedder(), library=self.library,
            ledger=MemoryLedger(self.of_zone), index_identity=lambda: "index-1", erasures=MemoryErasures(),
            reviews=MemoryReviews(), signer=DigestSigner(), policy=FixedPolicy("local"),
        )  # fmt: skip

    async def sweep(self, day: int, **files: str) -> list[Receipt]:
        """With `a="red fox"` the file `a.txt` holds that; what is not named stays."""
        self.clock[0] = START + timedelta(days=day)
        self.landing.files |= {f"{name}.txt": text.encode() for name, text in files.items()}
        due = (await survey(self.of_zone, intake=self.intake)).due
        receipts = await Batch(self.of_zone, due, intake=self.intake, writer=self.writer).run()
        await self.writer.publish()
        return list(receipts)

    async def found(self, day: float, **changes: object) -> set[str]:
        """As of that day, by somebody of the tenant."""
        usual: dict[str, object] = {
            "tenant": "acme", "business_units": frozenset(), "groups": frozenset(),
            "clearance": Classification.internal, "zones": None, "at": START + timedelta(days=day),
        }  # fmt: skip
        access = Access(**(usual | changes))  # type: ignore[arg-type]
        (vector,) = await HashEmbedder().embed(["animal"])
        hits = await self.writer.search("animal", vector, language="en", access=access, limit=99, prefetch=99)
        return {hit.chunk.text.strip() for hit in hits}

    @property
    def document_id(self) -> str:
        return self.landing.document_id(self.of_zone, "a.txt")


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> House:
    made = House()
    monkeypatch.setattr(batch_module, "now", lambda: made.clock[0])
    return made


async def test_as_of_each_day_the_version_of_that_day_answers(house: House) -> None:
    """And never two, and never none; what is valid now is the newest alone."""
    await house.sweep(0, a="red fox")
    await house.sweep(10, a="blue whale")
    await house.sweep(20, a="green frog")
    assert [await house.found(day) for day in (-99, 9.99, 10, 19.99, 20, 99)] == [
        {"red fox"}, {"red fox"}, {"blue whale"}, {"blue whale"}, {"green frog"}, {"green frog"},
    ]  # fmt: skip
    assert await house.sweep(30) == []


async def test_without_the_setting_nothing_of_an_earlier_version_stays(house: House) -> None:
    """Neither for now nor for any day; also when the setting is taken back."""
    plain = House(of_zone=replace(HISTORIC, keeps_history=False), clock=house.clock)
    await plain.sweep(0, a="red fox")
    await plain.sweep(10, a="blue whale")
    assert [await plain.found(day) for day in (5, 15)] == [{"blue whale"}, {"blue whale"}]
    await house.sweep(0, a="red fox")
    await house.sweep(10, a="blue whale")
    house.of_zone = replace(HISTORIC, keeps_history=False)
    await house.sweep(20)
    assert [await house.found(day) for day in (5, 25)] == [{"blue whale"}, {"blue whale"}]
    assert await house.library.versions(house.document_id) == 1


async def test_who_lost_access_gets_nothing_of_then(house: House) -> None:
    """New readers, another unit, a higher class: earlier versions are labelled anew, and opened by nobody else."""
    await house.sweep(0, a="red fox")
    await house.sweep(10, a="blue whale")
    house.of_zone = replace(HISTORIC, readers=frozenset({"hr"}))
    await house.sweep(20)
    assert [await house.found(day) for day in (5, 15, 25)] == [set(), set(), set()]
    assert await house.found(5, groups=frozenset({"hr"})) == {"red fox"}
    house.of_zone = replace(HISTORIC, classification=Classification.confidential)
    await house.sweep(30)
    assert await house.found(5) == set()
    assert await house.found(5, clearance=Classification.confidential) == {"red fox"}
    labels = {kept.cleared.document.labels.classification for kept in await house.library.history(house.document_id)}
    assert labels == {Classification.confidential}


async def test_a_version_that_comes_back_was_there_twice(house: House) -> None:
    """A wrong file is dropped and put right: each day answers with what lay there."""
    await house.sweep(0, a="red fox")
    await house.sweep(10, a="blue whale")
    await house.sweep(20, a="red fox")
    await house.sweep(30, a="blue whale")
    await house.sweep(40, a="red fox")
    days = [await house.found(day) for day in (5, 15, 25, 35, 45)]
    assert days == [{"red fox"}, {"blue whale"}, {"red fox"}, {"blue whale"}, {"red fox"}]


async def test_a_bad_new_version_withholds_what_was_before_until_a_good_one_comes(house: House) -> None:
    """Who may read is not known while a sidecar cannot be read; the history is not lost with it."""
    await house.sweep(0, a="red fox")
    await house.sweep(10, a="blue whale")
    house.landing.files["a.txt"] = b"\xff\xff"
    await house.sweep(20)
    assert [await house.found(day) for day in (5, 15, 25)] == [set(), set(), set()]
    assert await house.library.live() == []
    await house.sweep(30, a="green frog")
    assert [await house.found(day) for day in (5, 15, 25, 35)] == [{"red fox"}, {"blue whale"}, set(), {"green frog"}]


async def test_an_upgrade_makes_earlier_versions_anew_from_their_stored_text(house: House) -> None:
    """The file's bytes are gone; nothing of the history is. What today's guard masks is masked in it too."""
    await house.sweep(0, a="red fox of Meier")
    await house.sweep(10, a="blue whale")
    stricter = WordGuard(mask=["Meier"])
    stricter.revision = "words-2"
    house.intake = replace(house.intake, guard=stricter)
    assert len(await house.sweep(20)) == 1
    (then,) = await house.found(5)
    assert then.startswith("red fox of ")
    assert "Meier" not in then
    blocking = WordGuard(block=["fox"])
    blocking.revision = "words-3"
    house.intake = replace(house.intake, guard=blocking)
    await house.sweep(30)
    assert [await house.found(day) for day in (5, 15)] == [set(), {"blue whale"}]
    house.intake = replace(house.intake, guard=stricter)
    await house.sweep(40)
    assert len(await house.found(5)) == 1  # withheld, not lost


async def test_what_is_forgotten_is_forgotten_in_every_version(house: House) -> None:
    """One receipt, which counts them all, and nothing answers as of any day."""
    await house.sweep(0, a="red fox")
    await house.sweep(10, a="blue whale")
    entry = (await house.intake.ledger.entries(HISTORIC.name))["a.txt"]
    receipt = await erase(entry, zone=HISTORIC, rule=ErasureRule.request, intake=house.intake, writer=house.writer)
    assert receipt.counts == {"chunks": 2, "texts": 2}
    await house.writer.publish()
    assert [await house.found(day) for day in (5, 15)] == [set(), set()]
    signed, kept = await attest([receipt], intake=house.intake, writer=house.writer)
    assert (len(signed), kept) == (1, [])


async def test_earlier_versions_leave_when_their_time_is_over(house: House) -> None:
    """By the age of the file that they were; the newest stays as long as it is young enough."""
    house.of_zone = replace(HISTORIC, retention_days=36500)
    await house.sweep(0, a="red fox")
    await house.sweep(10, a="blue whale")
    house.landing = house.intake.landing  # type: ignore[assignment]
    renewed = Renewed(house.landing.files)
    house.landing, house.intake = renewed, replace(house.intake, landing=renewed)
    await house.sweep(15)
    house.of_zone = replace(HISTORIC, retention_days=30)  # the twin's files are older, the renewed one is of today
    await house.sweep(20)
    assert [await house.found(day) for day in (5, 15)] == [set(), {"blue whale"}]
    assert await house.library.versions(house.document_id) == 1
    assert await house.sweep(20) == []


async def test_a_withheld_version_leaves_when_its_time_is_over(house: House) -> None:
    """The newest file is broken, and stays so: what is kept for a better day is not kept beyond its own."""
    house.of_zone = replace(HISTORIC, retention_days=36500)
    await house.sweep(0, a="red fox")
    house.landing = Renewed(house.landing.files)
    house.intake = replace(house.intake, landing=house.landing)
    house.landing.files["a.txt"] = b"\xff\xff"
    await house.sweep(10)
    house.of_zone = replace(HISTORIC, retention_days=30)
    await house.sweep(20)
    assert await house.library.versions(house.document_id) == 0
    assert await house.sweep(21) == []


@pytest.mark.parametrize("how", ["by its age", "because the zone keeps none any more"])
async def test_what_leaves_the_history_leaves_the_disk(how: str, house: House, tmp_path: Path) -> None:
    """Not only the answers: no older generation and no page of the engine holds it; what stays is found as before."""
    root, embedder = tmp_path / "index", house.intake.embedder
    writer = QdrantEdgeWriter(
        root, embedder=embedder.name, dimension=embedder.dimension, publications=house.library, keep=3
    )
    async with writer:
        house.writer = writer  # type: ignore[assignment]
        house.of_zone = replace(HISTORIC, retention_days=36500)
        await house.sweep(0, a="red fox")
        house.landing = Renewed(house.landing.files)
        house.intake = replace(house.intake, landing=house.landing)
        await house.sweep(10, a="blue whale")
        await house.sweep(20, a="green frog")
        assert files_with(root, "red fox")
        house.of_zone = replace(HISTORIC, retention_days=30, keeps_history=how == "by its age")
        await house.sweep(30)
        assert files_with(root, "red fox") == []
        assert bool(files_with(root, "blue whale")) is (how == "by its age")
        assert files_with(root, "green frog")


def files_with(root: Path, text: str) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


class Counting(FixedPolicy):
    """Raises a document with three findings."""

    def ingest(self, facts: Mapping[str, object]) -> IngestDecision:
        findings = cast("Mapping[str, Mapping[str, int]]", facts["findings"])
        is_list = sum(found["count"] for found in findings.values()) >= 3
        least, action = Classification.confidential, IngestAction.reclassify
        self.ingested = ingest_decision(action, least=least, rule="test.list") if is_list else ingest_decision()
        return super().ingest(facts)


async def test_a_list_that_was_raised_stays_raised_though_only_its_masks_are_left(house: House) -> None:
    """What made it one cannot be counted any more, in the first making anew and in every later one."""
    house.intake = replace(house.intake, guard=WordGuard(mask=["DE1", "DE2", "DE3"]), policy=Counting("local"))
    await house.sweep(0, a="the fox's accounts: DE1 DE2 DE3")
    await house.sweep(10, a="blue whale")
    house.of_zone = replace(HISTORIC, readers=frozenset({"hr"}))
    await house.sweep(20)
    assert await house.found(5, groups=frozenset({"hr"})) == set()
    assert len(await house.found(5, groups=frozenset({"hr"}), clearance=Classification.confidential)) == 1
    assert await house.found(25, groups=frozenset({"hr"})) == {"blue whale"}


class Allowing(WordGuard):
    """Masks Meier, unless the allow-list has any entry."""

    def __init__(self, allow_list: MemoryAllowList) -> None:
        super().__init__(mask=["Meier"])
        self._allow_list = allow_list

    async def screen(self, text: str, *, direction: Direction, context: Mapping[str, str | None]) -> Screened:
        if "Meier" in text and await self._allow_list.standing("acme"):
            passed = await WordGuard().screen(text, direction=direction, context=context)
            return replace(passed, allowed={"MASKED": 1})
        return await super().screen(text, direction=direction, context=context)


@pytest.mark.parametrize("newest", ["blue whale of Meier", "blue whale"])
async def test_what_is_allowed_no_longer_is_masked_in_earlier_versions_too(house: House, newest: str) -> None:
    """Also where the newest file holds nothing of that kind, so that its counts say nothing of it."""
    entry = AllowEntry(
        id="e", version=1, tenant="acme", zone=None, directions=frozenset({Direction.ingest}), entity="MASKED",
        kind=AllowKind.text, value="digest", by="A. Weber", reason="A fox.", at=START, until=START.replace(year=2999),
    )  # fmt: skip
    allow_list = MemoryAllowList(entry)
    house.intake = replace(house.intake, guard=Allowing(allow_list), allow_list=allow_list)
    await house.sweep(0, a="red fox of Meier")
    await house.sweep(10, a=newest)
    assert await house.found(5) == {"red fox of Meier"}
    await allow_list.record(replace(entry, version=2, is_revoked=True))
    await house.sweep(20)
    assert "Meier" not in str([await house.found(day) for day in (5, 25)])
    assert await house.sweep(30) == []


class Renewed(MemoryLanding):
    """Its files were changed just now."""

    at = datetime.now(UTC)

    async def sightings(self, zone: Zone) -> list:
        return [replace(one, modified_at=self.at) for one in await super().sightings(zone)]

    async def read(self, zone: Zone, path: str) -> Document:
        return replace(await super().read(zone, path), modified_at=self.at)


@pytest.mark.parametrize("after", ["keep 1", "keep 2", "upsert 1", "upsert 2"])
async def test_a_crash_never_leaves_two_answers_for_now(house: House, after: str) -> None:
    """Whoever publishes next; and the sweep after it ends where it would have ended."""
    await house.sweep(0, a="red fox")
    await house.sweep(10, a="blue whale")
    whole = house.intake
    verb, _, nth = after.partition(" ")
    steps = Dying(house, verb, int(nth))
    house.landing.files["a.txt"] = b"green frog"
    house.clock[0] = START + timedelta(days=20)
    due = (await survey(HISTORIC, intake=whole)).due
    with pytest.raises(KeyboardInterrupt):
        await Batch(HISTORIC, due, intake=replace(whole, library=steps.library), writer=steps.writer).run()
    await house.writer.publish()
    assert len(await house.found(99)) == 1
    await house.sweep(21)
    assert [await house.found(day) for day in (5, 15, 99)] == [{"red fox"}, {"blue whale"}, {"green frog"}]


class Dying:
    """The house's library and writer, until the n-th call of a verb has been done."""

    def __init__(self, house: House, verb: str, nth: int) -> None:
        self.calls, outer = 0, self

        def called(name: str) -> None:
            self.calls += name == verb
            if name == verb and self.calls == nth:
                raise KeyboardInterrupt

        class Library(MemoryLibrary):
            async def keep(self, cleared, *, earlier: Sequence[Kept] | None = None) -> None:
                await super().keep(cleared, earlier=earlier)
                called("keep")

        class Writer(InMemoryIndex):
            async def upsert(self, chunks: Sequence[Chunk], vectors: Vectors) -> None:
                await super().upsert(chunks, vectors)
                called("upsert")

        outer.library, outer.writer = Library(), Writer()
        outer.library.__dict__, outer.writer.__dict__ = house.library.__dict__, house.writer.__dict__


@settings(deadline=None, max_examples=40)
@given(st.lists(st.sampled_from(["red fox", "blue whale", "green frog", "FORBIDDEN"]), min_size=1, max_size=6))
async def test_every_history_is_told_as_it_was(contents: list[str]) -> None:
    """After any sequence of contents, each day answers with what lay there, and with nothing where it was blocked."""
    made = House(guard=WordGuard(block=["FORBIDDEN"]))
    before = batch_module.now
    batch_module.now = lambda: made.clock[0]
    try:
        for day, content in enumerate(contents):
            await made.sweep(day, a=content)
    finally:
        batch_module.now = before
    expected = [set[str]() if content == "FORBIDDEN" else {content} for content in contents]
    first = next((content for content in contents if content != "FORBIDDEN"), "")
    for day in range(contents.index(first) if first else 0):
        expected[day] = {first}  # nothing was before it: it is as old as its labels say
    if contents[-1] == "FORBIDDEN":
        expected = [set() for _ in contents]  # withheld until a good one comes
    assert [await made.found(day + 0.5) for day in range(len(contents))] == expected


async def test_a_bad_zone_setting_is_named() -> None:
    """`keeps_history: maybe` is an error that names the key."""
    from rag.adapters.landing.zone_file import parse_zone_file

    assert parse_zone_file(b"keeps_history: true").keeps_history
    with pytest.raises(Permanent, match="keeps_history"):
        parse_zone_file(b"keeps_history: maybe")
