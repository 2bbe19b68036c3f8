"""Money around one question: reserved before, settled exactly once, whatever happens. Called by `chat`.

What is settled: the answer's own cost; if the chain failed before its first piece, what it says that the endpoints had
used by then; the whole reservation, or more if more was used, if it broke off later or the caller hung up, because what
the endpoint will bill is then unknown, and unknown is never zero.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

from rag.errors import BelegError
from rag.types import Answer, Question, now
from serving.front import Front

log = logging.getLogger(__name__)


async def accounted(question: Question, front: Front) -> AsyncIterator[str | Answer]:
    """`front.ask(question)`, paid for. Close it (`aclosing`) when you stop early."""
    worst = await front.worst_cost_usd(question)
    reservation = await front.budget.reserve(
        tenant=question.asker.tenant, use_case=question.use_case.name, amount_usd=worst,
        limit_usd=question.use_case.budget_usd, now=now(),
    )  # fmt: skip
    parts = front.ask(question)
    spent: float | None = None
    has_begun = False
    try:
        async for part in parts:
            if isinstance(part, Answer):
                spent = part.cost_usd
            has_begun = True
            yield part
    except BelegError as error:
        spent = max(worst, error.cost_usd) if has_begun else error.cost_usd
        raise
    finally:
        await asyncio.shield(_finish(parts, front, reservation, worst if spent is None else spent, question.id))


async def _finish(
    parts: AsyncIterator[str | Answer], front: Front, reservation: str, usd: float, request_id: str
) -> None:
    """Shielded: a caller who hangs up cancels the request, not its bill."""
    try:
        close = getattr(parts, "aclose", None)
        if close is not None:
            await close()
    finally:
        try:
            await front.budget.settle(reservation, actual_usd=usd, now=now())
        except BelegError as error:  # the reservation then lapses at its full amount: too much, never too little
            log.error("budget.not_settled", extra={"request": request_id, "code": error.code})  # noqa: TRY400
