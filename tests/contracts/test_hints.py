"""What every store of hints promises."""

from __future__ import annotations

import asyncio

import pytest

from rag.adapters.database.engine import Database
from rag.adapters.database.hints import DatabaseHints
from rag.ports import Hints
from rag.testing import MemoryHints

AB = frozenset({"a", "Zürich & <Söhne>"})


class HintsContract:
    """Subclass with a fixture `hints`."""

    async def test_each_hint_is_given_once(self, hints: Hints) -> None:
        """Told twice is told once; taken is gone; none is none."""
        assert await hints.take() == frozenset()
        await hints.tell(AB)
        await hints.tell(AB)
        await hints.tell(frozenset())
        assert await hints.take() == AB
        assert await hints.take() == frozenset()

    async def test_none_is_lost_between_many_who_tell_and_take(self, hints: Hints) -> None:
        """Whatever their order, each name comes out, and nothing else."""
        taken: set[str] = set()

        async def take() -> None:
            taken.update(await hints.take())

        names = [frozenset({f"zone-{n}", "shared"}) for n in range(30)]
        await asyncio.gather(*(hints.tell(name) for name in names), *(take() for _ in range(10)))
        await take()
        assert taken == frozenset().union(*names)


class TestMemoryHints(HintsContract):
    @pytest.fixture
    def hints(self) -> Hints:
        return MemoryHints()


class TestDatabaseHints(HintsContract):
    @pytest.fixture
    def hints(self, database: Database) -> Hints:
        return DatabaseHints(database)
