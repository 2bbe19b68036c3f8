"""The allow-list of this instance: entries by hand, or from a finding of a document that was held back, and what an entry
would change. Called by `beleg allow` and `beleg review`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from beleg.home import here
from beleg.zones import DEFAULT_TENANT, chosen
from rag.allowing import ALLOWED
from rag.errors import BelegError, Permanent
from rag.ingest import allow as allowing
from rag.ingest.allow import Wish
from rag.ingest.clear import Seen, clear, look
from rag.types import AllowEntry, AllowKind, Direction, Entry, State, Verdict, Zone, now

if TYPE_CHECKING:
    from rag.compose import Rag


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An entry as people ask for it. `zone` alone, or `tenant` for all of it."""

    tenant: str | None
    zone: str | None
    entity: str
    kind: AllowKind
    value: str
    by: str
    reason: str
    until: str
    approved_by: str | None = None
    also_answers: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What an entry would make of a document."""

    zone: str
    path: str
    before: str
    after: str


def end_of(until: str) -> datetime:
    """Of a day (in UTC), its end; or an instant. Raises `Permanent("allow_until")`."""
    try:
        if len(until) == 10:
            return datetime.combine(date.fromisoformat(until) + timedelta(days=1), datetime.min.time(), UTC)
        instant = datetime.fromisoformat(until)
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Permanent("allow_until", "This is no day.", hint="As in --until 2027-03-31.") from None


async def add(asked: Asked) -> AllowEntry:
    """Raises as `rag.ingest.allow.allow`, and `no_such_zone`."""
    from rag.compose import open_rag

    async with open_rag(here()) as rag:
        wish, state = _wish(asked, await rag.ledger.zones()), rag.state
        return await allowing.allow(
            wish, guard=rag.intake.guard, allow_list=state.allow_list, audit=state.audit, at=now()
        )


async def supposed(asked: Asked) -> AllowEntry:
    """The entry that `add` would make, on no record. Raises as `add`."""
    from rag.compose import open_state

    async with open_state(here()) as state:
        wish = _wish(asked, await state.ledger.zones())
        return allowing.drafted(wish, digest=state.allow_list.digest, at=now(), version=2**31 - 1)


async def supposed_revoked(entry_id: str, *, by: str, reason: str) -> AllowEntry:
    from rag.compose import open_state

    async with open_state(here()) as state:
        entry = await allowing.current(entry_id, tenant=None, allow_list=state.allow_list)
        return allowing.revoked_version(entry, by=by, reason=reason, at=now())


async def approve(entry_id: str, *, by: str) -> AllowEntry:
    from rag.compose import open_state

    async with open_state(here()) as state:
        return await allowing.approve(
            entry_id, tenant=None, by=by, allow_list=state.allow_list, audit=state.audit, at=now()
        )


async def revoke(entry_id: str, *, by: str, reason: str) -> AllowEntry:
    from rag.compose import open_rag

    async with open_rag(here()) as rag:
        return await allowing.revoke(
            entry_id, tenant=None, by=by, reason=reason, guard=rag.intake.guard, allow_list=rag.state.allow_list,
            audit=rag.state.audit, at=now(),
        )  # fmt: skip


async def listed(tenant: str | None) -> list[AllowEntry]:
    """As each entry is now, oldest first."""
    from rag.compose import open_state

    async with open_state(here()) as state:
        return await allowing.newest(state.allow_list, tenant=tenant)


async def changes(entry: AllowEntry) -> list[Change]:
    """Which documents would become something else if this version stood in the list. They are read; nothing is written."""
    from rag.compose import open_rag

    async with open_rag(here(), supposing=entry) as rag:
        zones = [z for z in await rag.ledger.zones() if entry.holds_for(z.tenant, z.name, Direction.ingest)]
        known = [(zone, one) for zone in zones for one in (await rag.ledger.entries(zone.name)).values()]
        tried = [await _change(rag, zone, one) for zone, one in known if _can_concern(entry, one)]
    return [change for change in tried if change is not None]


async def findings(zone: str, path: str) -> list[Seen]:
    """What the guard finds in a document that it held back. Raises `no_such_zone`, `no_such_document`."""
    from beleg.erasing import known_entry
    from rag.compose import open_rag

    of_zone, _ = await known_entry(zone, path)
    async with open_rag(here()) as rag:
        document = await rag.intake.landing.read(of_zone, path)
        return await look(await rag.intake.parser.parse(document), guard=rag.intake.guard, zone=of_zone)


async def finding(zone: str, path: str, number: int) -> Seen:
    """Raises `Permanent("no_such_finding")`."""
    found = await findings(zone, path)
    if not 1 <= number <= len(found):
        raise Permanent(
            "no_such_finding", f"The guard finds {len(found)} things in {zone}/{path}; there is no number {number}.",
            hint=f"`beleg review findings {zone} {path}` numbers them.",
        )  # fmt: skip
    return found[number - 1]


def _wish(asked: Asked, zones: list[Zone]) -> Wish:
    zone = None if asked.zone is None else chosen(zones, asked.zone)[0]
    tenant = asked.tenant or (DEFAULT_TENANT if zone is None else zone.tenant)
    everywhere = frozenset(Direction) if asked.also_answers else frozenset({Direction.ingest})
    return Wish(
        tenant=tenant, zone=zone, entity=asked.entity, kind=asked.kind, value=asked.value, by=asked.by,
        reason=asked.reason, until=end_of(asked.until), approved_by=asked.approved_by, directions=everywhere,
    )  # fmt: skip


def _can_concern(entry: AllowEntry, known: Entry) -> bool:
    if known.receipt.state not in {State.indexed, State.quarantined}:
        return False
    return bool({entry.entity, ALLOWED + entry.entity, "FILE_NAME_" + entry.entity} & set(known.receipt.counts))


async def _change(rag: Rag, zone: Zone, known: Entry) -> Change | None:
    from rag.ingest.batch import capped
    from rag.ingest.receipts import masked_words

    receipt, intake = known.receipt, rag.intake
    until = (await intake.landing.supersessions(zone)).get(receipt.path)
    try:
        document = capped(await intake.landing.read(zone, receipt.path), until)
        review = await intake.reviews.of(document.id, document.version)
        is_released = review is not None and review.verdict is Verdict.released
        parsed = await intake.parser.parse(document)
        cleared = await clear(parsed, guard=intake.guard, policy=intake.policy, zone=zone, is_released=is_released)
    except BelegError as error:
        after, counts = f"quarantined ({error.code})", getattr(error, "counts", {})
    else:
        after, counts = f"indexed. {masked_words(cleared)}".strip(), cleared.counts
    if counts == receipt.counts:
        return None
    return Change(zone=zone.name, path=receipt.path, before=f"{receipt.state.value} ({receipt.code})", after=after)
