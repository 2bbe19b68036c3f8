"""Logarithms of wealth → evidence. Used by every e-process here."""

from __future__ import annotations

import math
from collections.abc import Sequence

_LARGEST_LOG = 700.0
"""Beyond it a float cannot hold the wealth itself."""


def evidence(logs: Sequence[float]) -> float:
    """The mean wealth of several gamblers; infinite where it is beyond all measure."""
    return math.inf if max(logs) > _LARGEST_LOG else math.fsum(map(math.exp, logs)) / len(logs)
