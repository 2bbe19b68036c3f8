"""One document out of everything, its receipt, and the way back. Called by `beleg document`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import uuid4

from beleg.home import here
from beleg.zones import chosen
from rag.errors import Permanent
from rag.types import AuditRow, Entry, Erasure, ErasureRule, State, Zone, now

if TYPE_CHECKING:
    from rag.ingest.erase import Verified
    from rag.ports import Erasures, Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A receipt, and whether this instance signed it as it stands."""

    erasure: Erasure
    is_authentic: bool


async def known_entry(zone: str, path: str) -> tuple[Zone, Entry]:
    """Raises `Permanent`: `no_such_zone`, `no_such_document`."""
    from rag.compose import open_state

    async with open_state(here()) as state:
        (found,) = chosen(await state.ledger.zones(), zone)
        entry = (await state.ledger.entries(zone)).get(path)
    if entry is None:
        raise Permanent(
            "no_such_document", f"The zone {zone} has never held {path}.",
            hint=f"`beleg zone status {zone} --all` lists its files.",
        )  # fmt: skip
    return found, entry


async def forget(zone: str, path: str, *, reason: str) -> Erasure:
    """Out of the index, every generation and the library, signed. Raises as `known_entry` and `require_reason`, and
    `Temporary`.
    """
    from rag.compose import open_rag
    from rag.ingest.erase import attest, erase
    from rag.ingest.reasons import require_reason

    of_zone, entry = await known_entry(zone, path)
    async with open_rag(here()) as rag, rag.writer() as writer:
        await require_reason(reason, guard=rag.intake.guard)
        await rag.state.audit.append(_asked("document.forget", of_zone, entry))
        erasure = await erase(
            entry, zone=of_zone, rule=ErasureRule.request, intake=rag.intake, writer=writer, actor="operator",
            reason=reason,
        )  # fmt: skip
        generation = await writer.publish()
        signed, kept = await attest([erasure], intake=rag.intake, writer=writer, generation=generation)
        await rag.state.audit.append(_done(erasure, "document.forget"))
    if kept:
        raise Permanent(
            "not_empty", "The document was taken out, but was found again when every store was looked through.",
            hint="Run `beleg document verify`; if it stays, restore from a backup and tell the developers.",
        )  # fmt: skip
    return signed[0]


async def receipts(zone: str, path: str) -> list[Checked]:
    """Oldest first. Raises as `known_entry`."""
    from rag.compose import open_state
    from rag.ingest.erase import is_authentic

    _, entry = await known_entry(zone, path)
    async with open_state(here()) as state:
        found = await state.erasures.of_document(entry.receipt.document_id)
        return [Checked(erasure=one, is_authentic=is_authentic(one, state.signer)) for one in found]


async def verify() -> Verified:
    """Looks through every store anew, and at every signature."""
    from rag.compose import open_rag
    from rag.ingest import erase

    async with open_rag(here()) as rag, rag.writer() as writer:
        return await erase.verify(intake=rag.intake, writer=writer)


async def release(zone: str, path: str) -> int:
    """The document and its copies may be ingested again, under whatever names its bytes lie now; its value is how many receipts
    were closed. Raises as `known_entry`, and `Permanent("not_forgotten")`.
    """
    from rag.compose import open_state

    of_zone, entry = await known_entry(zone, path)
    version = entry.receipt.version
    async with open_state(here()) as state:
        copies = await _refused_copies(state.ledger, of_zone.tenant, version)
        is_forgotten = await state.erasures.is_forgotten(of_zone.tenant, entry.receipt.document_id, version or "")
        if not is_forgotten and not copies:
            raise Permanent(
                "not_forgotten", f"{zone}/{path} was not forgotten.",
                hint="`beleg document receipt` shows what became of it.",
            )  # fmt: skip
        await state.audit.append(_asked("document.release", of_zone, entry))
        of_bytes = await _forgotten_bytes(state.erasures, of_zone.tenant, version)
        names = sorted({entry.receipt.document_id, *of_bytes})
        count = sum([await state.erasures.release(name) for name in names])
        for copy in copies:
            at = copy.receipt
            await state.ledger.refingerprint(at.zone, copy.fingerprint, "released", path=at.path)
        if entry.receipt.state is State.forgotten:
            allowed = replace(entry.receipt, state=State.deleted, code="released", hint="")
            await state.ledger.record(replace(entry, receipt=allowed, fingerprint="released", recorded_at=now()))
        facts: dict[str, object] = {"document_id": entry.receipt.document_id, "receipts": count, "copies": len(copies)}
        row = AuditRow(
            id=f"release_{entry.receipt.document_id[:12]}_{int(now().timestamp())}", at=now(), actor="operator",
            tenant=of_zone.tenant, action="document.release", outcome="done", facts=facts,
        )  # fmt: skip
        await state.audit.append(row)
    return count


async def _refused_copies(ledger: Ledger, tenant: str, version: str | None) -> list[Entry]:
    """Files of these very bytes, in all zones of the tenant, that were refused because the bytes are forgotten."""
    zones = [zone.name for zone in await ledger.zones() if zone.tenant == tenant and version is not None]
    entries = [entry for zone in zones for entry in (await ledger.entries(zone)).values()]
    return [
        one
        for one in entries
        if (one.receipt.version, one.receipt.code) == (version, "forgotten") and one.receipt.state is State.quarantined
    ]


async def _forgotten_bytes(erasures: Erasures, tenant: str, version: str | None) -> set[str]:
    """Documents that were forgotten on request with these very bytes; what was merely deleted stays verified."""
    if version is None:
        return set()
    wanted = (ErasureRule.request, tenant, version)
    return {one.document_id for one in await erasures.standing() if (one.rule, one.tenant, one.version) == wanted}


def _asked(action: str, zone: Zone, entry: Entry) -> AuditRow:
    """On record before anything is done: killed in the middle, the chain still tells that it was asked for."""
    return AuditRow(
        id=f"ask_{uuid4().hex}", at=now(), actor="operator", tenant=zone.tenant, action=action, outcome="asked",
        facts={"document_id": entry.receipt.document_id},
    )  # fmt: skip


def _done(erasure: Erasure, action: str) -> AuditRow:
    facts: dict[str, object] = {"document_id": erasure.document_id, "counts": dict(erasure.counts)}
    return AuditRow(
        id=erasure.id, at=erasure.at, actor=erasure.actor, tenant=erasure.tenant, action=action, outcome="done",
        facts=facts,
    )  # fmt: skip
