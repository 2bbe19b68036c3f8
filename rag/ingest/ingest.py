"""What a sweep of a zone has to do, and the removal of what is gone. What is new goes in by `rag.ingest.batch`.

Every sweep converges to the same index, however often and from whatever crash it is started: chunk ids come from
content, a version is recorded only after its chunks are written, and publishing twice changes nothing.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from rag.ingest.chunk import RULES_REVISION
from rag.ports import Embedder, Guard, IndexWriter, Landing, Ledger, Library, Parser
from rag.types import Receipt, Sighting, State, Zone

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
