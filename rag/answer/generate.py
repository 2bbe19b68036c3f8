"""Brief + route → a draft, from the first allowed endpoint that works. Called by `answer()`.

The order is the policy's, never ours. Another endpoint is tried only while nothing has been drafted: two half drafts
would make an answer that no model gave. Does not verify anything.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from rag.errors import Temporary
from rag.ports import Llm
from rag.types import Brief, Route, Usage

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """The end of a draft: which endpoint (`class:model`) gave it, and what it used.

    `is_whole`: false if the endpoint failed, so that what it said last may be half a sentence.
    """

    endpoint: str
    usage: Usage
    cost_usd: float
    is_whole: bool


async def generate(brief: Brief, route: Route, llms: Sequence[Llm]) -> AsyncIterator[str | Drafted]:
    """Pieces of text, then one `Drafted` that is whole; before it, one for each endpoint that failed at a cost.

    Raises `Temporary` if no allowed endpoint works, or if the one that had begun dies.
    """
    allowed = [llm for name in route.endpoint_classes for llm in llms if llm.endpoint_class == name]
    failure: Temporary | None = None
    for llm in allowed:
        has_begun = False
        used: Usage | None = None
        try:
            async for piece in llm.draft(brief):
                if isinstance(piece, Usage):
                    used = piece  # whether the draft is whole shows only in what follows
                    continue
                has_begun = True
                yield piece
        except Temporary as error:
            facts = {"endpoint": llm.name, "code": error.code, "begun": has_begun}
            _log.warning("generate.endpoint_failed", extra=facts)
            if used is not None:
                yield _drafted(llm, used, is_whole=False)
            if has_begun:
                raise _broke_off(error) from error
            failure = error
        else:
            if used is not None:
                yield _drafted(llm, used, is_whole=True)
            return
    raise Temporary(
        "no_endpoint",
        "No endpoint that the policy allows is working.",
        hint="Try again in a moment; an operator sees the reason in the log.",
        after_s=max(failure.after_s, 1.0) if failure else 5.0,
    ) from failure


def _broke_off(error: Temporary) -> Temporary:
    """In words for who asks: the endpoint's name and what to look at stand in the log."""
    return Temporary(
        error.code,
        "The model broke off in the middle of its answer.",
        hint="Ask again; an operator sees the reason in the log.",
        after_s=error.after_s,
    )


def _drafted(llm: Llm, usage: Usage, *, is_whole: bool) -> Drafted:
    cost_usd = llm.cost_usd(usage)
    return Drafted(endpoint=f"{llm.endpoint_class}:{llm.model}", usage=usage, cost_usd=cost_usd, is_whole=is_whole)
