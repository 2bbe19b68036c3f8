"""One pause for all who ask an endpoint with limits; the waiting is bounded, and told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from state_values import NOON

from rag.adapters.embedders.hashing import HashEmbedder
from rag.adapters.embedders.limited import LimitedEmbedder
from rag.errors import Temporary
from rag.testing import MemoryPauses
from rag.types import Vectors


class Upstream(HashEmbedder):
    """Sends away so often."""

    def __init__(self, *limits_s: float) -> None:
        super().__init__()
        self.limits_s = list(limits_s)
        self.asked_at: list[datetime] = []

    async def embed(self, texts: Sequence[str]) -> Vectors:
        self.asked_at.append(World.now)
        if self.limits_s:
            raise Temporary("embedder_limited", "Enough.", after_s=self.limits_s.pop(0))
        return await super().embed(texts)


class World:
    """A clock that sleeping moves."""

    now = NOON

    @classmethod
    async def sleep(cls, seconds: float) -> None:
        cls.now += timedelta(seconds=seconds)


@pytest.fixture(autouse=True)
def _noon() -> None:
    World.now = NOON


def limited(
    upstream: Upstream, pauses: MemoryPauses, *, patience_s: float = 30, behind_s: tuple[float, float] = (1, 4)
) -> LimitedEmbedder:
    return LimitedEmbedder(
        upstream,
        pauses,
        upstream="u",
        patience_s=patience_s,
        behind_s=behind_s,
        clock=lambda: World.now,
        sleep=World.sleep,
    )


async def test_nobody_sends_before_the_pause_ends() -> None:
    """Whoever was told, everybody waits; questions go on at its end, ingest after them."""
    pauses, upstream = MemoryPauses(), Upstream(10)
    assert (await limited(upstream, pauses).embed(["a"])).shape[0] == 1
    assert upstream.asked_at[0] == NOON
    assert timedelta(seconds=11) <= upstream.asked_at[1] - NOON <= timedelta(seconds=14)
    await pauses.pause("u", World.now + timedelta(seconds=5))
    ends = World.now + timedelta(seconds=5)
    await limited(upstream, pauses, behind_s=(0, 0.2)).embed(["a question"])
    assert ends <= upstream.asked_at[2] <= ends + timedelta(seconds=0.2)


async def test_a_pause_beyond_ones_patience_is_told_at_once() -> None:
    """With the hour at which it ends; the endpoint is not asked, and nothing is waited for in vain."""
    pauses, upstream = MemoryPauses(), Upstream()
    await pauses.pause("u", NOON + timedelta(minutes=5))
    with pytest.raises(Temporary) as caught:
        await limited(upstream, pauses).embed(["a"])
    assert caught.value.code == "embedder_limited"
    assert f"until {NOON + timedelta(minutes=5):%H:%M:%S} UTC" in caught.value.message
    assert 300 < caught.value.after_s < 305
    assert (upstream.asked_at, World.now) == ([], NOON)


async def test_the_patience_is_for_all_pauses_together() -> None:
    """An endpoint that sends away again and again is not waited for without end."""
    upstream = Upstream(*[10.0] * 99)
    with pytest.raises(Temporary):
        await limited(upstream, MemoryPauses()).embed(["a"])
    assert len(upstream.asked_at) == 3
    assert World.now - NOON <= timedelta(seconds=30)


async def test_no_texts_ask_nobody() -> None:
    """An empty batch waits for nothing."""
    pauses = MemoryPauses()
    await pauses.pause("u", NOON + timedelta(hours=1))
    assert (await limited(Upstream(), pauses).embed([])).shape[0] == 0


async def test_other_trouble_is_no_pause() -> None:
    """A dead endpoint is retried by others, at their pace."""

    class Dead(HashEmbedder):
        async def embed(self, texts: Sequence[str]) -> Vectors:
            raise Temporary("embedder_unavailable", "Dead.")

    pauses = MemoryPauses()
    made = LimitedEmbedder(Dead(), pauses, upstream="u", patience_s=30, behind_s=(0, 0), clock=lambda: World.now)
    with pytest.raises(Temporary):
        await made.embed(["a"])
    assert await pauses.until("u") is None
