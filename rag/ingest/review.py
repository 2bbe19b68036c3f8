"""What the guard held back, and what a steward says about it. Called by `beleg review` and the console.

A verdict stands in the audit log before it has any effect; what was released is due again with the next sweep.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from rag.errors import Permanent
from rag.ingest.reasons import require_reason
from rag.ports import AuditLog, Guard, Ledger, Reviews
from rag.types import AuditRow, Entry, Review, State, Verdict, Zone, now

HELD_BACK = frozenset({"contains_patient_data", "blocked_by_policy"})
"""Codes of the guard. A broken or protected file is the owner's to mend, not a steward's to judge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A document that waits for a verdict, or has one."""

    entry: Entry
    review: Review | None


def is_held_back(entry: Entry) -> bool:
    """Whether a steward may judge it: the guard stopped it, and its bytes were read."""
    receipt = entry.receipt
    return receipt.code in HELD_BACK and receipt.state is State.quarantined and receipt.version is not None


async def held_back(zones: Sequence[Zone], *, ledger: Ledger, reviews: Reviews, also_judged: bool) -> list[Item]:
    """Oldest first."""
    items: list[Item] = []
    for zone in zones:
        for entry in (await ledger.entries(zone.name)).values():
            if is_held_back(entry):
                review = await reviews.of(entry.receipt.document_id, entry.receipt.version or "")
                if review is None or also_judged:
                    items.append(Item(entry=entry, review=review))
    return sorted(items, key=lambda item: item.entry.recorded_at)


async def judge(
    zone: Zone, path: str, verdict: Verdict, *, by: str, reason: str, guard: Guard, ledger: Ledger, reviews: Reviews,
    audit: AuditLog, version: str | None = None,
) -> Review:  # fmt: skip
    """`version`: what was looked at; `None` = whatever is held back now.

    Raises `Permanent`: `no_name`, `no_such_document`, `nothing_to_judge`, `version_changed`, and as `require_reason`; `Refused`
    unrecorded.
    """
    require_named(by, reason)
    await require_reason(reason, guard=guard)
    entry = (await ledger.entries(zone.name, frozenset({path}))).get(path)
    if entry is None:
        raise Permanent(
            "no_such_document", f"The zone {zone.name} has never held {path}.",
            hint=f"`beleg zone status {zone.name} --all` lists its files.",
        )  # fmt: skip
    receipt = entry.receipt
    if version is not None and receipt.version != version:
        raise Permanent("version_changed", "The file has changed since you looked.", hint="Look at it anew.")
    if not is_held_back(entry) or receipt.version is None:
        raise Permanent(
            "nothing_to_judge", f"{zone.name}/{path} is {receipt.state.value} ({receipt.code}), not held back by the guard.",
            hint="`beleg review list` shows what waits for a verdict.",
        )  # fmt: skip
    review = Review(
        document_id=receipt.document_id, version=receipt.version, zone=zone.name, path=path, verdict=verdict,
        by=by.strip(), reason=reason.strip(), at=now(),
    )  # fmt: skip
    await audit.append(_row(review, zone.tenant))
    await reviews.record(review)
    if verdict is Verdict.released:  # due again, with the next sweep
        await ledger.record(replace(entry, fingerprint="", recorded_at=now()))
    return review


def require_named(by: str, reason: str) -> None:
    """Raises `Permanent`: nobody judges without a name and a reason."""
    if not by.strip() or not reason.strip():
        raise Permanent("no_name", "A verdict needs a name and a reason.", hint="Give --by and --reason.")


def _row(review: Review, tenant: str) -> AuditRow:
    facts: dict[str, object] = {
        "document_id": review.document_id, "version": review.version, "verdict": review.verdict.value,
    }  # fmt: skip
    return AuditRow(
        id=f"review_{review.document_id[:12]}_{int(review.at.timestamp() * 1000)}", at=review.at, actor=review.by,
        tenant=tenant, action="document.review", outcome=review.verdict.value, facts=facts,
    )  # fmt: skip
