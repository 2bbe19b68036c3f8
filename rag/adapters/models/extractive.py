"""The embedded default: answers with the sentences and rows of the evidence that answer the question.

Adapter of the port `Llm`. Deterministic. Says nothing at all when the evidence does not answer, which the chain tells
the asker in words. Quotes verbatim, so a table row comes as it stands; does not combine, count or translate.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence

from rag.answerability import Candidate, Weights, candidates, fitted, score
from rag.ports import Embedder
from rag.types import Brief, Hit, Usage

_NEAR = 10
"""Sentences that are compared by vector: the best by their words. More cost milliseconds and change nothing."""

_MOST = 3
_NEXT_TO_BEST = 0.6
"""A further sentence is quoted if its score is at least this share of the best one's."""

_BULLET = re.compile(r"^(?:[-*•–·▪◦‣]|\(?\d{1,2}[.)]|\(?[a-z][.)])\s+")


class ExtractiveLlm:
    """Port `Llm` without a model: a scorer over sentences, and the embedder that the index uses anyway."""

    name = "extractive"
    endpoint_class = "extractive"
    model = "extractive-1"

    def __init__(self, *, embedder: Embedder, min_answerability: float = 0.5) -> None:
        """Below `min_answerability` of the best sentence nothing is said."""
        self._embedder = embedder
        self._min_answerability = min_answerability

    def cost_usd(self, usage: Usage) -> float:  # noqa: ARG002  the port's shape
        return 0.0

    async def draft(self, brief: Brief) -> AsyncIterator[str | Usage]:
        """See `Llm`. Each quoted sentence is one piece, marked `[n]`."""
        said = 0
        chosen = await self._chosen(brief)
        for at, candidate in enumerate(chosen):
            text = _spoken(candidate, brief.evidence)
            following = _spoken(chosen[at + 1], brief.evidence) if at + 1 < len(chosen) else ""
            said += len(text.split())
            yield f"{text} [{candidate.hit + 1}]{_gap(text, following)}"
        read = len(brief.question.split()) + sum(len(hit.chunk.text.split()) for hit in brief.evidence)
        yield Usage(prompt_tokens=read, completion_tokens=said)

    async def _chosen(self, brief: Brief) -> list[Candidate]:
        """The sentences to quote, in the order in which they are quoted; none if the evidence does not answer."""
        weights = _weights(brief.language)
        ranked = await _ranked(brief, embedder=self._embedder, weights=weights)
        if not ranked or score(ranked[0], weights.answer) < self._min_answerability:
            return []
        least = score(ranked[0], weights.rank) * _NEXT_TO_BEST
        return [candidate for candidate in ranked[:_MOST] if score(candidate, weights.rank) >= least]


async def _ranked(brief: Brief, *, embedder: Embedder, weights: Weights) -> list[Candidate]:
    """The best sentences of the evidence, best first, no text twice."""
    before = next((turn.content for turn in reversed(brief.turns) if turn.role == "user"), "")
    found = candidates(brief.question, brief.evidence, brief.language, before=before)
    best = distinct_candidates(found, brief.evidence, brief.language)[:_NEAR]
    if not best:
        return []
    texts = [_text(candidate, brief.evidence) for candidate in best]
    vectors = await embedder.embed([brief.question, *texts])
    cosines = vectors[1:] @ vectors[0]
    compared = [candidate.near(float(cosine)) for candidate, cosine in zip(best, cosines, strict=True)]
    return sorted(compared, key=lambda candidate: -score(candidate, weights.rank))


def distinct_candidates(found: Sequence[Candidate], evidence: Sequence[Hit], language: str) -> list[Candidate]:
    """Best first by words alone; of equal texts the best placed."""
    rank = _weights(language).rank
    by_text: dict[str, Candidate] = {}
    for candidate in sorted(found, key=lambda candidate: -score(candidate, rank)):
        by_text.setdefault(" ".join(_text(candidate, evidence).split()).casefold(), candidate)
    return list(by_text.values())


def _weights(language: str) -> Weights:
    return fitted().get(language, fitted()["en"])


def _text(candidate: Candidate, evidence: Sequence[Hit]) -> str:
    return evidence[candidate.hit].chunk.text[candidate.start : candidate.end]


def _spoken(candidate: Candidate, evidence: Sequence[Hit]) -> str:
    """The sentence on one line, without the sign of a list."""
    return _BULLET.sub("", " ".join(_text(candidate, evidence).split()))


def _gap(text: str, following: str) -> str:
    """A paragraph's end after what is not a sentence, so that the next one is not read as its rest."""
    if not following:
        return ""
    return " " if text.endswith((".", "!", "?")) and following[0].isupper() else "\n\n"
