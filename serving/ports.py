"""What the skin needs beside the chain: keys, budgets, rates, pictures of pages. Adapters live in `serving/adapters/`.

"Down means" tells what the caller sees when the thing behind the port is unreachable.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from rag.types import Box, Principal


class Keys(Protocol):
    """Bearer tokens → principals. Down means refuse: there is no default principal."""

    async def verify(self, token: str, *, now: datetime) -> Principal:
        """Raises `Refused("invalid_key")` for an unknown, malformed, expired or revoked key, in constant time."""
        ...


class Budget(Protocol):
    """Money per tenant, use case and calendar month. Reserved before, settled after, atomically. Down means refuse."""

    async def reserve(
        self, *, tenant: str, use_case: str, amount_usd: float, limit_usd: float | None, now: datetime
    ) -> str:
        """Sets `amount_usd` aside and returns the reservation's id. Raises `Refused("budget_exhausted")`."""
        ...

    async def settle(self, reservation: str, *, actual_usd: float, now: datetime) -> None:
        """Replaces the reserved amount by what was really spent. Settling twice changes nothing."""
        ...


class RateLimit(Protocol):
    """Requests per key and minute."""

    def admit(self, key: str, *, now: datetime) -> None:
        """Raises `Temporary("rate_limited")` with `after_s` once the key has used its minute up."""
        ...


class PageImages(Protocol):
    """Draws one page of a PDF."""

    async def png(self, content: bytes, page: int, *, masked: Sequence[Box]) -> bytes:
        """Page `page` (1-based) with `masked` painted over. Raises `Permanent` if there is no such page."""
        ...
