"""Does the candidate lose? The same request answered by both, watched while pairs come.

Only discordant pairs tell anything: one answer was right and the other was not. If the candidate is no worse, it loses at
most half of them. The e-process is a mixture of likelihood ratios against a fair coin (Howard et al., arXiv 1810.08240).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from lifecycle.statistics.wealth import evidence

LOSING = (0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
"""Shares of lost pairs that are bet on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """How the comparison stands: counts are all it needs, so nothing else is kept.

    Attributes:
        lost, won: discordant pairs in which the candidate was the worse, the better one.
        same: pairs in which both were right or both wrong.
    """

    lost: int = 0
    won: int = 0
    same: int = 0

    @property
    def e(self) -> float:
        """Evidence against "the candidate loses no more often than it wins"; 1 at the start."""
        logs = [self.lost * math.log(2 * share) + self.won * math.log(2 * (1 - share)) for share in LOSING]
        return evidence(logs)

    @property
    def net_loss(self) -> float:
        """Share of all pairs lost, less the share won; 0 before the first."""
        return (self.lost - self.won) / max(1, self.lost + self.won + self.same)

    def after(self, *, live: bool, candidate: bool) -> Pairs:
        """After one more pair; `True` = the answer was right."""
        if live == candidate:
            return Pairs(lost=self.lost, won=self.won, same=self.same + 1)
        return Pairs(lost=self.lost + live, won=self.won + candidate, same=self.same)


def is_losing(pairs: Pairs, *, alpha: float) -> bool:
    """Whether the evidence suffices to reject the candidate."""
    return pairs.e >= 1 / alpha
