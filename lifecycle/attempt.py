"""One item of a question set → what the chain does with it, through the very `answer()` that serves."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

from lifecycle.types import Attempt, Item
from rag.answer.answer import Chain, answer
from rag.ports import Index
from rag.types import Access, Answer, Hit, Live, Principal, Question, Turn, UseCase, Vector, now


class _Seen:
    """An index that remembers what it found, because an `Answer` names its evidence by id only."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self.hits: tuple[Hit, ...] = ()

    @property
    def generation(self) -> str | None:
        return self._index.generation

    @property
    def alarm(self) -> str | None:
        return self._index.alarm

    async def refresh(self) -> None:
        await self._index.refresh()

    async def search(
        self, text: str, vector: Vector, *, language: str, access: Access, limit: int, prefetch: int
    ) -> list[Hit]:
        found = await self._index.search(
            text, vector, language=language, access=access, limit=limit, prefetch=prefetch
        )  # fmt: skip
        self.hits = tuple(found)
        return found


async def attempt(item: Item, *, chain: Chain, live: Live, use_case: UseCase) -> Attempt:
    """Asks as a member of the item's tenant with the item's clearance and groups; leaves an audit row like anyone."""
    question = Question(
        id=f"eval_{item.id}_{uuid4().hex}",
        asker=Principal(subject="evaluation", tenant=item.tenant, groups=item.groups, clearance=item.clearance),
        use_case=use_case,
        turns=(*item.history, Turn(role="user", content=item.question)),
        at=now(),
    )
    seen = _Seen(chain.index)
    async for part in answer(question, live=live, chain=replace(chain, index=seen)):
        if isinstance(part, Answer):
            return Attempt(answer=part, hits=seen.hits)
    raise AssertionError("the chain ended without an answer")
