"""The way in converges: whatever happened before, one sweep makes the index agree with the zone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ingest_scene import EVERYONE, ZONE, FullAfter, PoisonedParser, intake, searched, sweep

from rag.adapters.embedders.hashing import HashEmbedder
from rag.adapters.index.memory import InMemoryIndex
from rag.chunking import parse_settings
from rag.errors import Permanent, Temporary
from rag.ingest.batch import Batch
from rag.ingest.erase import erase
from rag.ingest.ingest import Intake, refreshed, survey
from rag.testing import (
    FixedPolicy,
    MemoryLanding,
    MemoryLedger,
    MemoryLibrary,
    PlainParser,
    WordGuard,
    decision,
    ingest_decision,
)
from rag.types import (
    Access,
    Action,
    Classification,
    Cleared,
    Direction,
    Document,
    ErasureRule,
    IngestAction,
    Kept,
    Parsed,
    Review,
    Screened,
    State,
    Vectors,
    Verdict,
    Zone,
)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.dictionaries(st.sampled_from(["a.txt", "b.txt", "c.txt"]), st.sampled_from(["Note\nred fox", "blue whale", "green frog"])), min_size=1, max_size=4))  # fmt: skip
async def test_every_history_of_a_zone_ends_at_its_present(history: list[dict[str, str]]) -> None:
    """After any sequence of states of a zone, exactly what lies there now can be found."""
    landing = MemoryLanding()
    parts, writer = intake(landing), InMemoryIndex()
    for state in history:
        landing.files = {path: text.encode() for path, text in state.items()}
        await sweep(parts, writer)
    assert await searched(writer, "fox whale frog") == set(history[-1].values())


async def test_a_second_sweep_has_nothing_to_do() -> None:
    """Ingesting twice changes nothing."""
    parts, writer = intake(MemoryLanding({"a.txt": b"red fox", "bad.bin": b"\xff\xfe\x00"})), InMemoryIndex()
    first = await sweep(parts, writer)
    assert [r.state for r in first] == [State.indexed, State.quarantined]
    assert await sweep(parts, writer) == []


async def test_a_bad_new_version_is_no_longer_answered_in_its_old_one() -> None:
    """A file that can no longer be read must not be cited as it was."""
    landing = MemoryLanding({"a.txt": b"red fox", "b.txt": b"blue whale"})
    parts, writer = intake(landing), InMemoryIndex()
    await sweep(parts, writer)
    landing.files["a.txt"] = b"\xff\xff"
    receipts = await sweep(parts, writer)
    assert [(r.code, bool(r.hint)) for r in receipts] == [("broken_file", True)]
    assert await searched(writer, "fox whale") == {"blue whale"}


async def test_a_crash_before_the_receipt_is_healed_by_the_next_sweep() -> None:
    """Chunks that were written but not recorded are written again, and there is still one of each."""
    landing = MemoryLanding({"a.txt": b"red fox"})
    parts, writer = intake(landing), InMemoryIndex()
    due = (await survey(ZONE, intake=parts)).due
    forgetful = Intake(
        landing=landing, parser=parts.parser, guard=parts.guard, embedder=parts.embedder, library=parts.library,
        ledger=MemoryLedger(ZONE), index_identity=parts.index_identity,
        erasures=parts.erasures, reviews=parts.reviews, signer=parts.signer, policy=parts.policy,
    )  # fmt: skip
    await Batch(ZONE, due, intake=forgetful, writer=writer).run()  # written, but our ledger never heard of it
    assert len(await sweep(parts, writer)) == 1
    assert await searched(writer, "fox") == {"red fox"}


async def test_a_run_that_dies_before_the_text_is_kept_leaves_the_old_version_answering() -> None:
    """Whoever publishes next, for another zone: one version is served, whole, and never both or none."""
    landing = MemoryLanding({"a.txt": b"red fox"})
    parts = intake(landing)
    writer = InMemoryIndex(publications=parts.library)
    await sweep(parts, writer)
    landing.files["a.txt"] = b"blue whale"
    dying = replace(parts, library=DyingLibrary())
    with pytest.raises(KeyboardInterrupt):
        await Batch(ZONE, (await survey(ZONE, intake=dying)).due, intake=dying, writer=writer).run()
    await writer.publish()
    assert await searched(writer, "fox whale") == {"red fox"}
    assert writer.alarm is not None
    await sweep(parts, writer)
    assert await searched(writer, "fox whale") == {"blue whale"}
    assert writer.alarm is None


class DyingLibrary(MemoryLibrary):
    """Its process is killed as it keeps a text."""

    async def keep(self, cleared: Cleared, *, earlier: Sequence[Kept] | None = None) -> None:
        raise KeyboardInterrupt


async def test_a_superseded_document_ends_at_its_successors_hour() -> None:
    """Before the hour the old version answers, from the hour on it does not, without a run in between."""
    landing = MemoryLanding({"old.txt": b"red fox", "new.txt": b"blue whale"})
    parts, writer = intake(landing), InMemoryIndex()
    await sweep(parts, writer)
    hour = datetime(2026, 5, 1, tzinfo=UTC)
    landing.until = {"old.txt": hour}
    assert [r.path for r in await sweep(parts, writer)] == ["old.txt"]
    assert await searched(writer, "fox whale") == {"blue whale"}
    before = Access(
        tenant="acme", business_units=frozenset(), groups=frozenset(), clearance=Classification.internal, zones=None,
        at=datetime(2026, 4, 1, tzinfo=UTC),
    )  # fmt: skip
    assert await searched(writer, "fox whale", before) == {"red fox", "blue whale"}


async def test_blocked_content_is_quarantined_and_the_rest_is_unharmed() -> None:
    """What the policy blocks never reaches the index; its neighbour does."""
    landing = MemoryLanding({"a.txt": b"red fox", "patient.txt": b"SECRET diagnosis"})
    parts, writer = intake(landing, WordGuard(block=["SECRET"])), InMemoryIndex()
    receipts = {r.path: r for r in await sweep(parts, writer)}
    assert receipts["patient.txt"].state is State.quarantined
    assert await searched(writer, "fox diagnosis SECRET") == {"red fox"}


async def test_a_dead_guard_indexes_nothing() -> None:
    """Unseen data does not pass."""
    guard = WordGuard()
    guard.dead = True
    parts, writer = intake(MemoryLanding({"a.txt": b"red fox"}), guard), InMemoryIndex()
    assert [(r.state, r.code) for r in await sweep(parts, writer)] == [(State.discovered, "guard_unavailable")]
    assert await searched(writer, "fox") == set()


async def test_a_file_that_nobody_can_judge_waits_and_the_rest_is_unharmed() -> None:
    """Neither a dead guard nor an error of our own stops the neighbours; the file is tried again, and says so."""
    parts, writer = intake(MemoryLanding({"a.txt": b"poison", "b.txt": b"red fox"})), InMemoryIndex()
    parts = replace(parts, parser=PoisonedParser())
    receipts = await sweep(parts, writer)
    assert [(r.state, r.code) for r in receipts] == [(State.discovered, "unforeseen"), (State.indexed, "indexed")]
    assert "poison" not in f"{receipts[0]}"
    assert await searched(writer, "fox poison") == {"red fox"}
    assert [s.path for s in (await survey(ZONE, intake=parts)).due] == ["a.txt"]
    assert isinstance(parts.guard, WordGuard)
    parts.guard.dead = True
    unseen = replace(parts, landing=MemoryLanding({"c.txt": b"x"}), ledger=MemoryLedger(ZONE))
    assert [r.state for r in await sweep(unseen, writer)] == [State.discovered]


async def test_a_policy_without_a_verdict_takes_no_document_out() -> None:
    """A hiccup of the engine is no word about the document: it waits, and goes on being answered from."""
    landing = MemoryLanding({"a.txt": b"red fox"})
    parts, writer = intake(landing), InMemoryIndex()
    await sweep(parts, writer)
    landing.files = {"a.txt": b"red fox, changed"}
    hiccup = replace(parts, guard=SpeechlessGuard())
    batch = Batch(ZONE, (await survey(ZONE, intake=hiccup)).due, intake=hiccup, writer=writer)
    with pytest.raises(Temporary, match="no verdict"):
        await batch.run()
    await batch.park()
    await writer.publish()
    assert [(r.state, r.code) for r in batch.receipts] == [(State.discovered, "policy_unavailable")]
    assert await searched(writer, "fox") == {"red fox"}


class SpeechlessGuard(WordGuard):
    """Its policy was late."""

    async def screen(self, text: str, *, direction: Direction, context: Mapping[str, str | None]) -> Screened:
        screened = await super().screen(text, direction=direction, context=context)
        return replace(screened, text="", decision=decision(Action.block, "policy.late"))


async def test_a_policy_that_changes_meanwhile_is_for_the_next_sweep() -> None:
    """What was cleared by the old rules is not recorded as done by the new ones."""
    guard = WordGuard()
    parts, writer = intake(MemoryLanding({"a.txt": b"red fox"}), guard), InMemoryIndex()
    batch = Batch(ZONE, (await survey(ZONE, intake=parts)).due, intake=parts, writer=writer)
    await batch.parse()
    await batch.clear()
    guard.revision = "words-2"
    await batch.run()
    assert [file.path for file in (await survey(ZONE, intake=parts)).due] == ["a.txt"]


async def test_a_step_taken_again_goes_on_where_it_stopped() -> None:
    """A disk that is full in the middle loses nothing and doubles nothing: what was done is not done again."""
    landing = MemoryLanding({"a.txt": b"red fox", "b.txt": b"blue whale", "c.txt": b"green frog"})
    full = FullAfter(1)
    parts = intake(landing)
    batch = Batch(ZONE, (await survey(ZONE, intake=parts)).due, intake=parts, writer=full)
    with pytest.raises(Temporary):
        await batch.run()
    assert [r.path for r in batch.receipts] == ["a.txt"]
    full.room = 9
    assert [r.state for r in await batch.run()] == [State.indexed] * 3
    assert full.written == ["a.txt", "b.txt", "c.txt"]


@pytest.mark.parametrize("after", ["parse", "clear", "chunk", "embed", "index", "erase", "publish"])
@pytest.mark.parametrize("times", [1, 3])
async def test_a_crash_after_any_step_ends_in_the_same_index(after: str, times: int) -> None:
    """However often: what a dead process has left, the next sweep heals, and nothing is there twice."""
    landing = MemoryLanding({"a.txt": b"red fox", "b.txt": b"blue whale", "gone.txt": b"old news"})
    parts, writer = intake(landing), InMemoryIndex()
    await sweep(parts, writer)
    landing.files = {"a.txt": b"red fox, changed", "b.txt": b"blue whale", "c.txt": b"green frog"}
    for _ in range(times):
        await died(parts, writer, after)
    await sweep(parts, writer)
    assert await searched(writer, "fox whale frog news") == {"red fox, changed", "blue whale", "green frog"}
    assert len(writer._working) == 3
    assert (await survey(ZONE, intake=parts)).due == ()
    for entry in (await parts.ledger.entries(ZONE.name)).values():
        is_kept = await parts.library.versions(entry.receipt.document_id) > 0
        assert is_kept == (entry.receipt.state is State.indexed)


async def died(parts: Intake, writer: InMemoryIndex, after: str) -> None:
    """A sweep whose process ends with this step."""
    found = await survey(ZONE, intake=parts)
    batch = Batch(ZONE, found.due, intake=parts, writer=writer)
    for name, step in batch.steps.items():
        await step()
        if name == after:
            return
    for entry in found.gone:
        await erase(entry, zone=ZONE, rule=ErasureRule.deleted, intake=parts, writer=writer)
    if after == "publish":
        await writer.publish()


async def test_a_released_version_comes_in_masked_and_no_other_bytes_do() -> None:
    """Everything that was found stays masked; a changed file is judged anew; a rejected one stays out."""
    guard = FindingGuard(mask=["Meier"], block=["diagnosis"])
    landing = MemoryLanding({"a.txt": b"Meier wrote on diagnosis", "b.txt": b"diagnosis of Meier"})
    parts, writer = intake(landing, guard), InMemoryIndex()
    held = await sweep(parts, writer)
    assert [r.state for r in held] == [State.quarantined] * 2
    for receipt, verdict in zip(held, (Verdict.released, Verdict.rejected), strict=True):
        await parts.reviews.record(
            Review(
                document_id=receipt.document_id, version=receipt.version or "", zone=ZONE.name, path=receipt.path,
                verdict=verdict, by="weber", reason="A novel.", at=EVERYONE.at,
            )
        )  # fmt: skip
    for entry in (await parts.ledger.entries(ZONE.name)).values():
        await parts.ledger.record(replace(entry, fingerprint=""))
    again = await sweep(parts, writer)
    assert [(r.path, r.code) for r in again] == [("a.txt", "indexed_redacted"), ("b.txt", "blocked_by_policy")]
    (found,) = await searched(writer, "wrote")
    assert "Meier" not in found
    assert "wrote on diagnosis" in found
    landing.files["a.txt"] = b"Meier wrote more on diagnosis"
    assert [(r.path, r.code) for r in await sweep(parts, writer)] == [("a.txt", "blocked_by_policy")]
    assert await searched(writer, "wrote") == set()


class FindingGuard(WordGuard):
    """Says what it found also where it blocks, as the real one does."""

    async def screen(self, text: str, *, direction: Direction, context: Mapping[str, str | None]) -> Screened:
        screened = await super().screen(text, direction=direction, context=context)
        if screened.decision.action is not Action.block:
            return screened
        plain = await WordGuard(mask=self._mask).screen(text, direction=direction, context=context)
        return replace(screened, findings=plain.findings, counts=plain.counts)


async def test_a_text_is_embedded_once() -> None:
    """Not again for another place, another name, other labels or a changed neighbour; a deleted one is forgotten."""
    landing, embedder = MemoryLanding({"a.txt": b"red fox", "b.txt": b"red fox"}), CountingEmbedder()
    parts = replace(intake(landing), embedder=embedder, parser=TitledParser())
    writer = InMemoryIndex()
    await sweep(parts, writer)
    assert embedder.embedded == ["Note\nred fox"]
    landing.files = {"c.txt": b"red fox", "d.txt": b"blue whale"}
    await sweep(parts, writer)
    assert embedder.embedded == ["Note\nred fox", "Note\nblue whale"]
    landing.files = {"d.txt": b"blue whale"}
    await sweep(parts, writer)
    landing.files = {"c.txt": b"red fox"}
    await sweep(parts, writer)
    assert embedder.embedded == ["Note\nred fox", "Note\nblue whale", "Note\nred fox"]
    assert await searched(writer, "fox whale") == {"red fox"}


class TitledParser(PlainParser):
    """Finds a title in every file, as most formats have one; the name of a file without one is part of its passages."""

    async def parse(self, document: Document) -> Parsed:
        return replace(await super().parse(document), title="Note")


class CountingEmbedder(HashEmbedder):
    """Remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.embedded = list[str]()

    async def embed(self, texts: Sequence[str]) -> Vectors:
        self.embedded += texts
        return await super().embed(texts)


async def test_only_the_zone_whose_chunk_rules_changed_is_due_again() -> None:
    """And each of its documents is cut anew, with nothing left of how it was cut before."""
    text = b"Die Frist betraegt drei Monate. " * 40
    parts, writer = intake(MemoryLanding({"a.txt": text})), InMemoryIndex()
    await sweep(parts, writer)
    before = parts.fingerprints(ZONE)
    changed = replace(ZONE, chunking=parse_settings(["prose.target=40", "prose.most=80"]))
    assert parts.fingerprints(ZONE) == before != parts.fingerprints(changed)
    found = await survey(changed, intake=parts)
    assert [due.path for due in found.due] == ["a.txt"]
    old = await searched_ids(writer)
    await Batch(changed, found.due, intake=parts, writer=writer).run()
    await writer.publish()
    new = await searched_ids(writer)
    assert len(new) > len(old)
    assert old.isdisjoint(new)
    assert (await survey(changed, intake=parts)).due == ()


async def searched_ids(writer: InMemoryIndex) -> set[str]:
    vector = (await HashEmbedder().embed(["Frist"]))[0]
    hits = await writer.search("Frist", vector, language="de", access=EVERYONE, limit=500, prefetch=500)
    return {hit.chunk.id for hit in hits}


async def test_rules_that_the_model_cannot_read_are_not_put_on_record() -> None:
    """The zone goes on as it was, and its owner is told why."""
    bad = replace(ZONE, chunking=parse_settings(["prose.most=400"]))

    class Changed(MemoryLanding):
        async def zone(self, zone: Zone) -> Zone:
            return bad

    parts = intake(Changed({"a.txt": b"red fox"}))
    with pytest.raises(Permanent, match=r"prose\.most 400 and prose\.context 50"):
        await refreshed(ZONE, intake=parts)
    assert await parts.ledger.zones() == [ZONE]


async def test_a_raised_document_is_out_of_reach_for_who_could_read_it_before() -> None:
    """A changed rule makes every document due; its chunks move among fewer readers, and the receipt names the rule."""
    policy = FixedPolicy()
    parts, writer = intake(MemoryLanding({"a.txt": b"red fox"}), policy=policy), InMemoryIndex()
    internal = replace(EVERYONE, clearance=Classification.internal)
    await sweep(parts, writer)
    assert await searched(writer, "fox", internal) == {"red fox"}
    policy.ingested = ingest_decision(IngestAction.reclassify, least=Classification.confidential, rule="ingest.own")
    policy.ingest_revision = "fixed-2"
    (receipt,) = await sweep(parts, writer)
    assert receipt.code == "indexed_raised"
    assert "raised from internal to confidential by rule ingest.own" in receipt.reason
    assert await searched(writer, "fox", internal) == set()
    assert await searched(writer, "fox") == {"red fox"}
    kept = await parts.library.cleared(receipt.document_id, receipt.version or "")
    assert kept is not None
    assert kept.document.labels.classification is Classification.confidential
    assert await sweep(parts, writer) == []


async def test_an_ingest_policy_without_a_verdict_takes_nothing_out() -> None:
    """The file waits with its reason, and is answered from as before."""
    policy = FixedPolicy()
    parts, writer = intake(MemoryLanding({"a.txt": b"red fox"}), policy=policy), InMemoryIndex()
    await sweep(parts, writer)
    policy.ingested, policy.ingest_revision = ingest_decision(IngestAction.quarantine, rule="policy.late"), "fixed-2"
    found = await survey(ZONE, intake=parts)
    batch = Batch(ZONE, found.due, intake=parts, writer=writer)
    await batch.parse()
    with pytest.raises(Temporary):
        await batch.clear()
    await batch.park()
    assert [(r.state, r.code) for r in batch.receipts] == [(State.discovered, "policy_unavailable")]
    assert await searched(writer, "fox") == {"red fox"}
