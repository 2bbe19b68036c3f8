"""A figure of a question → whether it lies within the bounds that a sentence or row sets. Pure.

"Who approves 5,000 euros?" is answered by the row "up to 25,000 euros | head of department", which names another
figure. Called by `rag.answerability`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from rag.figures import Figure, figures

_UPPER = r"bis zu|bis unter|bis|höchstens|maximal|weniger als|unter|up to|at most|no more than|less than|below|under"
_LOWER = r"mehr als|über|oberhalb von|ab|mindestens|more than|above|over|at least|from|exceeding"
_BOUND = re.compile(
    rf"\b(?:(?P<upper>{_UPPER})|(?P<lower>{_LOWER}))\s+(?P<figure>(?:[€$£]\s?)?\d[\d.,'’]*(?:\s?(?:%|€|[^\W\d_]+))?)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Bound:
    """`value` in `unit`; an upper bound holds what is at most this, a lower one what is at least this."""

    value: Decimal
    unit: str
    is_upper: bool


def bounds(text: str, language: str) -> Iterator[Bound]:
    """Only figures with a unit: "up to 5" bounds anything."""
    for match in _BOUND.finditer(text):
        for figure in figures(match["figure"], language)[0]:
            if figure.kind == "number" and figure.unit is not None:
                yield Bound(Decimal(figure.value), figure.unit, match["upper"] is not None)


def fit(asked: Iterable[Figure], text: str, language: str) -> float | None:
    """How closely the text's bounds hold a figure that is asked about: 1.0 at the bound itself, less the farther away.

    0.0 if none of them holds it; `None` if the text has no bound in the unit of any.
    """
    compared = [
        _closeness(Decimal(figure.value), bound)
        for bound in bounds(text, language)
        for figure in asked
        if figure.kind == "number" and figure.unit == bound.unit
    ]
    return max(compared) if compared else None


def _closeness(value: Decimal, bound: Bound) -> float:
    holds = value <= bound.value if bound.is_upper else value >= bound.value
    if not holds or value <= 0 or bound.value <= 0:
        return 0.0
    return 1.0 / (1.0 + abs(math.log10(float(bound.value) / float(value))))
