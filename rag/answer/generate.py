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
    """The end of a draft: which endpoint (`class:model`) gave it, and what it used."""

    endpoint: str
    usage: Usage
    cost_usd: float


async def generate(brief: Brief, route: Route, llms: Sequence[Llm]) -> AsyncIterator[str | Drafted]:
    """Pieces of text, then one `Drafted`.

    Raises `Temporary` if no allowed endpoint works, or if the one that had begun dies; then `Drafted` has been yielded
    before, so that what was used is accounted for.
    """
    allowed = [llm for name in route.endpoint_classes for llm in llms if llm.endpoint_class == name]
    failure: Temporary | None = None
    for llm in allowed:
        has_begun = False
        try:
            async for piece in llm.draft(brief):
                has_begun = True
                yield _drafted(llm, piece) if isinstance(piece, Usage) else piece
        except Temporary as error:
            facts = {"endpoint": llm.name, "code": error.code, "begun": has_begun}
            _log.warning("generate.endpoint_failed", extra=facts)
            if has_begun:
                raise
            failure = error
        else:
            return
    raise Temporary(
        "no_endpoint",
        f"None of the {len(allowed)} endpoints that the policy allows is working.",
        hint="Try again in a moment; an operator sees the reason in the log.",
        after_s=max(failure.after_s, 1.0) if failure else 5.0,
    ) from failure


def _drafted(llm: Llm, usage: Usage) -> Drafted:
    return Drafted(endpoint=f"{llm.endpoint_class}:{llm.model}", usage=usage, cost_usd=llm.cost_usd(usage))
