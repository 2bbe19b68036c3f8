"""What an upstream that has enough says in its headers → seconds to stay away. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

SHORTEST_S, LONGEST_S = 1.0, 3600.0
"""Nobody has to come back at once, and nobody may be sent away for good."""
USUAL_S = 10.0
"""Where an upstream does not say it, or says rubbish."""


def seconds(headers: Mapping[str, str], *, at: datetime) -> float:
    """Of `Retry-After` as a number or a date, or of Azure's `retry-after-ms`. `headers`: names in lower case, or any case."""
    if (milliseconds := _number(headers.get("retry-after-ms"))) is not None:
        return _bounded(milliseconds / 1000)
    said = headers.get("retry-after")
    if (number := _number(said)) is not None:
        return _bounded(number)
    try:
        until = parsedate_to_datetime(said or "")
    except (ValueError, OverflowError):
        return USUAL_S
    return _bounded(((until if until.tzinfo else until.replace(tzinfo=UTC)) - at).total_seconds())


def _number(said: str | None) -> float | None:
    try:
        number = float(said or "")
    except ValueError:
        return None
    return None if math.isnan(number) else number


def _bounded(wanted: float) -> float:
    return min(max(wanted, SHORTEST_S), LONGEST_S)
