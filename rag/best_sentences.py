"""Brief → the sentences of its evidence, best first, and how likely the best one answers.

Called by the embedded endpoint.
"""

from __future__ import annotations

from collections.abc import Sequence

from rag.answerability import Candidate, Weights, candidates, fitted, score
from rag.ports import Embedder
from rag.types import Brief, Hit

_NEAR = 10
"""Sentences that are compared by vector: the best by their words. More cost milliseconds and change nothing."""


async def best_sentences(brief: Brief, *, embedder: Embedder) -> list[Candidate]:
    """At most ten, best first, no text twice; none if all are ruled out. Raises `Temporary` if the embedder is down."""
    before = next((turn.content for turn in reversed(brief.turns) if turn.role == "user"), "")
    found = candidates(brief.question, brief.evidence, brief.language, before=before)
    best = distinct(found, brief.evidence, brief.language)[:_NEAR]
    if not best:
        return []
    vectors = await embedder.embed([brief.question, *(text_of(candidate, brief.evidence) for candidate in best)])
    cosines = vectors[1:] @ vectors[0]
    compared = [candidate.near(float(cosine)) for candidate, cosine in zip(best, cosines, strict=True)]
    return sorted(compared, key=lambda candidate: -standing(candidate, brief.language))


def answerability(ranked: Sequence[Candidate], language: str) -> float:
    """How likely the evidence answers, 0..1, from `best_sentences`: compared with `Brief.min_answerability`."""
    return score(ranked[0], _weights(language).answer) if ranked else 0.0


def standing(candidate: Candidate, language: str) -> float:
    """How good a sentence is beside the others of the same search, 0..1."""
    return score(candidate, _weights(language).rank)


def distinct(found: Sequence[Candidate], evidence: Sequence[Hit], language: str) -> list[Candidate]:
    """Best first by what is known so far; of equal texts the best placed."""
    by_text: dict[str, Candidate] = {}
    for candidate in sorted(found, key=lambda candidate: -standing(candidate, language)):
        by_text.setdefault(" ".join(text_of(candidate, evidence).split()).casefold(), candidate)
    return list(by_text.values())


def text_of(candidate: Candidate, evidence: Sequence[Hit]) -> str:
    """Verbatim."""
    return evidence[candidate.hit].chunk.text[candidate.start : candidate.end]


def _weights(language: str) -> Weights:
    return fitted().get(language, fitted()["en"])
