"""An index beside the leading one is made to hold the same, from what is stored, whatever happens meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st
from state_values import entry, receipt

from rag.adapters.embedders.hashing import HashEmbedder
from rag.adapters.index.every_writer import EveryWriter
from rag.adapters.index.memory import InMemoryIndex
from rag.errors import Permanent, Temporary
from rag.ingest.batch import Batch
from rag.ingest.erase import attest, erase
from rag.ingest.ingest import Intake, survey
from rag.ingest.rebuild import Behind, behind, catch_up
from rag.ports import Catalog
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
    zone,
)
from rag.testing_catalog import MemoryCatalog
from rag.types import (
    Build,
    Chunk,
    Direction,
    Document,
    ErasureRule,
    IndexRecord,
    IndexState,
    Parsed,
    Receipt,
    Screened,
    State,
    Vectors,
)

ZONE = zone()
SMALL = HashEmbedder(dimension=16)
GREEN = IndexRecord(
    name="index-2", state=IndexState.building, leads=False, started_at=datetime(2026, 1, 1, tzinfo=UTC),
    build=Build(embedder=SMALL.name, dimension=16, rules="r", keywords="k"),
)  # fmt: skip
FILES = {f"{name}.txt": f"Note of the {name}".encode() for name in ("fox", "whale", "frog", "crow", "hare")}


class CountingParser(PlainParser):
    """`broken`: what it refuses."""

    def __init__(self) -> None:
        self.parsed: list[str] = []
        self.broken = ""

    async def parse(self, document: Document) -> Parsed:
        self.parsed.append(document.path)
        if document.path == self.broken:
            raise Permanent("broken_file", "The file cannot be read.", hint="Replace it.")
        return await super().parse(document)


class CountingGuard(WordGuard):
    seen = 0

    async def screen(self, text: str, *, direction: Direction, context: object) -> Screened:
        self.seen += 1
        return await super().screen(text, direction=direction, context={})


class House:
    """A leading index, and one beside it with another embedder."""

    def __init__(self, files: dict[str, bytes] | None = None) -> None:
        self.landing, self.parser, self.guard = MemoryLanding(dict(files or FILES)), CountingParser(), CountingGuard()
        self.intake = Intake(
            landing=self.landing, parser=self.parser, guard=self.guard, embedder=HashEmbedder(), library=MemoryLibrary(),
            ledger=MemoryLedger(ZONE), index_identity=lambda: "index-1", erasures=MemoryErasures(),
            reviews=MemoryReviews(), signer=DigestSigner(), policy=FixedPolicy(),
        )  # fmt: skip
        self.catalog: Catalog = MemoryCatalog()
        self.blue, self.green = InMemoryIndex(), InMemoryIndex(dimension=16)

    @property
    def beside(self) -> Intake:
        return replace(self.intake, embedder=SMALL)

    def writer(self) -> EveryWriter:
        async def others() -> list[InMemoryIndex]:
            return [self.green]

        async def yes() -> bool:
            return True

        return EveryWriter(self.blue, others, still_leads=yes)

    async def sweep(self, *, embedder: HashEmbedder | None = None) -> None:
        async with self.writer() as writer:
            found = await survey(ZONE, intake=self.intake)
            intake = replace(self.intake, embedder=embedder or self.intake.embedder)
            batch = Batch(ZONE, found.due, intake=intake, writer=writer)
            for step in batch.steps.values():
                try:
                    await step()
                except Temporary:
                    await batch.park()
            for entry in found.gone:
                await erase(entry, zone=ZONE, rule=ErasureRule.deleted, intake=self.intake, writer=writer)
            await writer.publish()

    async def build(self, most: int = 2, *, writer: InMemoryIndex | None = None) -> list[Receipt]:
        """One batch of the new index."""
        for portion in (await self.behind()).portions(most=most)[:1]:
            return list(
                await catch_up(
                    ZONE, portion, record=GREEN, intake=self.beside, catalog=self.catalog, writer=writer or self.green
                )
            )
        return []

    async def behind(self) -> Behind:
        return await behind(ZONE, record=GREEN, intake=self.beside, catalog=self.catalog)

    async def build_all(self) -> None:
        while await self.build():
            pass
        await self.green.publish()


def held(index: InMemoryIndex) -> set[tuple[str, str]]:
    """What the index holds: path and text, of its working copy."""
    return {(entry.chunk.path, entry.chunk.text) for entry in index._working.values()}


async def test_another_embedder_reads_and_clears_nothing_again() -> None:
    """Every document comes from the store: the parser and the guard see none, and the zone may be away."""
    house = House()
    await house.sweep()
    parsed, seen = list(house.parser.parsed), house.guard.seen
    house.landing.vanished = True
    await house.build_all()
    assert held(house.green) == held(house.blue) != set()
    assert (house.parser.parsed, house.guard.seen) == (parsed, seen)
    assert {entry.vector.shape for entry in house.green._working.values()} == {(16,)}


async def test_what_another_parser_has_read_is_read_anew() -> None:
    """For an index that is made for today's; what it read is stored beside the other, and nothing is due in the first."""
    house = House()
    await house.sweep()
    house.intake = replace(house.intake, parsing=house.parser.revision)
    house.parser.revision = "plain-2"
    house.parser.parsed.clear()
    anew = replace(GREEN, build=replace(GREEN.build, parser="plain-2"))
    beside = replace(house.beside, parsing="plain-2")
    assert (await survey(ZONE, intake=house.intake)).due == ()
    for portion in (await house.behind()).portions():
        await catch_up(ZONE, portion, record=anew, intake=beside, catalog=house.catalog, writer=house.green)
    assert sorted(house.parser.parsed) == sorted(FILES)
    [fox] = [e for e in (await house.intake.ledger.entries(ZONE.name)).values() if e.receipt.path == "fox.txt"]
    readings = await house.intake.library.readings(fox.receipt.document_id, str(fox.receipt.version))
    assert [one.parser for one in readings] == ["plain-1", "plain-2"]
    house.landing.files["crow.txt"] = b"Another note of the crow"
    await house.sweep()
    house.parser.parsed.clear()
    for portion in (await house.behind()).portions():
        await catch_up(ZONE, portion, record=anew, intake=beside, catalog=house.catalog, writer=house.green)
    assert house.parser.parsed == [], "what today's parser has read for the first index serves the second"
    assert held(house.green) == held(house.blue)


async def test_what_no_parser_could_read_is_tried_by_the_next() -> None:
    """In place, at once: no index holds it, so there is none to be left as it is."""
    house = House()
    house.parser.broken = "fox.txt"
    house.intake = replace(house.intake, parsing=house.parser.revision)
    await house.sweep()
    assert (await survey(ZONE, intake=house.intake)).due == ()
    house.parser.broken, house.parser.revision = "", "plain-2"
    assert [due.path for due in (await survey(ZONE, intake=house.intake)).due] == ["fox.txt"]
    await house.sweep()
    assert (await survey(ZONE, intake=house.intake)).due == ()
    assert ("fox.txt", "Note of the fox") in held(house.blue)


async def test_what_a_new_parser_finds_out_concerns_the_first_index_too() -> None:
    """It reads what may not be indexed: nothing of it comes into the new index, and the next sweep takes it out of the old."""
    house = House()
    await house.sweep()
    house.intake = replace(house.intake, parsing=house.parser.revision)
    house.parser.revision = "plain-2"
    anew = replace(GREEN, build=replace(GREEN.build, parser="plain-2"))
    house.parser.broken = "fox.txt"
    for portion in (await house.behind()).portions():
        beside = replace(house.beside, parsing="plain-2")
        await catch_up(ZONE, portion, record=anew, intake=beside, catalog=house.catalog, writer=house.green)
    assert held(house.blue) - held(house.green) == {("fox.txt", "Note of the fox")}
    assert [due.path for due in (await survey(ZONE, intake=house.intake)).due] == ["fox.txt"]
    await house.sweep()
    assert (await house.intake.ledger.entries(ZONE.name))["fox.txt"].receipt.state is State.quarantined
    assert held(house.blue) == held(house.green)


async def test_what_is_not_stored_is_read_from_its_file() -> None:
    """A text that an earlier version did not keep is parsed and cleared for the new index; the store stays as it is."""
    house = House()
    await house.sweep()
    [fox] = [e for e in (await house.intake.ledger.entries(ZONE.name)).values() if e.receipt.path == "fox.txt"]
    await house.intake.library.forget(fox.receipt.document_id)
    house.parser.parsed.clear()
    await house.build_all()
    assert house.parser.parsed == ["fox.txt"]
    assert held(house.green) == held(house.blue)


async def test_what_cannot_be_read_any_more_does_not_hold_the_others() -> None:
    """Without a stored text and with its file broken, a document is done with nothing; the leading index keeps it."""
    house = House()
    await house.sweep()
    [fox] = [e for e in (await house.intake.ledger.entries(ZONE.name)).values() if e.receipt.path == "fox.txt"]
    await house.intake.library.forget(fox.receipt.document_id)
    house.landing.files["fox.txt"] = b"\xff\xff"
    await house.build_all()
    assert held(house.blue) - held(house.green) == {("fox.txt", "Note of the fox")}
    assert (await house.behind()).due == ()
    assert (await house.intake.ledger.entries(ZONE.name))["fox.txt"].receipt.state is State.indexed


async def test_a_document_that_is_out_of_reach_stays_due() -> None:
    """The zone is away and the text is not stored: the rest is built, this one is tried again."""
    house = House()
    await house.sweep()
    [fox] = [e for e in (await house.intake.ledger.entries(ZONE.name)).values() if e.receipt.path == "fox.txt"]
    await house.intake.library.forget(fox.receipt.document_id)
    house.landing.vanished = True
    states = {r.path: r.state for r in await house.build(most=9)}
    assert states == dict.fromkeys(FILES, State.indexed) | {"fox.txt": State.discovered}
    house.landing.vanished = False
    await house.build_all()
    assert held(house.green) == held(house.blue)


async def test_what_waits_goes_on_being_answered_from_every_index() -> None:
    """A new edition cannot come in for now. The old one stays, in an index that holds it and in one that is begun now."""
    house = House()
    await house.sweep()
    await house.build_all()
    house.landing.files["fox.txt"] = b"A new edition"
    await house.sweep(embedder=Limited())
    assert (await house.intake.ledger.entries(ZONE.name))["fox.txt"].receipt.state is State.discovered
    before = held(house.blue)
    assert ("fox.txt", "Note of the fox") in before
    await house.build_all()
    assert held(house.green) == before
    house.green, house.catalog = InMemoryIndex(dimension=16), MemoryCatalog()
    await house.build_all()
    assert held(house.green) == before
    await house.sweep()
    await house.build_all()
    assert ("fox.txt", "A new edition") in held(house.green) == held(house.blue)


class Limited(HashEmbedder):
    """Has enough for now."""

    async def embed(self, texts: Sequence[str]) -> Vectors:
        raise Temporary("embedder_limited", f"{len(texts)} texts have to wait.")


async def test_what_was_taken_out_since_somebody_looked_does_not_come_back() -> None:
    """Its text is stored and its mark is missing: only the ledger, asked once more, can tell."""
    house = House()
    await house.sweep()
    (portion,) = (await house.behind()).portions()
    house.landing.files = {path: content for path, content in FILES.items() if path != "fox.txt"}
    await house.sweep()
    await catch_up(ZONE, portion, record=GREEN, intake=house.beside, catalog=house.catalog, writer=house.green)
    assert held(house.green) == held(house.blue)


def test_portions_are_small_and_each_path_is_in_one() -> None:
    """What is gone goes with the first; with nothing due there is one for it, with nothing at all none."""
    due = tuple(entry(receipt(f"{n}.txt", state=State.indexed)) for n in range(5))
    made = Behind(due=due, gone=("d",)).portions(leave=frozenset({"0.txt"}), most=3)
    assert [len(one.due) for one in made] == [3, 1]
    assert [one.gone for one in made] == [("d",), ()]
    assert Behind(due=(), gone=("d",)).portions() == [Behind(due=(), gone=("d",))]
    assert Behind(due=(), gone=()).portions() == []


CHANGES = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.sampled_from(sorted(FILES)), st.sampled_from(["red", "blue", "green"])),
        st.tuples(st.just("delete"), st.sampled_from(sorted(FILES))),
        st.tuples(st.just("forget"), st.sampled_from(sorted(FILES))),
        st.tuples(st.just("sweep")),
        st.tuples(st.just("build"), st.integers(1, 3)),
        st.tuples(st.just("crash"), st.integers(0, 5)),
    ),
    max_size=14,
)


@settings(deadline=None, max_examples=80)
@given(CHANGES)
async def test_whatever_happens_during_a_rebuild_both_end_alike(changes: list[tuple[str, ...]]) -> None:
    """Files come, change and go, documents are forgotten and the builder dies, between any two batches: in the end both
    indexes hold the same, which is what lies in the zone.
    """
    house = House()
    await house.sweep()
    for kind, *of in changes:
        match kind:
            case "write":
                house.landing.files[str(of[0])] = f"Note in {of[1]}".encode()
            case "delete":
                house.landing.files.pop(str(of[0]), None)
            case "forget":
                await forget(house, str(of[0]))
            case "sweep":
                await house.sweep()
            case "build":
                await house.build(most=int(of[0]))
            case _:
                await crash(house, after=int(of[0]))
    await house.sweep()
    await house.build_all()
    expected = {(e.receipt.path, e.receipt.version) for e in (await house.intake.ledger.entries(ZONE.name)).values()
                if e.receipt.state is State.indexed}  # fmt: skip
    assert {(entry.chunk.path, entry.chunk.version) for entry in house.green._working.values()} == expected
    assert held(house.green) == held(house.blue)


async def forget(house: House, path: str) -> None:
    """From both, at once: nothing is left to find while the new index is half built."""
    entry = (await house.intake.ledger.entries(ZONE.name)).get(path)
    if entry is None or entry.receipt.state is not State.indexed:
        return
    async with house.writer() as writer:
        erasure = await erase(entry, zone=ZONE, rule=ErasureRule.request, intake=house.intake, writer=writer)
        await writer.publish()
        empty, kept = await attest([erasure], intake=house.intake, writer=writer)
    assert (len(empty), kept) == (1, [])
    assert path not in {held_path for held_path, _ in held(house.green) | held(house.blue)}


class DyingIndex(InMemoryIndex):
    """Writes into another one, until its process dies."""

    def __init__(self, index: InMemoryIndex, calls: int) -> None:
        super().__init__(dimension=16)
        self._index, self._calls = index, calls

    async def upsert(self, chunks: Sequence[Chunk], vectors: Vectors) -> None:
        self._die()
        await self._index.upsert(chunks, vectors)
        self._die()

    async def retain(self, document_id: str, version: str | None, keep: frozenset[str] | None = None) -> int:
        self._die()
        return await self._index.retain(document_id, version, keep)

    def _die(self) -> None:
        self._calls -= 1
        if self._calls < 0:
            raise KeyboardInterrupt


async def crash(house: House, *, after: int) -> None:
    try:
        await house.build(most=9, writer=DyingIndex(house.green, after))
    except KeyboardInterrupt:
        return
