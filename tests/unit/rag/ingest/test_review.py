"""What a steward may judge, and that nothing happens without a record."""

from __future__ import annotations

import pytest
from state_values import entry, receipt, zone

from rag.errors import Permanent, Refused
from rag.ingest.review import held_back, judge
from rag.testing import MemoryAudit, MemoryLedger, MemoryReviews, WordGuard
from rag.types import Receipt, State, Verdict

LETTER = "brief.docx"


def stopped(path: str = LETTER, **changed: object) -> Receipt:
    facts: dict[str, object] = {"state": State.quarantined, "code": "contains_patient_data", "reason": "Stop."}
    return receipt(path, **{**facts, **changed})


@pytest.fixture
async def ledger() -> MemoryLedger:
    made = MemoryLedger(zone())
    for one in (stopped(), stopped("kaputt.pdf", code="broken_file"), receipt("gut.md")):
        await made.record(entry(one))
    return made


async def test_only_what_the_guard_stopped_waits_for_a_verdict(ledger: MemoryLedger) -> None:
    """A broken file is its owner's to mend; a judged one leaves the queue, and is shown on request."""
    reviews, audit = MemoryReviews(), MemoryAudit()
    (item,) = await held_back([zone()], ledger=ledger, reviews=reviews, also_judged=False)
    assert item.entry.receipt.path == LETTER
    await judge(
        zone(),
        LETTER,
        Verdict.rejected,
        by="A. Weber",
        reason="Ein Arztbrief.",
        ledger=ledger,
        reviews=reviews,
        guard=WordGuard(),
        audit=audit,
    )
    assert await held_back([zone()], ledger=ledger, reviews=reviews, also_judged=False) == []
    (judged,) = await held_back([zone()], ledger=ledger, reviews=reviews, also_judged=True)
    assert judged.review is not None
    assert (judged.review.verdict, judged.review.by) == (Verdict.rejected, "A. Weber")


async def test_a_release_is_on_record_and_makes_the_document_due(ledger: MemoryLedger) -> None:
    """The audit row names who, which version and for which tenant, and neither path nor reason: both may hold a name."""
    reviews, audit = MemoryReviews(), MemoryAudit()
    await judge(
        zone(),
        LETTER,
        Verdict.released,
        by="A. Weber",
        reason="Ein Roman.",
        ledger=ledger,
        reviews=reviews,
        guard=WordGuard(),
        audit=audit,
    )
    (row,) = audit.rows
    assert (row.actor, row.tenant, row.outcome) == ("A. Weber", "aurelia", "released")
    assert set(row.facts) == {"document_id", "version", "verdict"}
    assert (await ledger.entries("handbuch"))[LETTER].fingerprint == ""


async def test_without_a_record_nothing_is_released(ledger: MemoryLedger) -> None:
    """The audit log is asked first: while it is full, document and queue stay as they are."""
    reviews, audit = MemoryReviews(), MemoryAudit()
    audit.full = True
    with pytest.raises(Refused):
        await judge(
            zone(),
            LETTER,
            Verdict.released,
            by="W",
            reason="x",
            ledger=ledger,
            reviews=reviews,
            guard=WordGuard(),
            audit=audit,
        )
    assert (await ledger.entries("handbuch"))[LETTER].fingerprint != ""
    assert len(await held_back([zone()], ledger=ledger, reviews=reviews, also_judged=False)) == 1


@pytest.mark.parametrize(
    ("path", "by", "reason", "code"),
    [
        (LETTER, " ", "x", "no_name"), (LETTER, "W", "\n", "no_name"), (LETTER, "W", "x" * 501, "reason_too_long"),
        ("nie.txt", "W", "x", "no_such_document"), ("kaputt.pdf", "W", "x", "nothing_to_judge"),
        ("gut.md", "W", "x", "nothing_to_judge"),
    ],
)  # fmt: skip
async def test_what_cannot_be_judged_is_told(ledger: MemoryLedger, path: str, by: str, reason: str, code: str) -> None:
    """Each with its own code, and no row is written."""
    audit = MemoryAudit()
    with pytest.raises(Permanent) as told:
        await judge(
            zone(),
            path,
            Verdict.released,
            by=by,
            reason=reason,
            ledger=ledger,
            reviews=MemoryReviews(),
            guard=WordGuard(),
            audit=audit,
        )
    assert told.value.code == code
    assert audit.rows == []


async def test_a_verdict_is_on_the_version_that_was_looked_at(ledger: MemoryLedger) -> None:
    """Other bytes came in between, however shortly before: nobody has looked at those."""
    reviews, audit = MemoryReviews(), MemoryAudit()
    await ledger.record(entry(stopped(version="v2")))
    with pytest.raises(Permanent) as error:
        await judge(
            zone(), LETTER, Verdict.released, by="A. Weber", reason="Ein Roman.", ledger=ledger, reviews=reviews,
            guard=WordGuard(), audit=audit, version="v1",
        )  # fmt: skip
    assert error.value.code == "version_changed"
    assert (audit.rows, await reviews.of(f"doc-{LETTER}", "v2")) == ([], None)
