"""The way in converges: whatever happened before, one sweep makes the index agree with the zone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.adapters.embedders.hashing import HashEmbedder
from rag.adapters.embedders.limited import LimitedEmbedder
from rag.adapters.index.memory import InMemoryIndex
from rag.chunking import parse_settings
from rag.errors import Permanent, Temporary
from rag.ingest.batch import Batch
from rag.ingest.erase import attest, erase, erase_zone
from rag.ingest.ingest import Intake, refreshed, removable, survey
from rag.testing import (
    DigestSigner,
    FixedPolicy,
    MemoryErasures,
    MemoryLanding,
    MemoryLedger,
    MemoryLibrary,
    MemoryPauses,
    MemoryReviews,
    PlainParser,
    WordGuard,
    decision,
    ingest_decision,
    zone,
)
from rag.types import (
    Access,
    Action,
    Chunk,
    Classification,
    Cleared,
    Direction,
    Document,
    Entry,
    ErasureRule,
    IngestAction,
    Kept,
    Parsed,
    Receipt,
    Review,
    Screened,
    State,
    Vectors,
    Verdict,
    Zone,
)

ZONE = zone()
EVERYONE = Access(
    tenant="acme", business_units=frozenset(), groups=frozenset(), clearance=Classification.highly_confidential,
    zones=None, at=datetime(2026, 6, 1, tzinfo=UTC),
)  # fmt: skip


def intake(landing: MemoryLanding, guard: WordGuard | None = None, policy: FixedPolicy | None = None) -> Intake:
    return Intake(
        landing=landing, parser=PlainParser(), guard=guard or WordGuard(), embedder=HashEmbedder(),
        library=MemoryLibrary(), ledger=MemoryLedger(ZONE), index_identity=lambda: "index-1",
        erasures=MemoryErasures(), reviews=MemoryReviews(), signer=DigestSigner(), policy=policy or FixedPolicy(),
    )  # fmt: skip


async def taken_out(entry: Entry, rule: ErasureRule, parts: Intake, writer: InMemoryIndex) -> Receipt:
    await erase(entry, zone=ZONE, rule=rule, intake=parts, writer=writer)
    return (await parts.ledger.entries(ZONE.name))[entry.receipt.path].receipt


async def sweep(parts: Intake, writer: InMemoryIndex) -> list[Receipt]:
    found = await survey(ZONE, intake=parts)
    receipts = list(await Batch(ZONE, found.due, intake=parts, writer=writer).run())
    receipts += [await taken_out(entry, ErasureRule.deleted, parts, writer) for entry in found.gone]
    receipts += [await taken_out(entry, ErasureRule.retention, parts, writer) for entry in found.outlived]
    await writer.publish()
    return receipts


async def searched(writer: InMemoryIndex, text: str, access: Access = EVERYONE) -> set[str]:
    vector = (await HashEmbedder().embed([text]))[0]
    hits = await writer.search(text, vector, language="en", access=access, limit=50, prefetch=50)
    return {hit.chunk.text.strip() for hit in hits}


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


async def test_a_vanished_zone_deletes_nothing() -> None:
    """An expired credential or an unmounted disk is not an empty zone."""
    landing = MemoryLanding({"a.txt": b"red fox"})
    parts, writer = intake(landing), InMemoryIndex()
    await sweep(parts, writer)
    landing.vanished = True
    with pytest.raises(Temporary):
        await sweep(parts, writer)
    assert await searched(writer, "fox") == {"red fox"}


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


async def braked_sweep(parts: Intake, writer: InMemoryIndex, **settings: float) -> list[str]:
    """Paths removed."""
    in_zone = replace(ZONE, **settings)
    found = await survey(in_zone, intake=parts)
    await Batch(in_zone, found.due, intake=parts, writer=writer).run()
    gone = await removable(in_zone, found, intake=parts)
    removed = [(await taken_out(entry, ErasureRule.deleted, parts, writer)).path for entry in gone]
    await writer.publish()
    return removed


def numbered(count: int) -> dict[str, bytes]:
    return {f"{n:02}.txt": f"animal{n} lives here".encode() for n in range(count)}


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


# --- what is taken out ------------------------------------------------------------------------------------------


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


# --- what a steward says --------------------------------------------------------------------------------------------


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


async def test_files_that_were_moved_are_no_deletions() -> None:
    """A renamed folder takes every path away at once, and brings every file back beside it."""
    landing = MemoryLanding(numbered(10))
    parts, writer = intake(landing), InMemoryIndex()
    await braked_sweep(parts, writer)
    landing.files = {f"neu/{path}": content for path, content in landing.files.items()}
    assert len(await braked_sweep(parts, writer)) == 10
    assert await missing(parts) == []
    assert len(await searched(writer, "animal3")) == 10


class HeldBack(MemoryLanding):
    """One of its files is always being written."""

    def __init__(self, files: dict[str, bytes], *, held: str) -> None:
        super().__init__(files)
        self._held = held

    async def read(self, zone: Zone, path: str) -> Document:
        if path == self._held:
            raise Temporary("file_changing", "The file is still being written.")
        return await super().read(zone, path)


class FullAfter(InMemoryIndex):
    """Takes so many documents, then its disk is full."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room, self.written = room, list[str]()

    async def upsert(self, chunks: Sequence[Chunk], vectors: Vectors) -> None:
        if not self.room:
            raise Temporary("disk_full", "The disk is full.")
        self.room -= 1
        self.written.append(chunks[0].path)
        await super().upsert(chunks, vectors)


class PoisonedParser(PlainParser):
    """Dies of one text, with the text in its mouth."""

    async def parse(self, document: Document) -> Parsed:
        if document.content == b"poison":
            raise ValueError(f"cannot parse {document.content!r}")
        return await super().parse(document)


async def test_only_the_zone_whose_chunk_rules_changed_is_due_again() -> None:
    """And each of its documents is cut anew, with nothing left of how it was cut before."""
    text = b"Die Frist betraegt drei Monate. " * 40
    parts, writer = intake(MemoryLanding({"a.txt": text})), InMemoryIndex()
    await sweep(parts, writer)
    before = parts.fingerprint(ZONE)
    changed = replace(ZONE, chunking=parse_settings(["prose.target=40", "prose.most=80"]))
    assert parts.fingerprint(ZONE) == before != parts.fingerprint(changed)
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
