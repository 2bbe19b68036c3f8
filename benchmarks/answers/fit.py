"""Fits `rag/answerability.json`: `python -m benchmarks.answers.fit`

Two logistic functions over the features of `rag.answerability`: one orders sentences, one tells whether the best of
them answers. L2, and the sign of every weight is held to what the feature means, so that a reader can follow them.
Prints what ten-fold cross-validation (by question) says of the choice. Never looks at the test split.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from benchmarks.answers.cases import Case, sample_cases, xquad_cases
from benchmarks.answers.sample_house import ROOT, sample_house
from rag.answerability import FEATURES, candidates
from rag.best_sentences import distinct
from rag.ports import Embedder

TARGET = ROOT / "rag" / "answerability.json"
SHARE = {"dev": 3.0, "own": 3.0, "removed": 1.5, "xquad": 1.0, "xquad_removed": 1.0}
"""How much a case of each source counts. The samples are what is asked of us; XQuAD keeps the weights general."""
STRENGTH_RANK, STRENGTH_ANSWER = 0.3, 0.1
"""Inverse of the L2 penalty."""
AT_LEAST_ZERO = {
    "in_unit", "in_sentence", "in_surroundings", "in_passage", "in_document", "exact_here", "focus_here",
    "kind_present", "near_sentence", "near_passage", "on_topic", "row_named", "in_range", "fused", "standing",
}  # fmt: skip
AT_MOST_ZERO = {
    "missing_here",
    "missing",
    "missing_verb",
    "missing_name",
    "only_akin",
    "focus_missing",
    "kind_absent",
    "out_of_range",
}
ONLY_RANK = {"standing", "is_row"}
"""They compare sentences of one search and say nothing of the question."""
COMPARED = 16
"""Sentences per question that take part: the best by the weights so far."""
FOLDS = 10

Row = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Described:
    """A case as numbers. `features`: `(n, len(FEATURES))`; `right`: `(n,)`."""

    case: Case
    features: Row
    right: NDArray[np.bool_]


async def described(case: Case, embedder: Embedder) -> Described:
    """The case's sentences with all features, as the endpoint sees them."""
    found = distinct(candidates(case.question, case.hits, case.language, before=case.before), case.hits, case.language)[
        :COMPARED
    ]
    texts = [case.hits[one.hit].chunk.text[one.start : one.end] for one in found]
    vectors = await embedder.embed([case.question, *texts])
    near = [one.near(float(vector @ vectors[0])) for one, vector in zip(found, vectors[1:], strict=True)]
    return Described(
        case,
        np.array([one.features for one in near], dtype=np.float64).reshape(-1, len(FEATURES)),
        np.array([case.answers(case.hits[one.hit].chunk, one.start, one.end) for one in found], dtype=np.bool_),
    )


def fit(cases: Sequence[Described]) -> tuple[Row, Row]:
    """Weights that order, and weights that decide."""
    rank = _fit_rank([one for one in cases if one.case.answerable and one.right.any()])
    usable = [one for one in cases if len(one.features)]
    best = np.array([one.features[_best(one, rank)] for one in usable])
    right = np.array([one.case.answerable for one in usable], dtype=np.float64)
    weight = np.array([SHARE[one.case.source] for one in usable])
    for side in (0.0, 1.0):  # as many answerable as not
        weight[right == side] *= len(usable) / 2 / weight[right == side].sum()
    used = [at for at, name in enumerate(FEATURES) if name not in ONLY_RANK]
    return rank, _logistic(best, right, weight, used, STRENGTH_ANSWER)


def _fit_rank(cases: Sequence[Described]) -> Row:
    weight = [
        np.where(one.right, 1 / one.right.sum(), 1 / max(1, (~one.right).sum())) * SHARE[one.case.source]
        for one in cases
    ]
    features, right = np.vstack([one.features for one in cases]), np.concatenate([one.right for one in cases])
    return _logistic(features, right.astype(np.float64), np.concatenate(weight), range(len(FEATURES)), STRENGTH_RANK)


def _logistic(features: Row, right: Row, weight: Row, used: Sequence[int], strength: float) -> Row:
    columns = [at for at in used if FEATURES[at] != "bias"]
    scale = features[:, columns].std(axis=0) + 1e-9
    scaled = features[:, columns] / scale

    def loss(theta: Row) -> tuple[float, Row]:
        logit = scaled @ theta[1:] + theta[0]
        residual = weight * (1 / (1 + np.exp(-logit)) - right)
        value = strength * float(weight @ (np.logaddexp(0, logit) - right * logit)) + float(theta[1:] @ theta[1:]) / 2
        slope = strength * np.concatenate([[residual.sum()], scaled.T @ residual])
        return value, slope + np.concatenate([[0], theta[1:]])

    bounds = [(None, None), *(_bounds(FEATURES[at]) for at in columns)]
    theta = minimize(loss, np.zeros(len(columns) + 1), jac=True, bounds=bounds, method="L-BFGS-B").x
    full = np.zeros(len(FEATURES))
    full[columns] = theta[1:] / scale
    full[FEATURES.index("bias")] = theta[0]
    return full


def _bounds(name: str) -> tuple[float | None, float | None]:
    return (0.0 if name in AT_LEAST_ZERO else None, 0.0 if name in AT_MOST_ZERO else None)


def _best(one: Described, rank: Row) -> int:
    return int(np.argmax(one.features @ rank))


def cross_validated(cases: Sequence[Described], always: Sequence[Described]) -> tuple[Row, Row]:
    """Per case: the best sentence's score by weights that never saw its question, and whether it is the right one."""
    bases = sorted({one.case.base for one in cases})
    fold = dict(zip(bases, np.random.default_rng(0).permutation(len(bases)) % FOLDS, strict=True))
    scores, right = np.full(len(cases), -np.inf), np.zeros(len(cases))
    for number in range(FOLDS):
        rank, answer = fit([*(one for one in cases if fold[one.case.base] != number), *always])
        for at, one in enumerate(cases):
            if fold[one.case.base] == number and len(one.features):
                best = _best(one, rank)
                scores[at], right[at] = one.features[best] @ answer, one.right[best]
    return scores, right


def report(cases: Sequence[Described], scores: Row, right: Row) -> None:
    """Answered and falsely answered by threshold, so that the shift can be chosen."""
    source = np.array([one.case.source for one in cases])
    answerable = np.array([one.case.answerable for one in cases])
    for name in ("dev", "own"):
        print(f"{name}: best sentence is right {right[(source == name) & answerable].mean():.3f}")
    print("threshold   dev answered / falsely   own answered / falsely   removed falsely")
    for threshold in np.arange(-1.0, 1.8, 0.2):
        said = scores > threshold
        cells = [
            f"{said[(source == name) & answerable].mean():.3f} / {said[(source == name) & ~answerable].mean():.3f}"
            for name in ("dev", "own")
        ]
        print(f"{threshold:9.1f}   {'            '.join(cells)}            {said[source == 'removed'].mean():.3f}")


async def gather(home: Path, every: int) -> tuple[list[Described], list[Described]]:
    async with sample_house(home) as rag:
        embedder = rag.chain.embedder
        local = [await described(case, embedder) for case in await sample_cases(rag)]
        public = [await described(case, embedder) for case in await xquad_cases(embedder, every=every)]
    return local, public


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, default=ROOT / ".beleg" / "benchmark")
    parser.add_argument("--every", type=int, default=6, help="of XQuAD's tuning half, every n-th question")
    parser.add_argument("--threshold", type=float, help="write the weights, with this logit as the score 0.5")
    chosen = parser.parse_args()
    local, public = asyncio.run(gather(chosen.home, chosen.every))
    report(local, *cross_validated(local, public))
    if chosen.threshold is None:
        return
    rank, answer = fit([*local, *public])
    answer[FEATURES.index("bias")] -= chosen.threshold
    one = {
        "rank": dict(zip(FEATURES, rank.round(3).tolist(), strict=True)),
        "answer": dict(zip(FEATURES, answer.round(3).tolist(), strict=True)),
    }
    origin = (
        f"benchmarks/answers/fit.py, {datetime.now(UTC):%Y-%m-%d}: {len(local)} cases on the samples (dev questions and"
        f" benchmarks/answers/questions.jsonl), {len(public)} on the tuning half of XQuAD; threshold {chosen.threshold}"
    )
    stored = {"origin": origin, "weights": {"de": one, "en": one}}
    TARGET.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
