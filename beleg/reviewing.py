"""What the guard held back, and a steward's verdict, on this instance. Called by `beleg review`."""

from __future__ import annotations

from beleg.home import here
from beleg.zones import chosen
from rag.ingest import review
from rag.ingest.review import Item
from rag.types import Review, Verdict


async def queue(zone: str | None, *, also_judged: bool) -> list[Item]:
    """Oldest first. Raises `Permanent("no_such_zone")`."""
    from rag.compose import open_state

    async with open_state(here()) as state:
        zones = chosen(await state.ledger.zones(), zone)
        return await review.held_back(zones, ledger=state.ledger, reviews=state.reviews, also_judged=also_judged)


async def judge(zone: str, path: str, verdict: Verdict, *, by: str, reason: str) -> Review:
    """Raises as `rag.ingest.review.judge`, and `Permanent("no_such_zone")`."""
    from rag.compose import open_rag

    review.require_named(by, reason)
    async with open_rag(here()) as rag:
        (found,) = chosen(await rag.ledger.zones(), zone)
        return await review.judge(
            found, path, verdict, by=by, reason=reason, guard=rag.intake.guard, ledger=rag.ledger,
            reviews=rag.state.reviews, audit=rag.state.audit,
        )  # fmt: skip
