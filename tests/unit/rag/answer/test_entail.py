"""A model's opinion stands beside each citation, or nothing does."""

from __future__ import annotations

from collections.abc import Sequence

from rag.answer.entail import entailed
from rag.errors import Temporary
from rag.types import Citation

TEXT = "The gate closes at ten. [1] It opens at six. [2]"


def citation(number: int, start: int, end: int, quote: str) -> Citation:
    return Citation(
        number=number, start=start, end=end, document_id="d", version="v", zone="z", path="p", uri="u", title="t",
        media_type="text/plain", chunk_id="c", quote=quote, quote_start=0, quote_end=len(quote), places=(), support=1.0,
    )  # fmt: skip


CITATIONS = (citation(1, 0, 23, "Gate: closes at ten."), citation(2, 28, 44, "Gate: opens at six."))


class Asked:
    """Answers what it is told, and keeps what it was asked."""

    def __init__(self, *scores: float) -> None:
        self._scores = scores
        self.pairs: list[tuple[str, str]] = []

    async def probabilities(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        self.pairs += pairs
        if not self._scores:
            raise Temporary("entailment_unavailable", "No.")
        return list(self._scores)


async def test_the_quote_is_the_premise_and_the_claim_follows_or_not() -> None:
    """Each citation with its own span of the answer."""
    model = Asked(0.9, 0.2)
    assert [c.entailment for c in await entailed(TEXT, CITATIONS, entailment=model)] == [0.9, 0.2]
    assert model.pairs == [
        ("Gate: closes at ten.", "The gate closes at ten."),
        ("Gate: opens at six.", "It opens at six."),
    ]


async def test_a_model_that_is_down_leaves_it_unknown() -> None:
    """The answer stands on its verified quotes; an opinion that nobody gave is no opinion."""
    assert await entailed(TEXT, CITATIONS, entailment=Asked()) == CITATIONS
