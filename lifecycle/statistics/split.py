"""Do the groups have the sizes that they were meant to have? Watched from the first unit on.

A split that is off (a sample-ratio mismatch) means that units got lost or were sorted by something that matters: then no
other figure of the comparison can be believed. Sequential multinomial test of Lindon and Malek, "Anytime-valid inference
for multinomial count data" (arXiv 2011.03567): a Dirichlet prior around the planned shares against these shares.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from lifecycle.statistics.wealth import evidence

_CONCENTRATION = 100.0
"""Of the prior around the plan: larger finds small mismatches sooner in the long run, gross ones later."""


def mismatch(counts: Sequence[int], shares: Sequence[float]) -> float:
    """Evidence against the planned split; 1 at the start. Stop without a verdict at 1/α.

    `counts`: units per group so far. `shares`: planned, positive, summing to 1.
    """
    if len(counts) != len(shares) or min(shares) <= 0 or not math.isclose(sum(shares), 1.0) or min(counts) < 0:
        message = f"{counts} units cannot be compared with shares of {shares}."
        raise ValueError(message)
    prior = [_CONCENTRATION * share for share in shares]
    log = math.lgamma(_CONCENTRATION) - math.lgamma(_CONCENTRATION + sum(counts))
    for count, weight, share in zip(counts, prior, shares, strict=True):
        log += math.lgamma(weight + count) - math.lgamma(weight) - count * math.log(share)
    return evidence([log])
