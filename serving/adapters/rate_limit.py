"""Requests per key, in this process. Port `RateLimit`: a token bucket that holds one minute's worth.

Each API process counts for itself: behind several, the limit is per process.
"""

from __future__ import annotations

from datetime import datetime

from rag.errors import Temporary

_MANY = 10_000
"""Buckets kept before the full ones are dropped: a full bucket and none are the same."""


class MemoryRateLimit:
    """See `serving.ports.RateLimit`. `per_minute`: as many at once, then one every `60 / per_minute` seconds."""

    def __init__(self, per_minute: int) -> None:
        self._size = float(per_minute)
        self._buckets: dict[str, tuple[float, datetime]] = {}

    def admit(self, key: str, *, now: datetime) -> None:
        """Takes one token. Raises `Temporary("rate_limited")` with the seconds until there is one."""
        left = self._left(key, now)
        if left < 1:
            self._buckets[key] = (left, now)  # also the time: a clock that was set back must not lock the key out
            after_s = (1 - left) * 60 / self._size
            raise Temporary(
                "rate_limited", "Too many requests with this key.", hint="Wait, then try again.", after_s=after_s
            )
        self._buckets[key] = (left - 1, now)
        if len(self._buckets) > _MANY:
            self._buckets = {k: v for k, v in self._buckets.items() if self._left(k, now) < self._size}

    def _left(self, key: str, now: datetime) -> float:
        tokens, at = self._buckets.get(key, (self._size, now))
        passed_s = max(0.0, (now - at).total_seconds())
        return min(self._size, tokens + passed_s * self._size / 60)
