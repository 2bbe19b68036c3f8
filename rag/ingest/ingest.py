"""The way in, whole: survey a zone, ingest what is new, remove what is gone, publish.

Every sweep converges to the same index, however often and from whatever crash it is started: chunk ids come from
content, a version is recorded only after its chunks are written, and publishing twice changes nothing.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from rag.errors import BelegError, Permanent, Refused, Temporary
from rag.ingest.chunk import RULES_REVISION, chunk
from rag.ingest.clear import clear
from rag.ports import Embedder, Guard, IndexWriter, Landing, Ledger, Library, Parser
from rag.types import Chunk, Cleared, Document, Receipt, Sighting, State, Zone

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What the way in needs, opened once per process.

    Attributes:
        index_identity: names the working copy of the index as it is now; a new one, which is empty, has a new name.
    """

    landing: Landing
    parser: Parser
    guard: Guard
    embedder: Embedder
    library: Library
    ledger: Ledger
    index_identity: Callable[[], str]

    @property
    def fingerprint(self) -> str:
        """Changes whenever the same bytes would be indexed differently, or the index that held them is gone: an upgrade
        is not silently skipped, and an index that was moved away fills again.
        """
        parts = (self.parser.revision, self.guard.revision, RULES_REVISION, self.embedder.name, self.index_identity())
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What a sweep has to do. `due` and `gone` are sorted by path."""

    due: tuple[Sighting, ...]
    gone: tuple[Receipt, ...]
    unchanged: int


async def survey(zone: Zone, *, intake: Intake) -> Survey:
    """Compares what lies in the zone with the ledger. Raises `Temporary` if the zone has vanished."""
    seen = await intake.landing.sightings(zone)
    capped = await intake.landing.supersessions(zone)
    known = await intake.ledger.receipts(zone.name)
    marked = [_mark(sighting, capped.get(sighting.path)) for sighting in seen]
    fingerprint = intake.fingerprint
    due = tuple(s for s in marked if not _is_done(known.get(s.path), s, fingerprint))
    paths = {s.path for s in marked}
    gone = tuple(r for path, (r, _, _) in sorted(known.items()) if path not in paths and r.state is not State.deleted)
    return Survey(due=due, gone=gone, unchanged=len(marked) - len(due))


async def ingest_one(zone: Zone, sighting: Sighting, *, intake: Intake, writer: IndexWriter) -> Receipt:
    """One file, from bytes to written chunks. A bad file yields a quarantined receipt; `Temporary` goes to the caller."""
    document: Document | None = None
    try:
        document = await intake.landing.read(zone, sighting.path)
        document = _capped(document, (await intake.landing.supersessions(zone)).get(sighting.path))
        parsed = await intake.parser.parse(document)
        cleared = await clear(parsed, guard=intake.guard, zone=zone)
        chunks = chunk(cleared, count_tokens=intake.embedder.count_tokens)
        receipt = await _write(cleared, chunks, intake=intake, writer=writer)
    except Permanent as error:
        receipt = await _quarantine(zone, sighting, document, error, intake=intake, writer=writer)
    await intake.ledger.record(receipt, fingerprint=intake.fingerprint, sighting=sighting)
    log.info("ingest.recorded", extra={"zone": zone.name, "state": receipt.state.value, "code": receipt.code})
    return receipt


async def ingest_or_wait(zone: Zone, sighting: Sighting, *, intake: Intake, writer: IndexWriter) -> Receipt:
    """Like `ingest_one`, but a file that the guard cannot judge, or that we cannot, waits and does not stop the others."""
    try:
        return await ingest_one(zone, sighting, intake=intake, writer=writer)
    except Temporary:
        raise  # what is out of reach is so for every file
    except Refused as error:
        return await wait(zone, sighting, error, intake=intake)
    except Exception as error:  # noqa: BLE001 - one poisonous file must not end the process that ingests all others
        kind = type(error).__name__  # its message may carry text
        log.error("ingest.unforeseen", extra={"zone": zone.name, "kind": kind})  # noqa: TRY400
        unforeseen = Permanent("unforeseen", f"Something unforeseen went wrong on our side with this file ({kind}).")
        return await wait(zone, sighting, unforeseen, intake=intake)


async def remove(zone: Zone, gone: Receipt, *, intake: Intake, writer: IndexWriter) -> Receipt:
    """A file that is no longer in its zone leaves the index and the library."""
    removed = await writer.retain(gone.document_id, None)
    await intake.library.forget(gone.document_id)
    receipt = replace(
        gone, state=State.deleted, code="deleted", reason="The file was removed from the zone.", hint="", chunks=removed
    )
    _, fingerprint, sighting = (await intake.ledger.receipts(zone.name))[gone.path]
    await intake.ledger.record(receipt, fingerprint=fingerprint, sighting=sighting)
    return receipt


async def wait(zone: Zone, sighting: Sighting, error: BelegError, *, intake: Intake) -> Receipt:
    """It cannot be done now: the file waits for the next sweep, and says why."""
    receipt = Receipt(
        zone=zone.name, path=sighting.path, document_id=intake.landing.document_id(zone, sighting.path), version=None,
        state=State.discovered, code=error.code, reason=error.message, hint="It is tried again with the next sweep.",
    )  # fmt: skip
    await intake.ledger.record(receipt, fingerprint=intake.fingerprint, sighting=sighting)
    return receipt


async def _write(cleared: Cleared, chunks: list[Chunk], *, intake: Intake, writer: IndexWriter) -> Receipt:
    """New first, then the old version goes: a failure in between leaves both, never neither."""
    vectors = await intake.embedder.embed([f"{c.context}\n{c.text}" if c.context else c.text for c in chunks])
    await intake.library.keep(cleared)
    await writer.upsert(chunks, vectors)
    await writer.retain(cleared.document.id, cleared.document.version, keep=frozenset(c.id for c in chunks))
    return Receipt(
        zone=cleared.document.zone,
        path=cleared.document.path,
        document_id=cleared.document.id,
        version=cleared.document.version,
        state=State.indexed,
        code="indexed_redacted" if cleared.is_redacted else "indexed",
        reason=_masked_words(cleared.counts) if cleared.is_redacted else "",
        chunks=len(chunks),
        counts=cleared.counts,
    )


async def _quarantine(
    zone: Zone, sighting: Sighting, document: Document | None, error: Permanent, *, intake: Intake, writer: IndexWriter
) -> Receipt:
    """The file alone is parked; what was indexed of an earlier version must no longer be answered."""
    document_id = document.id if document else intake.landing.document_id(zone, sighting.path)
    await writer.retain(document_id, None)
    await intake.library.forget(document_id)
    return Receipt(
        zone=zone.name,
        path=sighting.path,
        document_id=document_id,
        version=document.version if document else None,
        state=State.quarantined,
        code=error.code,
        reason=error.message,
        hint=error.hint,
    )


def _is_done(known: tuple[Receipt, str, Sighting] | None, sighting: Sighting, fingerprint: str) -> bool:
    if known is None:
        return False
    receipt, made_with, made_from = known
    same_file = (made_from.size, made_from.modified_at, made_from.etag) == (
        sighting.size,
        sighting.modified_at,
        sighting.etag,
    )
    return receipt.state in {State.indexed, State.quarantined} and made_with == fingerprint and same_file


def _mark(sighting: Sighting, until: datetime | None) -> Sighting:
    """A superseded file counts as changed when its successor appears, moves its date or goes."""
    return sighting if until is None else replace(sighting, etag=f"{sighting.etag}|until={until.isoformat()}")


def _capped(document: Document, until: datetime | None) -> Document:
    if until is None:
        return document
    own = document.labels.valid_until
    return replace(document, labels=replace(document.labels, valid_until=until if own is None else min(own, until)))


def _masked_words(counts: dict[str, int]) -> str:
    found = ", ".join(f"{number} x {entity}" for entity, number in sorted(counts.items()))
    return f"Personal data was masked before indexing: {found}."
