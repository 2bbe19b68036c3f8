"""Wraps an embedder behind an endpoint with limits, which all processes share: a pause that one is told holds for all.

Questions come before ingest: they go on at the end of a pause, ingest a moment later and each of its processes at another.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta

from rag.adapters.embedders.wrapping import WrappingEmbedder
from rag.errors import Temporary
from rag.ports import Embedder, Pauses
from rag.types import Vectors, now


class LimitedEmbedder(WrappingEmbedder):
    """Port `Embedder`. Nobody who asks here before a pause ends sends anything.

    Args:
        upstream: whose limits these are; the same word in every process.
        patience_s: how long one call waits at most, over all pauses, before it raises `Temporary("embedder_limited")`.
        behind_s: how long after the end of a pause this one goes on, at the earliest and at the latest.
    """

    def __init__(
        self, embedder: Embedder, pauses: Pauses, *, upstream: str, patience_s: float, behind_s: tuple[float, float],
        clock: Callable[[], datetime] = now, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:  # fmt: skip
        super().__init__(embedder)
        self._pauses, self._upstream = pauses, upstream
        self._patience_s, self._behind_s, self._clock, self._sleep = patience_s, behind_s, clock, sleep

    async def embed(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return await self._embedder.embed(texts)
        left_s = self._patience_s
        while True:
            left_s = await self._waited(left_s)
            try:
                return await self._embedder.embed(texts)
            except Temporary as error:
                if error.code != "embedder_limited":
                    raise
                await self._pauses.pause(self._upstream, self._clock() + timedelta(seconds=error.after_s))

    async def _waited(self, left_s: float) -> float:
        """Until no pause holds; what is left of the patience. Another may have been told a longer pause meanwhile."""
        while (until := await self._pauses.until(self._upstream)) is not None and until > self._clock():
            wait_s = (until - self._clock()).total_seconds() + random.uniform(*self._behind_s)  # noqa: S311 - to be apart, not secret
            if wait_s > left_s:
                raise Temporary(
                    "embedder_limited", f"The embedding endpoint is limited until {until:%H:%M:%S} UTC.",
                    hint="Nothing has to be done: it goes on by itself. If it happens often, ask for a higher limit.",
                    after_s=wait_s,
                )  # fmt: skip
            await self._sleep(wait_s)
            left_s -= wait_s
        return left_s
