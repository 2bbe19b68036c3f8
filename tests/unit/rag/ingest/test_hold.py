"""A held zone: nobody reads it, and nobody lets it go without a record."""

from __future__ import annotations

from dataclasses import replace

import pytest
from state_values import zone

from rag.errors import Permanent, Refused
from rag.ingest.hold import publish, require_published
from rag.ingest.standing import zone_status
from rag.testing import MemoryAudit, MemoryLedger
from rag.types import SweepProgress, now

HELD = replace(zone(), held=True)


async def test_letting_go_is_on_record_before_it_counts() -> None:
    """Who, when, which zone; no owner's name and no address."""
    ledger, audit = MemoryLedger(HELD), MemoryAudit()
    made = await publish(HELD, by=" A. Weber ", ledger=ledger, audit=audit)
    assert await ledger.zones() == [zone()]
    (row,) = audit.rows
    assert (row.actor, row.tenant, row.action, row.at) == ("A. Weber", "aurelia", "zone.publish", made.at)
    assert set(row.facts) == {"zone", "classification"}


async def test_without_a_record_the_zone_stays_held() -> None:
    """The audit log is asked first."""
    ledger, audit = MemoryLedger(HELD), MemoryAudit()
    audit.full = True
    with pytest.raises(Refused):
        await publish(HELD, by="W", ledger=ledger, audit=audit)
    assert await ledger.zones() == [HELD]


@pytest.mark.parametrize(("held", "by", "code"), [(True, " \n", "no_name"), (False, "W", "zone_not_held")])
async def test_what_cannot_be_let_go_is_told(held: bool, by: str, code: str) -> None:
    """With what to do next, and no row."""
    audit = MemoryAudit()
    with pytest.raises(Permanent) as told:
        await publish(replace(zone(), held=held), by=by, ledger=MemoryLedger(HELD), audit=audit)
    assert (told.value.code, bool(told.value.hint), audit.rows) == (code, True, [])


def test_a_refusal_says_what_to_do() -> None:
    """The preview first, then the verb; a published zone passes."""
    require_published(zone())
    with pytest.raises(Refused, match=r"preview.*beleg zone preview handbuch.*beleg zone publish handbuch"):
        require_published(HELD)


def test_a_held_zone_has_one_thing_to_say() -> None:
    """It is not settled, and what a refused run has left is no second alarm."""
    sweep = SweepProgress(zone="handbuch", began_at=now(), seen_at=now(), ended_at=now(), trouble="It is held.")
    status = zone_status(HELD, [], sweep=sweep, at=now(), sweep_s=300)
    assert [alarm.code for alarm in status.alarms] == ["held"]
    assert not status.is_settled
