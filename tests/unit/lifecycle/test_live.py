"""What answers now: fresh within a second, and alive without its store."""

from __future__ import annotations

import asyncio

import pytest
from state_values import NOON, recipe

from lifecycle import releases
from lifecycle.adapters.database_releases import DatabaseReleases
from lifecycle.live import LiveReleases
from lifecycle.types import Pointer, Release
from rag.adapters.database.engine import Database
from rag.errors import Permanent, Temporary

WHO = {"actor": "mia", "at": NOON}


class Switch:
    """A store that can be switched off, and counts how often it was asked."""

    def __init__(self, store: DatabaseReleases) -> None:
        self._store = store
        self.is_off = False
        self.asked = 0

    async def pointer(self, use_case: str) -> Pointer | None:
        self.asked += 1
        await asyncio.sleep(0)
        if self.is_off:
            raise Temporary("database.unavailable", "The database cannot be reached.")
        return await self._store.pointer(use_case)

    async def release(self, name: str) -> Release:
        return await self._store.release(name)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def scene(database: Database) -> tuple[DatabaseReleases, Switch, Clock, LiveReleases]:
    store, clock = DatabaseReleases(database), Clock()
    switch = Switch(store)
    await releases.ensure_first_release(recipe(1), store=store, at=NOON)
    return store, switch, clock, LiveReleases(switch, clock=clock)  # type: ignore[arg-type]


async def test_a_promotion_is_seen_within_a_second(scene) -> None:
    """Not before the second is over: the store is asked once a second, not once a request."""
    store, switch, clock, live = scene
    for _ in range(100):
        assert (await live.live("assistant")).release == "assistant-1"
    assert switch.asked == 1
    made = await releases.create(recipe(2), store=store, **WHO)
    await releases.promote(made.name, store=store, unevaluated=True, **WHO)
    clock.now = 0.99
    assert (await live.live("assistant")).release == "assistant-1"
    clock.now = 1.0
    now = await live.live("assistant")
    assert (now.release, now.epoch, now.recipe) == ("assistant-2", 2, recipe(2))


async def test_many_requests_at_the_second_ask_once(scene) -> None:
    """The others take what is known meanwhile."""
    _, switch, clock, live = scene
    await live.live("assistant")
    clock.now = 5.0
    await asyncio.gather(*(live.live("assistant") for _ in range(50)))
    assert switch.asked == 2


async def test_the_last_known_good_answers_while_the_store_is_down(scene) -> None:
    """With an alarm, which ends when the store is back."""
    _, switch, clock, live = scene
    await live.live("assistant")
    switch.is_off, clock.now = True, 10.0
    assert (await live.live("assistant")).release == "assistant-1"
    assert live.alarm is not None
    switch.is_off, clock.now = False, 20.0
    await live.live("assistant")
    assert live.alarm is None


async def test_a_store_that_was_never_there_is_said_so(scene) -> None:
    """There is nothing to fall back on, and the next request asks again."""
    _, switch, _, live = scene
    switch.is_off = True
    with pytest.raises(Temporary):
        await live.live("assistant")
    switch.is_off = False
    assert (await live.live("assistant")).release == "assistant-1"


async def test_a_use_case_without_a_release_is_said_so(scene) -> None:
    """It has no recipe, so nothing answers."""
    with pytest.raises(Permanent) as error:
        await scene[3].live("hr")
    assert error.value.code == "release.none"
