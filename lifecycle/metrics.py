"""Attempts → scores per item → measures with intervals. Pure.

A failed item has the worst score in every metric that would have applied to it, so a failure can never raise a mean.
Rank metrics come from trec_eval itself (`pytrec_eval`), intervals from scipy and numpy.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from lifecycle.passages import agrees, carries, words
from lifecycle.types import Attempt, Expected, Item, Measure, Result
from rag.types import Answer, Citation, Hit, Outcome

RANKED = ("recall_at_1", "recall_at_5", "recall_at_10", "mrr_at_10", "ndcg_at_10")
ANSWERED = ("answered", "citation_recall", "answer_containment", "token_f1")
OF_CITATIONS = ("citation_precision", "citation_support")
"""Means over the items that have citations: what refuses everything has none, so read them beside `answered`."""
OF_MODELS = ("citation_entailment",)
"""Where a model is configured. A failed item gets no score: nobody asked it."""
REFUSED = ("correct_refusal",)
LOWER_IS_BETTER = ("false_answer",)

_DEPTH = 10
_RESAMPLES = 2000
_CONFIDENCE = 0.95
_TREC = {
    "recall_1": "recall_at_1",
    "recall_5": "recall_at_5",
    "recall_10": "recall_at_10",
    "recip_rank": "mrr_at_10",
    "ndcg_cut_10": "ndcg_at_10",
}
"""trec_eval's names → ours. The reciprocal rank is cut by handing over ten ranks."""


def worst_scores(item: Item) -> dict[str, float]:
    """What a failed item gets."""
    if item.answerable:
        return dict.fromkeys((*RANKED, *ANSWERED, *OF_CITATIONS), 0.0)
    return dict.fromkeys(REFUSED, 0.0) | dict.fromkeys(LOWER_IS_BETTER, 1.0)


def scores_of(item: Item, attempt: Attempt) -> dict[str, float]:
    """Every metric that applies to the item."""
    is_answered = attempt.answer.outcome is Outcome.answered
    if not item.answerable:
        return {"correct_refusal": float(not is_answered), "false_answer": float(is_answered)}
    return (
        _rank_scores(attempt.hits, item.expected)
        | {
            "answered": float(is_answered),
            "answer_containment": float(is_answered and _contains(attempt.answer.text, item.answer_contains)),
            "token_f1": _token_f1(attempt.answer, item.expected) if is_answered else 0.0,
        }
        | _citation_scores(attempt.answer.citations if is_answered else (), item.expected)
    )


def measures_of(results: Sequence[Result]) -> tuple[Measure, ...]:
    """One measure per metric that any item has, and the latency's median and 95th percentile."""
    names = (*RANKED, *ANSWERED, *OF_CITATIONS, *OF_MODELS, *REFUSED, *LOWER_IS_BETTER)
    found = [_mean(name, [r for r in results if name in r.scores]) for name in names]
    latency = [_quantile(name, share, results) for name, share in (("latency_p50_ms", 0.5), ("latency_p95_ms", 0.95))]
    return tuple(measure for measure in (*found, *latency) if measure is not None)


def _rank_scores(hits: Sequence[Hit], expected: Sequence[Expected]) -> dict[str, float]:
    import pytrec_eval  # type: ignore[import-untyped,unused-ignore]  # has no types

    evaluator = pytrec_eval.RelevanceEvaluator(
        {"item": {f"expected-{number}": 1 for number in range(len(expected))}},
        {"recall.1,5,10", "recip_rank", "ndcg_cut.10"},
    )
    run = {name: float(-rank) for rank, name in enumerate(_ranking(hits, expected)[:_DEPTH])}
    found = evaluator.evaluate({"item": run})["item"]
    return {ours: float(found[theirs]) for theirs, ours in _TREC.items()}


def _ranking(hits: Sequence[Hit], expected: Sequence[Expected]) -> list[str]:
    """Names in the order found. An expected passage counts once, at its first hit; a hit with two takes two ranks."""
    missing = dict(enumerate(expected))
    names: list[str] = []
    for rank, hit in enumerate(hits):
        found = [number for number, passage in missing.items() if carries(hit.chunk, passage)]
        names += [f"expected-{number}" for number in found] or [f"other-{rank}"]
        for number in found:
            del missing[number]
    return names


def _citation_scores(citations: Sequence[Citation], expected: Sequence[Expected]) -> dict[str, float]:
    """Precision is a lower bound: a citation of another passage that says the same counts as wrong."""
    recall = sum(any(agrees(c, e) for c in citations) for e in expected) / max(1, len(expected))
    scores = {"citation_recall": recall}
    if citations:
        right = sum(any(agrees(c, e) for e in expected) for c in citations)
        scores["citation_precision"] = right / len(citations)
        scores["citation_support"] = sum(c.support for c in citations) / len(citations)
    judged = [c.entailment for c in citations if c.entailment is not None]
    if judged:
        scores["citation_entailment"] = sum(judged) / len(judged)
    return scores


def _contains(text: str, wanted: Sequence[tuple[str, ...]]) -> bool:
    """By words, so that a line break does not matter and `5 g` is not found in `1,5 g`.

    A last word may go on (`30 Tage` is in `30 Tagen`), a last number may not (`E-1` is not in `E-14`).
    """
    padded = f" {' '.join(words(text))} "
    return all(any(_needle(choice) in padded for choice in choices) for choices in wanted)


def _needle(choice: str) -> str:
    plain = " ".join(words(choice))
    return f" {plain} " if plain[-1:].isdigit() else f" {plain}"


def _token_f1(answer: Answer, expected: Sequence[Expected]) -> float:
    """Best over the expected quotes, and over all of them together."""
    quotes = [words(e.quote) for e in expected]
    references = [*quotes, [word for quote in quotes for word in quote]]
    given = words(_unmarked(answer))
    return max((_f1(given, reference) for reference in references), default=0.0)


def _unmarked(answer: Answer) -> str:
    """The claims alone, without their `[n]`."""
    if not answer.citations:
        return answer.text
    return " ".join(answer.text[start:end] for start, end in sorted({(c.start, c.end) for c in answer.citations}))


def _f1(given: list[str], reference: list[str]) -> float:
    shared = sum((Counter(given) & Counter(reference)).values())
    return 2 * shared / (len(given) + len(reference)) if shared else 0.0


def _mean(name: str, results: Sequence[Result]) -> Measure | None:
    if not results:
        return None
    values = np.array([r.scores[name] for r in results])
    is_yes_or_no = bool(np.isin(values, (0.0, 1.0)).all())
    low, high = _wilson(int(values.sum()), len(values)) if is_yes_or_no else _bootstrap(values, 0.0, of_mean=True)
    failed = sum(bool(r.failure) for r in results)
    return Measure(name=name, value=float(values.mean()), low=low, high=high, items=len(values), failed=failed)


def _quantile(name: str, share: float, results: Sequence[Result]) -> Measure | None:
    if not results:
        return None
    values = np.array([r.latency_ms for r in results])
    low, high = _bootstrap(values, share, of_mean=False)
    failed = sum(bool(r.failure) for r in results)
    return Measure(
        name=name, value=float(np.quantile(values, share)), low=low, high=high, items=len(values), failed=failed
    )


def _wilson(successes: int, count: int) -> tuple[float, float]:
    from scipy.stats import binomtest  # type: ignore[import-untyped,unused-ignore]  # has no types

    interval = binomtest(successes, count).proportion_ci(_CONFIDENCE, method="wilson")
    return float(interval.low), float(interval.high)


def _bootstrap(values: np.ndarray, share: float, *, of_mean: bool) -> tuple[float, float]:
    """Percentile interval over resampled items. Seeded: the same results give the same interval."""
    draws = np.random.default_rng(0).choice(values, size=(_RESAMPLES, len(values)))
    found = draws.mean(axis=1) if of_mean else np.quantile(draws, share, axis=1)
    low, high = np.quantile(found, [(1 - _CONFIDENCE) / 2, (1 + _CONFIDENCE) / 2])
    return float(low), float(high)
