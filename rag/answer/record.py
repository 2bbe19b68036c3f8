"""What one request leaves behind: timings, decisions and ids on their way into one audit row. Never text."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rag.types import Answer, AuditRow, Citation, Decision, Hit, Live, Outcome, Question, Route, Usage

T = TypeVar("T")

NO_USAGE = Usage(prompt_tokens=0, completion_tokens=0)


class Record:
    """Filled step by step, so that a request that dies half way still says how far it came."""

    def __init__(self, question: Question, live: Live) -> None:
        self._question = question
        self._live = live
        self._timings: dict[str, float] = {}
        self._decisions: list[tuple[str, Decision]] = []
        self._route: tuple[str, ...] = ()
        self._hits: tuple[Hit, ...] = ()
        self._generation: str | None = None
        self.language = "en"
        self.endpoint: str | None = None
        self.usage = NO_USAGE
        self.cost_usd = 0.0
        self.dropped_claims = 0

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Adds wall time in ms to the step, also when it fails."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self._timings[step] = self._timings.get(step, 0.0) + (time.perf_counter() - start) * 1000

    async def waited(self, step: str, pieces: AsyncIterator[T]) -> AsyncIterator[T]:
        """The pieces as they come; the time until each of them counts for the step, what is done with it does not."""
        while True:
            with self.timed(step):
                try:
                    piece = await anext(pieces)
                except StopAsyncIteration:
                    return
            yield piece

    def decided(self, step: str, decision: Decision) -> None:
        """The same word of the same rule at the same step is kept once."""
        if (step, decision) not in self._decisions:
            self._decisions.append((step, decision))

    def found(self, hits: list[Hit], generation: str | None) -> None:
        self._hits, self._generation = tuple(hits), generation

    def routed(self, route: Route) -> None:
        self.decided("route", route.decision)
        self._route = route.endpoint_classes

    def drafted(self, endpoint: str, usage: Usage, cost_usd: float) -> None:
        """What an endpoint has used is added to what those before it have."""
        before, self.endpoint = self.usage, endpoint
        self.usage = Usage(
            prompt_tokens=before.prompt_tokens + usage.prompt_tokens,
            completion_tokens=before.completion_tokens + usage.completion_tokens,
        )
        self.cost_usd += cost_usd

    def answer(self, text: str, outcome: Outcome, citations: tuple[Citation, ...] = ()) -> Answer:
        return Answer(
            question_id=self._question.id,
            text=text,
            outcome=outcome,
            citations=citations,
            language=self.language,
            release=self._live.release,
            recipe_id=self._live.recipe.id,
            epoch=self._live.epoch,
            endpoint=self.endpoint,
            decisions=tuple(decision for _, decision in self._decisions),
            usage=self.usage,
            cost_usd=self.cost_usd,
            dropped_claims=self.dropped_claims,
            searched=tuple(hit.chunk.id for hit in self._hits),
            as_of=self._question.as_of,
        )

    def row(self, outcome: str, citations: tuple[Citation, ...] = (), *, error: str | None = None) -> AuditRow:
        """`error` is a stable code, never a message."""
        recipe = self._live.recipe
        facts: dict[str, object] = {
            "use_case": self._question.use_case.name,
            "release": self._live.release,
            "recipe": recipe.id,
            "epoch": self._live.epoch,
            "generation": self._generation,
            "decisions": [
                {"step": step, "action": d.action.value, "rule": d.rule, "reason": d.reason, "policy": d.revision}
                for step, d in self._decisions
            ],
            "route": list(self._route),
            "endpoint": self.endpoint,
            "language": self.language,
            "hits": len(self._hits),
            "documents": sorted({hit.chunk.document_id for hit in self._hits}),
            "citations": [c.chunk_id for c in citations],
            "dropped_claims": self.dropped_claims,
            "prompt_tokens": self.usage.prompt_tokens,
            "completion_tokens": self.usage.completion_tokens,
            "cost_usd": round(self.cost_usd, 8),
            "timings_ms": {step: round(ms, 2) for step, ms in self._timings.items()},
        }
        if self._question.as_of is not None:
            facts["as_of"] = self._question.as_of.isoformat()
        if error is not None:
            facts["error"] = error
        return AuditRow(
            id=self._question.id,
            at=self._question.at,
            actor=self._question.asker.subject,
            tenant=self._question.asker.tenant,
            action="answer",
            outcome=outcome,
            facts=facts,
        )
