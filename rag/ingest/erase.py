"""A document leaves every store, with a receipt that can be proved. Called by the flow, `beleg document` and the clock.

erase      chunks and texts go, the receipt is on record before anybody is told
publish    the index without it becomes visible, older generations go
attest     every store is looked through again; what is empty is signed
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

from rag.ingest.ingest import Intake
from rag.ports import IndexWriter, Signer
from rag.types import Entry, Erasure, ErasureRule, State, Zone, now

log = logging.getLogger(__name__)

_STATES = {
    ErasureRule.deleted: (State.deleted, "deleted", "The file was removed from the zone.", ""),
    ErasureRule.retention: (State.deleted, "retention_over", "The file is older than its zone keeps files.", ""),
    ErasureRule.request: (
        State.forgotten, "forgotten", "The document was forgotten on request.",
        "It is not read again until `beleg document release` allows it.",
    ),
}  # fmt: skip


async def erase(
    entry: Entry, *, zone: Zone, rule: ErasureRule, intake: Intake, writer: IndexWriter, actor: str = "sweep",
    reason: str = "",
) -> Erasure:  # fmt: skip
    """Taken again after a crash it changes nothing but adds a receipt of nothing found."""
    texts = await intake.library.forget(entry.receipt.document_id)  # first: from here on it is of no live version
    chunks = await writer.retain(entry.receipt.document_id, None)
    state, code, said, hint = _STATES[rule]
    erasure = Erasure(
        id=f"ers_{uuid4().hex}", tenant=zone.tenant, zone=zone.name, path=entry.receipt.path,
        document_id=entry.receipt.document_id, version=entry.receipt.version, rule=rule, actor=actor,
        reason=reason or said, at=now(), counts={"chunks": chunks, "texts": texts},
    )  # fmt: skip
    await intake.erasures.record(erasure)
    receipt = replace(
        entry.receipt, state=state, code=code, reason=said, hint=hint, chunks=chunks, counts={}
    )  # fmt: skip
    await intake.ledger.record(
        replace(entry, receipt=receipt, attempts=0, recorded_at=now(), missing_since=None)
    )  # fmt: skip
    return erasure


async def erase_zone(
    zone: Zone, *, intake: Intake, writer: IndexWriter, actor: str, tell: Callable[[str], None]
) -> tuple[Erasure, ...]:
    """Every document of the zone, then the zone itself off the record, while nobody else writes: a sweep in between would
    bring in documents that nobody knows of afterwards.
    """
    known = (await intake.ledger.entries(zone.name)).values()
    erased = []
    for entry in [entry for entry in known if entry.receipt.state is not State.deleted]:
        rule = ErasureRule.deleted
        reason = "The zone was removed."
        erased.append(
            await erase(entry, zone=zone, rule=rule, intake=intake, writer=writer, actor=actor, reason=reason)
        )
        tell(f"  - {entry.receipt.path}")
    generation = await writer.publish()
    await intake.ledger.remove_zone(zone.name)
    await attest(await intake.erasures.unsigned(), intake=intake, writer=writer, generation=generation)
    return tuple(erased)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What a look at every standing receipt has found: those that hold, those whose document is still there, and those
    that were changed since they were signed.
    """

    empty: tuple[Erasure, ...]
    kept: tuple[Erasure, ...]
    forged: tuple[Erasure, ...]


async def verify(*, intake: Intake, writer: IndexWriter) -> Verified:
    """Looks through every store anew, and at every signature."""
    standing = await intake.erasures.standing()
    forged = tuple(one for one in standing if one.signature and not is_authentic(one, intake.signer))
    empty, kept = await attest([one for one in standing if one not in forged], intake=intake, writer=writer)
    for erasure in forged:
        log.error("erasure.forged", extra={"erasure": erasure.id, "zone": erasure.zone})
    return Verified(empty=tuple(empty), kept=tuple(kept), forged=forged)


def is_authentic(erasure: Erasure, signer: Signer) -> bool:
    """Whether this instance signed it as it stands."""
    return erasure.signature is not None and signer.verifies(erasure.signed_content, erasure.signature)


async def attest(
    erasures: Sequence[Erasure], *, intake: Intake, writer: IndexWriter, generation: str | None = None
) -> tuple[list[Erasure], list[Erasure]]:
    """Looks through every store: those found empty, signed and on record, and those that are not.

    `generation`: the one just published. A document that was let in again since is no longer looked for.
    """
    if erasures:
        await intake.library.overwrite()
    held = await writer.holds([erasure.document_id for erasure in erasures])
    empty: list[Erasure] = []
    kept: list[Erasure] = []
    for erasure in erasures:
        if held.get(erasure.document_id) or await intake.library.versions(erasure.document_id):
            kept.append(erasure)
            log.error("erasure.not_empty", extra={"erasure": erasure.id, "zone": erasure.zone})
            continue
        seen = replace(erasure, verified_at=now(), generation=erasure.generation or generation)
        signed = seen if seen.signature else replace(seen, signature=intake.signer.sign(seen.signed_content))
        await intake.erasures.record(signed)
        empty.append(signed)
    return empty, kept
