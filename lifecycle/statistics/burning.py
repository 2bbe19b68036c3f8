"""Acute breakage: no statistics, two rules that need no waiting. They look at requests, not at units.

Burn rate over two windows: see "Alerting on SLOs" in *The Site Reliability Workbook* (Google, 2018), chapter 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Requests of the last `seconds` and how many of them failed."""

    seconds: float
    requests: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When a release is broken.

    Attributes:
        budget: share of requests that may fail in the long run.
        rate: times the budget that both windows must burn: the long one says that it matters, the short one that it lasts.
        least: requests in the long window below which a rate says nothing.
        in_a_row: hard failures, one after the other, that need no rate.
    """

    budget: float = 0.01
    rate: float = 14.4
    least: int = 20
    in_a_row: int = 5


def is_burning(long: Window, short: Window, limits: Limits) -> bool:
    """Whether both windows burn the budget of errors too fast."""
    if long.requests < limits.least or short.requests == 0:
        return False
    threshold = min(limits.rate * limits.budget, 1.0)
    return all(window.failed / window.requests >= threshold for window in (long, short))


def is_down(latest: Sequence[bool], limits: Limits) -> bool:
    """Whether the last requests failed one after the other. `latest`: in their order, `True` = answered."""
    return len(latest) >= limits.in_a_row and not any(latest[-limits.in_a_row :])
