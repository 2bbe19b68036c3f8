"""What every release store promises, driven through the functions that decide."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text
from state_values import NOON, recipe

from lifecycle import releases
from lifecycle.adapters.database_releases import DatabaseReleases
from lifecycle.ports import ReleaseStore
from lifecycle.stages import Stage
from rag.adapters.database.audit import DatabaseAudit
from rag.adapters.database.engine import Database
from rag.errors import Permanent, Refused

WHO = {"actor": "mia", "at": NOON}


async def live_one(store: ReleaseStore, number: int = 1) -> str:
    """An evaluated release of recipe `number`, promoted."""
    made = await releases.create(recipe(number), store=store, **WHO)
    await releases.evaluated(made.name, store=store, **WHO)
    await releases.promote(made.name, store=store, **WHO)
    return made.name


class ReleaseStoreContract:
    """Subclass with a fixture `store`."""

    async def test_a_release_comes_back_with_its_recipe(self, store: ReleaseStore) -> None:
        """The whole recipe, template included, hash for hash."""
        made = await releases.create(recipe(), store=store, note="Erster Versuch.", **WHO)
        assert (made.name, made.stage, made.recipe) == ("assistant-1", Stage.draft, recipe())
        assert await store.release("assistant-1") == made

    async def test_the_same_recipe_twice_is_one_release(self, store: ReleaseStore) -> None:
        """Creating is idempotent; another recipe gets the next number."""
        first = await releases.create(recipe(1), store=store, **WHO)
        assert await releases.create(recipe(1), store=store, actor="jo", at=NOON + timedelta(days=1)) == first
        assert (await releases.create(recipe(2), store=store, **WHO)).name == "assistant-2"
        assert (await releases.create(recipe(1, use_case="hr"), store=store, **WHO)).name == "hr-1"
        assert [r.name for r in await store.releases("assistant")] == ["assistant-1", "assistant-2"]
        assert len(await store.releases()) == 3

    async def test_an_unknown_release_is_said_so(self, store: ReleaseStore) -> None:
        """A misspelt name changes nothing."""
        with pytest.raises(Permanent) as error:
            await releases.promote("assistant-9", store=store, **WHO)
        assert error.value.code == "release.unknown"

    async def test_promotion_moves_the_pointer_and_retires_the_last(self, store: ReleaseStore) -> None:
        """At most one release is in production, and the epoch rises."""
        first, second = await live_one(store, 1), await live_one(store, 2)
        pointer = await store.pointer("assistant")
        assert pointer is not None
        assert (pointer.release, pointer.epoch) == (second, 2)
        assert (await store.release(first)).stage is Stage.retired
        assert (await store.release(second)).stage is Stage.production

    async def test_a_draft_is_not_promoted_by_chance(self, store: ReleaseStore) -> None:
        """Missing evidence is no pass; who means it says so, and the history keeps it."""
        draft = await releases.create(recipe(), store=store, **WHO)
        with pytest.raises(Refused) as refused:
            await releases.promote(draft.name, store=store, **WHO)
        assert refused.value.code == "release.stage"
        assert await store.pointer("assistant") is None
        await releases.promote(draft.name, store=store, unevaluated=True, **WHO)
        assert [m.move.value for m in await store.history("assistant")] == ["promote_unevaluated"]

    async def test_rollback_goes_to_the_last_good_one(self, store: ReleaseStore) -> None:
        """Twice in a row goes back twice, never to what was itself taken back, and ends with a clear no."""
        first, second, third = [await live_one(store, n) for n in (1, 2, 3)]
        back = await releases.roll_back("assistant", store=store, reason="falsche Belege", **WHO)
        assert (back.release, back.epoch) == (second, 4)
        assert (await store.release(third)).stage is Stage.rolled_back
        assert (await releases.roll_back("assistant", store=store, **WHO)).release == first
        with pytest.raises(Refused) as refused:
            await releases.roll_back("assistant", store=store, **WHO)
        assert refused.value.code == "release.nothing_before"
        assert (await store.pointer("assistant")).release == first  # type: ignore[union-attr]

    async def test_rollback_to_a_named_release(self, store: ReleaseStore) -> None:
        """Only to one of the same use case that has been live."""
        first, _, _ = [await live_one(store, n) for n in (1, 2, 3)]
        other = await releases.create(recipe(use_case="hr"), store=store, **WHO)
        draft = await releases.create(recipe(4), store=store, **WHO)
        for wrong in (other.name, draft.name):
            with pytest.raises(Refused):
                await releases.roll_back("assistant", store=store, to=wrong, **WHO)
        assert (await releases.roll_back("assistant", store=store, to=first, **WHO)).release == first

    async def test_one_of_several_promotions_at_once_wins(self, store: ReleaseStore) -> None:
        """The others are told; nothing is half done."""
        await live_one(store, 1)
        names = []
        for number in range(2, 7):
            made = await releases.create(recipe(number), store=store, **WHO)
            names.append((await releases.evaluated(made.name, store=store, **WHO)).name)
        pointer = await store.pointer("assistant")
        changes = []
        for name in names:  # all decided on the same epoch
            probe = _Recorder(store)
            with pytest.raises(_Recorded):
                await releases.promote(name, store=probe, **WHO)  # type: ignore[arg-type]
            changes.append(probe.change)
        assert {c.expected_epoch for c in changes} == {pointer.epoch}  # type: ignore[union-attr]
        results = await asyncio.gather(*(store.apply(change) for change in changes), return_exceptions=True)
        assert sum(isinstance(r, Refused) and r.code == "release.moved" for r in results) == 4
        assert [r for r in results if isinstance(r, int)] == [2]
        stages = [r.stage for r in await store.releases("assistant")]
        assert stages.count(Stage.production) == 1
        assert stages.count(Stage.evaluated) == 4

    async def test_a_first_start_in_many_processes_makes_one_release(self, store: ReleaseStore) -> None:
        """Serving always finds one live, and a later start changes nothing."""
        pointers = await asyncio.gather(
            *(releases.ensure_first_release(recipe(), store=store, at=NOON) for _ in range(6))
        )
        assert {(p.release, p.epoch) for p in pointers} == {("assistant-1", 1)}
        later = await releases.ensure_first_release(recipe(2), store=store, at=NOON)
        assert later == pointers[0]
        assert len(await store.releases()) == 1

    async def test_the_past_can_be_asked(self, store: ReleaseStore) -> None:
        """What was live in March, and who made it so."""
        for number in (1, 2):
            made = await releases.create(recipe(number), store=store, **WHO)
            at = NOON + timedelta(days=number)
            await releases.promote(made.name, store=store, actor=f"mia{number}", at=at, reason="weil", unevaluated=True)
        assert await releases.live_at("assistant", NOON, store=store) is None
        assert await releases.live_at("assistant", NOON + timedelta(days=1, hours=1), store=store) == "assistant-1"
        assert await releases.live_at("assistant", NOON + timedelta(days=9), store=store) == "assistant-2"
        last = (await store.history("assistant"))[-1]
        assert (last.actor, last.before, last.reason, last.epoch) == ("mia2", "assistant-1", "weil", 2)

    async def test_a_rejected_release_stays_out(self, store: ReleaseStore) -> None:
        """It cannot be promoted by any road."""
        made = await releases.create(recipe(), store=store, **WHO)
        await releases.reject(made.name, store=store, **WHO)
        for unevaluated in (False, True):
            with pytest.raises(Refused):
                await releases.promote(made.name, store=store, unevaluated=unevaluated, **WHO)


class TestDatabaseReleases(ReleaseStoreContract):
    @pytest.fixture
    def store(self, database: Database) -> DatabaseReleases:
        return DatabaseReleases(database)

    async def test_every_change_is_on_record(self, store: DatabaseReleases, database: Database) -> None:
        """One audit row per act, chained, without the operator's free words."""
        await live_one(store, 1)
        await live_one(store, 2)
        await releases.roll_back("assistant", store=store, reason="streng geheim", **WHO)
        audit = DatabaseAudit(database)
        rows = list(reversed(await audit.rows()))
        assert [row.action.removeprefix("release.") for row in rows] == [
            "create", "evaluate", "promote", "create", "evaluate", "promote", "roll_back",
        ]  # fmt: skip
        assert rows[-1].facts == {
            "use_case": "assistant",
            "release": "assistant-1",
            "before": "assistant-2",
            "epoch": 3,
            "stages": {"assistant-1": ["retired", "production"], "assistant-2": ["production", "rolled_back"]},
        }
        assert (await audit.verify()).ok
        assert "geheim" not in str(rows)

    async def test_a_change_that_is_not_recorded_does_not_happen(
        self, store: DatabaseReleases, database: Database
    ) -> None:
        """No record, no move: both are one transaction."""
        first = await live_one(store, 1)
        second = await releases.create(recipe(2), store=store, **WHO)
        async with database.write() as connection:
            await connection.execute(text("DELETE FROM audit_head"))
        with pytest.raises(Permanent):
            await releases.promote(second.name, store=store, unevaluated=True, **WHO)
        pointer = await store.pointer("assistant")
        assert pointer is not None
        assert (pointer.release, (await store.release(second.name)).stage) == (first, Stage.draft)

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE recipes SET content = replace(content, 'rules-1', 'rules-2')",
            "UPDATE prompts SET template = template || ' Erfinde Belege.'",
        ],
    )
    async def test_a_recipe_that_was_changed_is_not_served(
        self, store: DatabaseReleases, database: Database, statement: str
    ) -> None:
        """What answers is what was released, or nothing."""
        name = await live_one(store)
        async with database.write() as connection:
            await connection.execute(text(statement))
        with pytest.raises(Permanent) as error:
            await store.release(name)
        assert error.value.code == "recipe.changed"

    async def test_a_prompt_version_has_one_text(self, store: DatabaseReleases) -> None:
        """Two texts under one version would make a recipe's name a lie."""
        await releases.create(recipe(1), store=store, **WHO)
        other = recipe(1, use_case="hr")
        forged = replace(other, prompt=replace(recipe(1).prompt, template="Ein anderer Text."))
        with pytest.raises(Permanent) as error:
            await releases.create(forged, store=store, **WHO)
        assert error.value.code == "prompt.changed"


class _Recorded(Exception):  # no error, a way out
    """Stops a decision just before it would be applied."""


class _Recorder:
    """A store that shows the change instead of applying it."""

    def __init__(self, store: ReleaseStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    async def apply(self, change: object) -> int:
        self.change = change
        raise _Recorded
