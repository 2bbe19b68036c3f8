"""In-memory twins of the skin's ports. They keep the same promises as the real adapters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from rag.errors import Permanent, Refused, Temporary
from rag.types import Box, Principal


class MemoryKeys:
    """Tokens → principals, revocable."""

    def __init__(self, known: dict[str, Principal]) -> None:
        self.known = known
        self.fails_with: Exception | None = None

    async def verify(self, token: str, *, now: datetime) -> Principal:  # noqa: ARG002 - the port's shape
        if self.fails_with is not None:
            raise self.fails_with
        if token not in self.known:
            raise Refused("invalid_key", "Unknown key.")
        return self.known[token]


@dataclass
class MemoryBudget:
    """Reservations and what became of them, in US dollars."""

    reserved: dict[str, float] = field(default_factory=dict)
    settled: dict[str, float] = field(default_factory=dict)
    _purses: dict[str, tuple[str, str, str]] = field(default_factory=dict)

    async def reserve(
        self, *, tenant: str, use_case: str, amount_usd: float, limit_usd: float | None, now: datetime
    ) -> str:
        if not (math.isfinite(amount_usd) and amount_usd >= 0):
            raise Refused("price_unknown", "The price of this request is not known.")
        purse = (tenant, use_case, f"{now:%Y-%m}")
        of_purse = {name: amount for name, amount in self.reserved.items() if self._purses[name] == purse}
        taken = sum(self.settled.get(name, amount) for name, amount in of_purse.items())
        if limit_usd is not None and round((taken + amount_usd) * 1e6) > round(limit_usd * 1e6):
            raise Refused("budget_exhausted", "The budget of this month is used up.")
        name = f"reservation-{len(self.reserved)}"
        self.reserved[name], self._purses[name] = amount_usd, purse
        return name

    async def settle(self, reservation: str, *, actual_usd: float, now: datetime) -> None:  # noqa: ARG002
        self.settled.setdefault(reservation, actual_usd)


class CountedRateLimit:
    """So many requests per key, and never again."""

    def __init__(self, requests: int = 1_000_000) -> None:
        self.requests = requests
        self._seen: dict[str, int] = {}

    def admit(self, key: str, *, now: datetime) -> None:  # noqa: ARG002 - the port's shape
        self._seen[key] = self._seen.get(key, 0) + 1
        if self._seen[key] > self.requests:
            raise Temporary("rate_limited", "Too many requests.", after_s=17.2)


class PaintedPages:
    """Remembers what was to be painted over, and draws nothing."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, tuple[Box, ...]]] = []

    async def png(self, content: bytes, page: int, *, masked: Sequence[Box]) -> bytes:
        pages = content.count(b"/Type /Page") - content.count(b"/Type /Pages")
        if not content.startswith(b"%PDF") or not 1 <= page <= max(1, pages):
            raise Permanent("page_not_shown", "This page cannot be drawn.")
        self.asked.append((page, tuple(masked)))
        return b"\x89PNG\r\n\x1a\n"
