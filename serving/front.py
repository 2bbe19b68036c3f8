"""All that the HTTP skin can reach, opened once per process by the caller of `create_app`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass

from rag.ports import AllowList, AuditLog, Guard, Hints, Landing, Ledger, Library, Reviews, Sweeps
from rag.types import Answer, Chunk, Cleared, Hit, Question, UseCase, Zone
from serving.allow_shapes import Found
from serving.ports import Budget, Keys, PageImages, RateLimit
from serving.zone_shapes import Looked

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
        preview: what would become of at most so many files of a zone, from an offset on; writes nothing. Raises
            `Temporary("preview_busy")` while another runs, and if the zone has vanished.
        findings: what the guard finds in the file of that path; raises as `preview`.
        guard: what people write for the record is screened before it is recorded.
        cut: the passages of a stored text, by its zone's rules. sweep_s: how often a quiet zone is looked at.
        health: asked by `/readyz` and by operators.
    """

    ask: Callable[[Question], AsyncIterator[str | Answer]]
    search: Callable[[Question, int], Awaitable[list[Hit]]]
    worst_cost_usd: Callable[[Question], Awaitable[float]]
    use_cases: Mapping[str, UseCase]
    library: Library
    ledger: Ledger
    sweeps: Sweeps
    reviews: Reviews
    allow_list: AllowList
    preview: Callable[[Zone, int, int], Awaitable[Looked]]
    findings: Callable[[Zone, str], Awaitable[Found]]
    guard: Guard
    cut: Callable[[Cleared, Zone], Awaitable[list[Chunk]]]
    sweep_s: float
    landing: Landing
    page_images: PageImages
    keys: Keys
    budget: Budget
    rate_limit: RateLimit
    audit: AuditLog
    hints: Hints
    health: Callable[[], Awaitable[Health]]
