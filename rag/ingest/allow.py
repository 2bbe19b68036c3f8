"""Entries of the allow-list: made, approved, revoked. Called by `beleg allow`, `beleg review allow` and a console.

Each version stands in the audit log before it has any effect. Whoever calls says for which tenant he may speak: nobody
sees or changes another tenant's entries. Documents that an entry can concern are due again with the next sweep.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from rag.allowing import EXACT_ONLY, LONGEST, PATTERN_TYPES, Digest, plain, require_pattern, sealed
from rag.errors import Permanent
from rag.ingest.reasons import require_reason, require_short
from rag.ingest.review import require_named
from rag.ports import AllowList, AuditLog, Guard
from rag.types import AllowEntry, AllowKind, AuditRow, Direction, Zone

MOST_DAYS = 366
"""Whoever still wants it then looks at it again."""
_TYPE = re.compile(r"[A-Z][A-Z_]{1,60}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody wants left standing.

    Attributes:
        zone: for what comes into it alone; `None` = all of the tenant, whichever way `directions` name.
        value: the text or pattern itself; of a text, only a digest is kept.
    """

    tenant: str
    zone: Zone | None
    entity: str
    kind: AllowKind
    value: str = field(repr=False)
    by: str
    reason: str
    until: datetime
    directions: frozenset[Direction] = frozenset({Direction.ingest})
    approved_by: str | None = None


def drafted(wish: Wish, *, digest: Digest, at: datetime, version: int = 1) -> AllowEntry:
    """The entry that the wish asks for, on no record yet. Raises `Permanent` for what is not allowed to be allowed."""
    _require_sound(wish, at)
    is_text = wish.kind is AllowKind.text
    value = sealed(wish.tenant, wish.entity, wish.value, digest) if is_text else wish.value.strip()
    zone = None if wish.zone is None else wish.zone.name
    named = [wish.tenant, zone or "", *sorted(wish.directions), wish.entity, wish.kind, value]
    return AllowEntry(
        id=hashlib.sha256("\n".join(named).encode()).hexdigest()[:10], version=version, tenant=wish.tenant, zone=zone,
        directions=wish.directions, entity=wish.entity, kind=wish.kind, value=value, by=wish.by.strip(),
        reason=wish.reason.strip(), approved_by=wish.approved_by and wish.approved_by.strip(), at=at, until=wish.until,
    )  # fmt: skip


async def allow(wish: Wish, *, guard: Guard, allow_list: AllowList, audit: AuditLog, at: datetime) -> AllowEntry:
    """The same wish again is the same entry with a new end. Raises as `drafted` and `require_reason`, and `Refused` unrecorded."""
    entry = drafted(wish, digest=allow_list.digest, at=at)
    await require_reason(wish.reason, guard=guard)
    known = [e.version for e in await allow_list.history() if e.id == entry.id]
    return await _recorded(replace(entry, version=max(known, default=0) + 1), "allow.add", entry.by, allow_list, audit)


async def approve(entry_id: str, *, tenant: str | None, by: str, allow_list: AllowList, audit: AuditLog, at: datetime) -> AllowEntry:  # fmt: skip
    """A second person has looked. `tenant`: for whom the caller may speak, `None` = for all.

    Raises `Permanent`: `no_such_entry`, `no_name`, `same_person`.
    """
    entry = await current(entry_id, tenant=tenant, allow_list=allow_list)
    require_named(by, "approved")
    _require_second(entry.by, by)
    approved = replace(entry, version=entry.version + 1, approved_by=by.strip(), at=at)
    return await _recorded(approved, "allow.approve", by.strip(), allow_list, audit)


async def revoke(
    entry_id: str, *, tenant: str | None, by: str, reason: str, guard: Guard, allow_list: AllowList, audit: AuditLog,
    at: datetime,
) -> AllowEntry:  # fmt: skip
    """It holds for nothing from now on. Raises `Permanent`: `no_such_entry`, `no_name`, and as `require_reason`."""
    entry = await current(entry_id, tenant=tenant, allow_list=allow_list)
    require_named(by, reason)
    await require_reason(reason, guard=guard)
    revoked = revoked_version(entry, by=by, reason=reason, at=at)
    return await _recorded(revoked, "allow.revoke", by.strip(), allow_list, audit)


def revoked_version(entry: AllowEntry, *, by: str, reason: str, at: datetime) -> AllowEntry:
    return replace(entry, version=entry.version + 1, by=by.strip(), reason=reason.strip(), at=at, is_revoked=True)


async def current(entry_id: str, *, tenant: str | None, allow_list: AllowList) -> AllowEntry:
    """The newest version. Raises `Permanent("no_such_entry")`, also for another tenant's and for one revoked."""
    for entry in await newest(allow_list, tenant=tenant):
        if entry.id == entry_id and not entry.is_revoked:
            return entry
    raise Permanent("no_such_entry", "There is no such entry.", hint="`beleg allow list` shows them.")


async def newest(allow_list: AllowList, *, tenant: str | None) -> list[AllowEntry]:
    """Each entry as it is now, revoked and expired ones too, oldest first. `tenant`: as of `approve`."""
    by_id = {entry.id: entry for entry in sorted(await allow_list.history(), key=lambda entry: entry.version)}
    return sorted((e for e in by_id.values() if tenant in {None, e.tenant}), key=lambda entry: (entry.at, entry.id))


async def _recorded(entry: AllowEntry, action: str, actor: str, allow_list: AllowList, audit: AuditLog) -> AllowEntry:
    facts: dict[str, object] = {
        "entry": entry.id, "version": entry.version, "type": entry.entity, "kind": entry.kind.value, "zone": entry.zone,
        "directions": sorted(entry.directions), "until": entry.until.isoformat(), "approved_by": entry.approved_by,
    }  # fmt: skip
    await audit.append(
        AuditRow(
            id=f"allow_{entry.id}_{entry.version}", at=entry.at, actor=actor, tenant=entry.tenant, action=action,
            outcome="recorded", facts=facts,
        )
    )  # fmt: skip
    await allow_list.record(entry)
    return entry


# --- what may be wished for ---------------------------------------------------------------------------------------


def _require_sound(wish: Wish, at: datetime) -> None:
    require_named(wish.by, wish.reason)
    require_short(wish.reason)
    if wish.approved_by is not None:
        require_named(wish.approved_by, "approved")
        _require_second(wish.by, wish.approved_by)
    _require_until(wish.until, at)
    _require_scope(wish)
    if not _TYPE.fullmatch(wish.entity):
        raise Permanent(
            "allow_type", "This is no type of finding.", hint="For example PERSON or PHONE_NUMBER, as the counts say."
        )
    wished = plain(wish.value)
    if len(wished) < 2 or len(wish.value) > LONGEST:
        raise Permanent(
            "allow_value", f"What is to be allowed needs 2 to {LONGEST} characters.",
            hint="Give the text exactly as it stands in the document.",
        )  # fmt: skip
    if len(wished) > 3 and wished in plain(wish.reason):
        raise Permanent(
            "allow_reason", "The reason repeats what is to be allowed, and reasons are shown and kept.",
            hint="Say what it is, not how it reads: 'our hotline'.",
        )  # fmt: skip
    if wish.kind is AllowKind.pattern:
        _require_patternable(wish.entity)
        require_pattern(wish.value.strip())


def _require_patternable(entity: str) -> None:
    if entity not in PATTERN_TYPES:
        why = "is one person's number, or a password," if entity in EXACT_ONLY else "can name people"
        raise Permanent(
            "allow_pattern", f"{entity} {why}, so it is allowed text by text only.",
            hint=f"Patterns are for {', '.join(sorted(PATTERN_TYPES))}. Give the exact text.",
        )  # fmt: skip


def _require_until(until: datetime, at: datetime) -> None:
    if until <= at:
        raise Permanent("allow_until", "The end lies in the past.", hint="Give a day from tomorrow on with --until.")
    if until > at + timedelta(days=MOST_DAYS + 1):
        raise Permanent(
            "allow_until", f"An entry holds for at most {MOST_DAYS} days.",
            hint="Give an earlier --until; somebody looks at it again then.",
        )  # fmt: skip


def _require_scope(wish: Wish) -> None:
    if not wish.tenant.strip() or not wish.directions:
        raise Permanent("allow_scope", "It holds for nothing.", hint="Name a tenant or a zone.")
    if wish.zone is None:
        return
    if wish.zone.tenant != wish.tenant:
        raise Permanent(
            "no_such_zone", f"The tenant has no zone {wish.zone.name}.", hint="`beleg zone list` shows them."
        )
    if wish.directions != {Direction.ingest}:
        raise Permanent(
            "allow_scope", "Of a zone, an entry holds for what comes in: a question or an answer is of no zone.",
            hint="Leave the zone out to allow it in all of the tenant.",
        )  # fmt: skip


def _require_second(one: str, other: str) -> None:
    if plain(one) == plain(other):
        raise Permanent("same_person", "Nobody approves an entry of their own.", hint="Ask a second person.")
