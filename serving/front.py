"""All that the HTTP skin can reach, opened once per process by the caller of `create_app`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass

from rag.ports import AuditLog, Hints, Landing, Ledger, Library
from rag.types import Answer, Hit, Question, UseCase
from serving.ports import Budget, Keys, PageImages, RateLimit

OK = "ok"


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How the parts are.

    Attributes:
        ready: whether questions can be answered now.
        parts: part → `"ok"`, or one sentence of alarm for the operator.
    """

    ready: bool
    parts: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """What a request may use.

    Attributes:
        ask: verified, guarded pieces of text, then exactly one `Answer` whose text is their concatenation. Raises
            `Refused`, `Temporary` or `Permanent`, possibly after some pieces.
        search: the evidence for a question, best first, at most so many.
        worst_cost_usd: the most that answering may cost; reserved before. 0 for endpoints that cost nothing.
        use_cases: by name, of every tenant; who may use one is checked per request.
        health: asked by `/readyz` and by operators.
    """

    ask: Callable[[Question], AsyncIterator[str | Answer]]
    search: Callable[[Question, int], Awaitable[list[Hit]]]
    worst_cost_usd: Callable[[Question], Awaitable[float]]
    use_cases: Mapping[str, UseCase]
    library: Library
    ledger: Ledger
    landing: Landing
    page_images: PageImages
    keys: Keys
    budget: Budget
    rate_limit: RateLimit
    audit: AuditLog
    hints: Hints
    health: Callable[[], Awaitable[Health]]
