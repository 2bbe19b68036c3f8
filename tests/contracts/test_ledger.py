"""What every ledger promises."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from state_values import NOON, entry, receipt, sighting, zone

from rag.adapters.database.engine import Database
from rag.adapters.database.ledger import DatabaseLedger
from rag.errors import Permanent
from rag.ports import Ledger
from rag.testing import MemoryLedger
from rag.types import State


class LedgerContract:
    """Subclass with a fixture `ledger`."""

    async def test_a_zone_comes_back_as_it_was_added(self, ledger: Ledger) -> None:
        """Every field of a zone survives."""
        await ledger.add_zone(zone("b"))
        await ledger.add_zone(zone("a"))
        assert await ledger.zones() == [zone("a"), zone("b")]

    async def test_adding_a_zone_again_overwrites_it(self, ledger: Ledger) -> None:
        """A changed zone file is a changed zone, not a second one."""
        await ledger.add_zone(zone())
        changed = replace(
            zone(),
            url="s3://elsewhere",
            readers=frozenset(),
            valid_from=None,
            deletion_limit=0.5,
            fixed=frozenset({"owner"}),
        )
        await ledger.add_zone(changed)
        assert await ledger.zones() == [changed]

    async def test_a_held_zone_is_published_once_and_for_all(self, ledger: Ledger) -> None:
        """Whatever its settings become meanwhile: only publishing ends it, and nothing but a removal begins it anew."""
        held = replace(zone(), held=True)
        await ledger.add_zone(held)
        await ledger.add_zone(replace(zone(), owner="else"))
        assert await ledger.zones() == [replace(held, owner="else")]
        for name in (zone().name, zone().name, "nobody's"):
            await ledger.publish_zone(name)
        await ledger.add_zone(held)
        assert await ledger.zones() == [zone()]
        await ledger.remove_zone(zone().name)
        await ledger.add_zone(held)
        assert await ledger.zones() == [held]

    async def test_a_zone_never_changes_hands(self, ledger: Ledger) -> None:
        """The tenant is part of every document's identity: what was indexed for the old one would stay his for ever."""
        await ledger.add_zone(zone())
        with pytest.raises(Permanent, match=r"belongs to the tenant aurelia.*zone remove"):
            await ledger.add_zone(replace(zone(), tenant="other"))
        assert await ledger.zones() == [zone()]

    async def test_a_removed_zone_is_forgotten_with_all_its_places(self, ledger: Ledger) -> None:
        """And no other; the name is free for anybody then."""
        for name in ("eins", "zwei"):
            await ledger.add_zone(zone(name))
            await ledger.record(entry(receipt("x", zone=name)))
        await ledger.remove_zone("eins")
        await ledger.remove_zone("eins")
        assert [known.name for known in await ledger.zones()] == ["zwei"]
        assert await ledger.entries("eins") == {}
        assert set(await ledger.entries("zwei")) == {"x"}
        await ledger.add_zone(replace(zone("eins"), tenant="other"))

    async def test_an_entry_comes_back_as_it_was_recorded(self, ledger: Ledger) -> None:
        """A sweep can tell an unchanged file by what it gets back, and a status since when a file waits."""
        await ledger.record(entry())
        assert await ledger.entries("handbuch") == {"a/größe.pdf": entry()}

    async def test_some_places_can_be_asked_for(self, ledger: Ledger) -> None:
        """By path; what is not known is not in the answer, and for none there is none."""
        for path in ("a", "b", "c"):
            await ledger.record(entry(receipt(path)))
        assert set(await ledger.entries("handbuch", frozenset({"c", "a", "never"}))) == {"a", "c"}
        assert await ledger.entries("handbuch", frozenset()) == {}

    async def test_what_one_pipeline_made_counts_as_made_by_another(self, ledger: Ledger) -> None:
        """In this zone, and only what that one made."""
        made = replace(entry(), fingerprint="blue")
        other = replace(entry(receipt("other")), sighting=sighting("other"), fingerprint="older")
        for one in (made, other):
            await ledger.record(one)
        await ledger.refingerprint("elsewhere", "blue", "green")
        await ledger.refingerprint("handbuch", "blue", "green")
        known = await ledger.entries("handbuch")
        assert {path: one.fingerprint for path, one in known.items()} == {"a/größe.pdf": "green", "other": "older"}

    async def test_the_last_entry_of_a_place_counts(self, ledger: Ledger) -> None:
        """Identity is the place: a new version overwrites the row."""
        await ledger.record(entry())
        broken = receipt(
            state=State.quarantined, version=None, code="broken", reason="Kaputt.", hint="Neu senden.", counts={}
        )
        last = entry(
            broken, fingerprint="f2", sighting=replace(sighting(), size=0, etag="e2"), attempts=2,
            recorded_at=NOON + timedelta(hours=1),
        )  # fmt: skip
        await ledger.record(last)
        assert await ledger.entries("handbuch") == {"a/größe.pdf": last}

    async def test_zones_do_not_see_each_other(self, ledger: Ledger) -> None:
        """The same path in two zones is two documents."""
        for name in ("eins", "zwei"):
            await ledger.record(entry(receipt("x", zone=name), fingerprint=name, sighting=sighting("x", zone=name)))
        await ledger.mark_missing("eins", frozenset({"x"}))
        assert set(await ledger.entries("eins")) == {"x"}
        assert (await ledger.entries("zwei"))["x"].fingerprint == "zwei"
        assert (await ledger.entries("zwei"))["x"].missing_since is None
        assert await ledger.entries("drei") == {}

    async def test_what_is_missing_is_marked_once_and_unmarked_when_it_is_back(self, ledger: Ledger) -> None:
        """The instant is that of the first sweep that missed it; a path that nobody knows is nobody's."""
        for path in ("x", "y"):
            await ledger.record(entry(receipt(path), sighting=sighting(path)))
        await ledger.mark_missing("handbuch", frozenset({"x", "unknown"}))
        first = (await ledger.entries("handbuch"))["x"].missing_since
        await ledger.mark_missing("handbuch", frozenset({"x", "y"}))
        both = await ledger.entries("handbuch")
        assert first is not None
        assert both["x"].missing_since == first
        assert (both["y"].missing_since or first) > first
        await ledger.mark_missing("handbuch", frozenset({"y"}))
        last = await ledger.entries("handbuch")
        assert (last["x"].missing_since, last["y"].missing_since) == (None, both["y"].missing_since)
        assert set(last) == {"x", "y"}

    async def test_a_place_remembers_since_when_it_is_what_it_is(self, ledger: Ledger) -> None:
        """Waiting again is not waiting anew; only other bytes are a change; what comes back is new."""
        at = [NOON + timedelta(hours=hour) for hour in range(9)]
        steps = [
            (State.discovered, None, (at[0], at[0], at[0], None)),
            (State.discovered, None, (at[0], at[0], at[0], None)),
            (State.indexed, "v1", (at[0], at[0], at[2], "v1")),
            (State.indexed, "v1", (at[0], at[0], at[2], "v1")),
            (State.discovered, None, (at[0], at[0], at[4], "v1")),
            (State.indexed, "v1", (at[0], at[0], at[5], "v1")),
            (State.indexed, "v2", (at[0], at[6], at[5], "v2")),
            (State.deleted, "v2", (at[0], at[6], at[7], "v2")),
            (State.indexed, "v2", (at[8], at[8], at[8], "v2")),
        ]
        for hour, (state, version, expected) in enumerate(steps):
            await ledger.record(entry(receipt(state=state, version=version), recorded_at=at[hour]))
            history = (await ledger.entries("handbuch"))["a/größe.pdf"].history
            assert history is not None
            assert (history.added_at, history.changed_at, history.since, history.version) == expected, hour


class TestMemoryLedger(LedgerContract):
    @pytest.fixture
    def ledger(self) -> Ledger:
        return MemoryLedger()


class TestDatabaseLedger(LedgerContract):
    @pytest.fixture
    def ledger(self, database: Database) -> DatabaseLedger:
        return DatabaseLedger(database)
