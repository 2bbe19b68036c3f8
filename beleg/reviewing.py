"""What the guard held back, and what a steward says about it. Called by `beleg review`."""

from __future__ import annotations

from dataclasses import dataclass, replace

from beleg.erasing import known_entry
from beleg.home import here
from beleg.zones import chosen
from rag.errors import Permanent
from rag.types import AuditRow, Entry, Review, State, Verdict, now

HELD_BACK = frozenset({"contains_patient_data", "blocked_by_policy"})
"""Codes of the guard. A broken or protected file is the owner's to mend, not a steward's to judge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A document that waits for a verdict, or has one."""

    entry: Entry
    review: Review | None


async def queue(zone: str | None, *, also_judged: bool) -> list[Item]:
    """Oldest first. Raises `Permanent("no_such_zone")`."""
    from rag.compose import open_state

    items: list[Item] = []
    async with open_state(here()) as state:
        for one in chosen(await state.ledger.zones(), zone):
            for entry in (await state.ledger.entries(one.name)).values():
                if entry.receipt.code in HELD_BACK and entry.receipt.state is State.quarantined:
                    review = await state.reviews.of(entry.receipt.document_id, entry.receipt.version or "")
                    if review is None or also_judged:
                        items.append(Item(entry=entry, review=review))
    return sorted(items, key=lambda item: item.entry.recorded_at)


async def judge(zone: str, path: str, verdict: Verdict, *, by: str, reason: str) -> Review:
    """On record before it has any effect. Raises `Permanent`: as `known_entry`, `nothing_to_judge`, `no_name`."""
    from rag.compose import open_state

    if not by.strip() or not reason.strip():
        raise Permanent("no_name", "A verdict needs a name and a reason.", hint="Give --by and --reason.")
    _, entry = await known_entry(zone, path)
    receipt = entry.receipt
    if receipt.code not in HELD_BACK or receipt.state is not State.quarantined or receipt.version is None:
        raise Permanent(
            "nothing_to_judge", f"{zone}/{path} is {receipt.state.value} ({receipt.code}), not held back by the guard.",
            hint="`beleg review list` shows what waits for a verdict.",
        )  # fmt: skip
    review = Review(
        document_id=receipt.document_id, version=receipt.version, zone=zone, path=path, verdict=verdict, by=by,
        reason=reason, at=now(),
    )  # fmt: skip
    async with open_state(here()) as state:
        await state.audit.append(_row(review))
        await state.reviews.record(review)
        if verdict is Verdict.released:  # due again, with the next sweep
            await state.ledger.record(replace(entry, fingerprint="", recorded_at=now()))
    return review


def _row(review: Review) -> AuditRow:
    facts: dict[str, object] = {
        "document_id": review.document_id, "version": review.version, "verdict": review.verdict.value,
    }  # fmt: skip
    return AuditRow(
        id=f"review_{review.document_id[:12]}_{int(review.at.timestamp() * 1000)}", at=review.at, actor=review.by,
        tenant=None, action="document.review", outcome=review.verdict.value, facts=facts,
    )  # fmt: skip
