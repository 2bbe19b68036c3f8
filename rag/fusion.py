"""What each side of the index thought → one order. Pure. Called by the index adapters; knows nothing of engines.

A weighted sum of absolute scores: cosine on one side, BM25 as a share of what the question could reach at most on the
other. Absolute, because a side that is unsure then says so: where few of a question's words are found, the keyword
scores differ little and the dense side decides, and the other way round. Ranks (RRF) throw just that away. How far
the dense side is trusted depends on how well the embedder knows the language, so the weight is a table.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """How to weigh an embedder in a language.

    Attributes:
        dense: weight of the cosine, 0..1; the keyword side has the rest.
        midpoint, slope: of the logistic that turns the weighted sum into a score: at `midpoint` a passage is as
            likely to hold the answer as not.
        origin: where the three numbers come from.
    """

    dense: float
    midpoint: float
    slope: float
    origin: str


_XQUAD = "XQuAD, tuning half of the questions, against the best wrong passage; see benchmarks/results/xquad.md"

TRUST: Mapping[tuple[str, str], Trust] = {
    ("all-MiniLM-L6-v2", "en"): Trust(dense=0.30, midpoint=0.315, slope=21.3, origin=_XQUAD),
    ("all-MiniLM-L6-v2", "de"): Trust(dense=0.15, midpoint=0.253, slope=20.6, origin=_XQUAD),
}
"""By embedder and language of the question."""

UNKNOWN = Trust(
    dense=0.20, midpoint=0.265, slope=20.0, origin="between the two that were measured: harmless if wrong either way"
)


def trust(embedder: str, language: str) -> Trust:
    """The measured weights, or cautious ones for a pair that was never measured.

    What follows a `+` in the embedder's name says which revision of its words it has, and changes no weight.
    """
    return TRUST.get((embedder.partition("+")[0], language), UNKNOWN)


@dataclass(frozen=True, slots=True)
class Fused:
    """A candidate after fusion. `score` is 0..1; `raw` is the weighted sum that orders."""

    key: str
    score: float
    raw: float


def fuse(dense: Mapping[str, float], sparse: Mapping[str, float], *, ceiling: float, trusted: Trust) -> list[Fused]:
    """Every candidate of either side, best first, ties by key.

    Args:
        dense: key → cosine. A missing key counts as 0, so complete the candidates of both sides first.
        sparse: key → BM25 score; a missing key means no word in common.
        trusted: the weights, from `trust`.
        ceiling: the BM25 score of a passage that has every word of this question, > 0 unless `sparse` is empty.
    """
    fused = []
    for key in dense.keys() | sparse.keys():
        share = min(1.0, sparse[key] / ceiling) if key in sparse and ceiling > 0 else 0.0
        raw = trusted.dense * max(dense.get(key, 0.0), 0.0) + (1.0 - trusted.dense) * share
        fused.append(Fused(key, 1.0 / (1.0 + math.exp(-trusted.slope * (raw - trusted.midpoint))), raw))
    return sorted(fused, key=lambda candidate: (-candidate.raw, candidate.key))
