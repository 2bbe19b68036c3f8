"""Between which bounds does the mean of a bounded score lie? Watched while values come.

Predictable plug-in empirical-Bernstein confidence sequence: Waudby-Smith and Ramdas, "Estimating means of bounded random
variables by betting" (arXiv 2010.09686), theorem 2. It holds at all times at once, adapts to the variance, and needs
nothing kept but sums. Values are capped by a rule that is fixed before the start, never after a look at them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

_BOLDEST = 0.5
"""Most of the wealth that one value may cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """The running bounds of a mean.

    Attributes:
        low, high: each holds for ever with probability 1 - alpha; both together with 1 - 2 alpha. They never widen.
        least, most: between which every value lies.
    """

    alpha: float
    least: float = 0.0
    most: float = 1.0
    low: float = 0.0
    high: float = 1.0
    number: int = 0
    total: float = 0.0
    squares: float = 0.0
    weights: float = 0.0
    weighted: float = 0.0
    price: float = 0.0

    @property
    def value(self) -> float | None:
        """The plain mean; `None` before the first value."""
        return self.least + (self.most - self.least) * self.total / self.number if self.number else None


def start(*, alpha: float, least: float = 0.0, most: float = 1.0) -> Mean:
    """Of values between `least` and `most`; nothing is known yet."""
    if not 0 < alpha < 1 or not least < most:
        message = f"No sequence can be made of alpha {alpha} and values from {least} to {most}."
        raise ValueError(message)
    return Mean(alpha=alpha, least=least, most=most, low=least, high=most)


def observe(mean: Mean, values: Iterable[float]) -> Mean:
    """After further values, in their order. One outside of the bounds counts as the bound that it passed."""
    for value in values:
        mean = _after(mean, (min(max(value, mean.least), mean.most) - mean.least) / (mean.most - mean.least))
    return mean


def _after(mean: Mean, x: float) -> Mean:
    """One value in 0..1. The weight is chosen from what came before it."""
    if math.isnan(x):
        message = "A value that is no number cannot be counted; a failed item has the worst value."
        raise ValueError(message)
    number = mean.number + 1
    guess = (0.5 + mean.total) / number
    variance = (0.25 + mean.squares) / number
    weight = min(_BOLDEST, math.sqrt(2 * math.log(1 / mean.alpha) / (variance * number * math.log(1 + number))))
    centre = (0.5 + mean.total + x) / (number + 1)
    weights, weighted = mean.weights + weight, mean.weighted + weight * x
    price = mean.price + (x - guess) ** 2 * (-math.log1p(-weight) - weight)
    middle, reach = weighted / weights, (math.log(1 / mean.alpha) + price) / weights
    span = mean.most - mean.least
    return replace(
        mean, number=number, total=mean.total + x, squares=mean.squares + (x - centre) ** 2, weights=weights,
        weighted=weighted, price=price, low=max(mean.low, mean.least + span * (middle - reach)),
        high=min(mean.high, mean.least + span * (middle + reach)),
    )  # fmt: skip
