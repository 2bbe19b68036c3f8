"""Is the candidate good enough? A fixed set of questions, answered by both, looked at once.

The unit is the item, and items of one source document hang together: they are a cluster. Paired differences with
cluster-robust errors (Miller, "Adding error bars to evals", arXiv 2411.00640) against a margin of non-inferiority. What is
in doubt is inconclusive, which is never a pass.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from scipy import stats

_CONFIDENCE = 0.95
"""One-sided, of each bound."""
_POWER = 0.80


class Finding(StrEnum):
    """What the set says of one metric."""

    passed = "passed"
    failed = "failed"
    inconclusive = "inconclusive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One item's scores, 0..1. A failed item has the worst score, and is here."""

    live: float
    candidate: float
    cluster: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Candidate less live, over all items.

    Attributes:
        low, high: 95 % bounds, each one-sided.
        error: standard error of the mean.
        detectable: smallest drop that this set finds in 80 of 100 cases.
    """

    mean: float
    low: float
    high: float
    error: float
    items: int
    clusters: int
    detectable: float


def difference(pairs: Sequence[Pair]) -> Difference:
    """Raises `ValueError` if there are fewer than two clusters, or a score that is no number."""
    sums, sizes = defaultdict[str, float](float), defaultdict[str, int](int)
    for pair in pairs:
        sums[pair.cluster] += pair.candidate - pair.live
        sizes[pair.cluster] += 1
    if len(sums) < 2 or not all(map(math.isfinite, sums.values())):
        message = f"{len(pairs)} items from {len(sums)} sources cannot be compared."
        raise ValueError(message)
    number = len(pairs)
    mean = math.fsum(sums.values()) / number
    spread = math.fsum((sums[name] - sizes[name] * mean) ** 2 for name in sums)
    # As if one item had differed at least: a set in which none does must not claim to know for certain.
    error = max(math.sqrt(spread * len(sums) / (len(sums) - 1)), 1.0) / number
    reach = float(stats.t.ppf(_CONFIDENCE, len(sums) - 1))
    return Difference(
        mean=mean, low=mean - reach * error, high=mean + reach * error, error=error, items=number, clusters=len(sums),
        detectable=(reach + float(stats.norm.ppf(_POWER))) * error,
    )  # fmt: skip


def finding(found: Difference, *, margin: float, coverage: float = 1.0, floor: float = 0.95) -> Finding:
    """Is the candidate at most `margin` worse? Without enough items that ran, or that could tell, nobody knows.

    `coverage`: share of the items that ran to an end; below `floor` nothing is believed.
    """
    if found.high < -margin:
        return Finding.failed
    if coverage < floor or found.detectable > margin or found.low < -margin:
        return Finding.inconclusive
    return Finding.passed


def mcnemar(*, lost: int, won: int) -> float:
    """Exact p-value, two-sided, of so uneven a split of the discordant pairs; 1 if there are none.

    Source: McNemar, Psychometrika 12 (1947), in its exact binomial form.
    """
    return float(stats.binomtest(lost, lost + won).pvalue) if lost + won else 1.0


def holm(values: Mapping[str, float]) -> dict[str, float]:
    """p-values of several metrics, adjusted so that the chance of any false alarm stays bounded. Holm (1979)."""
    adjusted, worst = {}, 0.0
    for rank, name in enumerate(sorted(values, key=values.__getitem__)):
        worst = max(worst, min(1.0, (len(values) - rank) * values[name]))
        adjusted[name] = worst
    return adjusted


def items_needed(*, margin: float, discordant: float) -> int:
    """Pairs that find a drop of `margin` in 80 of 100 cases, if that share of pairs differs at all."""
    reach = float(stats.norm.ppf(_CONFIDENCE) + stats.norm.ppf(_POWER))
    return math.ceil(reach**2 * discordant / margin**2)
