"""Is the canary worse? Yes/no outcomes of two groups, one per unit (a user, a tenant), watched while they come.

Two-sample Bernoulli e-process over blocks of *m* control outcomes and one of the canary. Source: Turner and Grünwald,
"Safe sequential testing and effect estimation in stratified count data" (arXiv 2302.11401), the 2×2 e-variable, here as
a mixture over drops. Valid for "the canary is not worse than the control", whatever the true rates and the prior are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from lifecycle.statistics.wealth import evidence

DROPS = (0.03, 0.0434, 0.0629, 0.0910, 0.1318, 0.1909, 0.2763, 0.40)
"""Of the success rate, that are bet on: a geometric grid from what matters to what is a disaster."""

_LEAST = 1e-3
"""Rates that are bet on stay this far from 0 and 1, so that one surprise never costs the whole wealth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Fixed before the first outcome.

    Attributes:
        alpha: false alarms that are put up with, over the whole life of the test.
        block: control outcomes per canary outcome; about the ratio of the two groups' sizes.
        prior: successes and failures of the control that the first prediction stands on; wrong ones cost power, never
            validity.
    """

    alpha: float = 0.05
    block: int = 9
    prior: tuple[float, float] = (9.0, 1.0)
    drops: tuple[float, ...] = DROPS

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 1 or self.block < 1 or min(self.prior) <= 0 or not self.drops or min(self.drops) <= 0:
            message = (
                f"No test can be made of alpha {self.alpha}, block {self.block}, prior {self.prior}, {self.drops}."
            )
            raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wealth:
    """How the test stands.

    Attributes:
        logs: natural logarithm of the wealth of each drop's gambler.
        successes, failures: of the control, in the blocks that were played.
        control, canary: outcomes that wait for their block to be full, oldest first.
    """

    logs: tuple[float, ...]
    successes: int = 0
    failures: int = 0
    blocks: int = 0
    control: tuple[bool, ...] = ()
    canary: tuple[bool, ...] = ()

    @property
    def e(self) -> float:
        """Evidence against "the canary is not worse"; 1 at the start."""
        return evidence(self.logs)


def start(plan: Plan) -> Wealth:
    return Wealth(logs=(0.0,) * len(plan.drops))


def is_worse(wealth: Wealth, plan: Plan) -> bool:
    """Whether the evidence suffices to abort."""
    return wealth.e >= 1 / plan.alpha


def observe(wealth: Wealth, *, plan: Plan, control: tuple[bool, ...] = (), canary: tuple[bool, ...] = ()) -> Wealth:
    """After further outcomes, in the order in which their units were first exposed; `True` = good."""
    waiting = replace(wealth, control=wealth.control + control, canary=wealth.canary + canary)
    while len(waiting.control) >= plan.block and waiting.canary:
        waiting = _played(waiting, plan)
    return waiting


def _played(wealth: Wealth, plan: Plan) -> Wealth:
    """One block: the bet is made from what lies before it, then its outcomes are looked at."""
    good = sum(wealth.control[: plan.block])
    bad = plan.block - good
    likely = _within((plan.prior[0] + wealth.successes) / (sum(plan.prior) + wealth.successes + wealth.failures))
    logs = tuple(
        log + _log_ratio(likely, drop, good, bad, is_good=wealth.canary[0])
        for log, drop in zip(wealth.logs, plan.drops, strict=True)
    )
    return Wealth(
        logs=logs, successes=wealth.successes + good, failures=wealth.failures + bad, blocks=wealth.blocks + 1,
        control=wealth.control[plan.block :], canary=wealth.canary[1:],
    )  # fmt: skip


def _log_ratio(likely: float, drop: float, good: int, bad: int, *, is_good: bool) -> float:
    """Of the block under "the canary has dropped" to the block under "both are the same"."""
    dropped = _within(likely - drop)
    same = ((good + bad) * likely + dropped) / (good + bad + 1)
    told = dropped / same if is_good else (1 - dropped) / (1 - same)
    return good * math.log(likely / same) + bad * math.log((1 - likely) / (1 - same)) + math.log(told)


def _within(rate: float) -> float:
    return min(max(rate, _LEAST), 1 - _LEAST)
