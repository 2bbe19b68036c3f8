"""An index that follows: it is made to hold what the ledger says that it should, from the stored texts. Called by the flow.

The ledger knows every document, the library its cleared text, and a mark says from what the index's own chunks of it
were made. What differs is due; whatever happened before, going on until nothing is due ends in the same index. So a
new index is built, gone on with after a crash, and kept up to date by one and the same step.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from rag.errors import Temporary
from rag.ingest.batch import Batch
from rag.ingest.ingest import Due, Intake
from rag.ports import Catalog, IndexWriter
from rag.types import Cleared, Entry, IndexRecord, Receipt, State, Zone

_READ_ANEW = "read anew"
"""In place of a fingerprint: of no pipeline."""
MOST = 32
"""Documents at a time: the index's lock is held for some seconds, so that an erasure need not wait long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """What an index lacks of a zone, by path; and documents that it holds and should not."""

    due: tuple[Entry, ...]
    gone: tuple[str, ...]

    @property
    def chunks(self) -> int:
        """About as many as the leading index has of what is due."""
        return sum(entry.receipt.chunks for entry in self.due)

    def portions(self, *, leave: frozenset[str] = frozenset(), most: int = MOST) -> list[Behind]:
        """A few documents at a time, what is gone with the first of them. `leave`: paths that are not tried."""
        due = [entry for entry in self.due if entry.receipt.path not in leave]
        starts = range(0, len(due), most) or range(1 if self.gone else 0)
        return [Behind(due=tuple(due[at : at + most]), gone=() if at else self.gone) for at in starts]


_WAITING = frozenset({State.discovered, State.blocked})


async def behind(zone: Zone, *, record: IndexRecord, intake: Intake, catalog: Catalog) -> Behind:
    """`intake` is the index's own. A file that waits, or failed, goes on being answered from as it was last read: who holds
    that keeps it, and who does not makes it from the stored text, if there is one.
    """
    marks = await catalog.marks(record.name, zone.name)
    entries = (await intake.ledger.entries(zone.name)).values()
    indexed = {e.receipt.document_id: e for e in entries if e.receipt.state is State.indexed}
    waiting = {e.receipt.document_id: e for e in entries if e.receipt.state in _WAITING}
    due = [entry for document, entry in indexed.items() if marks.get(document) != made_from(entry)]
    before = [as_last_read(entry) for document, entry in waiting.items() if document not in marks]
    due += [entry for entry in before if entry is not None and await _stored(entry, intake) is not None]
    return Behind(due=tuple(due), gone=tuple(document for document in marks if document not in indexed | waiting))


def as_last_read(entry: Entry) -> Entry | None:
    """Of what waits, the version before; `None` if none was ever read."""
    version = entry.receipt.version or (entry.history and entry.history.version)
    return replace(entry, receipt=replace(entry.receipt, version=version)) if version else None


def made_from(entry: Entry) -> str:
    """Changes whenever the document was done anew: another version, other labels, another guard."""
    return f"{entry.receipt.version}@{entry.recorded_at.astimezone(UTC).isoformat()}"


async def catch_up(
    zone: Zone, portion: Behind, *, record: IndexRecord, intake: Intake, catalog: Catalog, writer: IndexWriter
) -> tuple[Receipt, ...]:
    """Makes what is due and takes out what is gone. What was erased or changed since somebody looked is left alone: call
    it with the index's lock held, for it looks once more at these documents.

    A text that is stored is neither read nor cleared again, if it was read by the parser of this index; without one the
    file is, and its text is stored beside the other.
    """
    for document in portion.gone:
        await writer.retain(document, None)
        await catalog.mark(record.name, zone.name, document, made_from=None)
    known = await intake.ledger.entries(zone.name, frozenset(entry.receipt.path for entry in portion.due))
    due = {entry.receipt.path: entry for entry in portion.due if _is_still(entry, known)}
    stored = {path: await _stored(entry, intake) for path, entry in due.items()}
    due = {path: entry for path, entry in due.items() if stored[path] or entry.receipt.state is State.indexed}
    stored = {path: None if _reads_anew(entry, stored[path], intake) else stored[path] for path, entry in due.items()}
    until: dict[str, datetime] = {}
    away: list[Receipt] = []
    try:
        until = {} if all(stored[path] for path in due) else await intake.landing.supersessions(zone)
    except Temporary as error:
        away = [_waiting(due.pop(path), error) for path in list(due) if stored[path] is None]
    batch = Batch(
        zone, [Due(sighting=entry.sighting, until=until.get(path)) for path, entry in due.items()], intake=intake,
        writer=writer, cleared={path: text for path, text in stored.items() if text is not None},
        record=_marking(due, record, catalog, intake),
    )  # fmt: skip
    for step in batch.steps.values():
        try:
            await step()
        except Temporary:
            await batch.park()
    return (*batch.receipts, *away)


def _is_still(entry: Entry, known: Mapping[str, Entry]) -> bool:
    now_known = known.get(entry.receipt.path)
    return now_known is not None and (now_known.receipt.state, now_known.recorded_at) == (
        entry.receipt.state, entry.recorded_at,
    )  # fmt: skip


def _waiting(entry: Entry, error: Temporary) -> Receipt:
    return replace(entry.receipt, state=State.discovered, code=error.code, reason=error.message)


async def _stored(entry: Entry, intake: Intake) -> Cleared | None:
    """As the parser of this index has read it, or else as any has."""
    version = entry.receipt.version
    readings = [] if version is None else await intake.library.readings(entry.receipt.document_id, version)
    own = [cleared for cleared in readings if cleared.parser == intake.parsing]
    return next(iter(own or readings), None)


def _reads_anew(entry: Entry, stored: Cleared | None, intake: Intake) -> bool:
    """What an earlier parser has read, for an index of today's. An index of an earlier one takes what there is."""
    is_of_today = intake.parsing == intake.parser.revision
    is_there = entry.receipt.state is State.indexed and entry.missing_since is None
    return is_of_today and is_there and stored is not None and stored.parser != intake.parsing


def _marking(
    due: dict[str, Entry], record: IndexRecord, catalog: Catalog, intake: Intake
) -> Callable[[Entry], Awaitable[None]]:  # fmt: skip
    """What waits stays due; what cannot be read any more is done, with nothing. What a new parser has found out, so that the
    document may not be indexed, concerns the leading index as well: the next sweep reads it anew.
    """

    async def mark(made: Entry) -> None:
        receipt, entry = made.receipt, due[made.receipt.path]
        if receipt.state is State.quarantined and entry.receipt.state is State.indexed:
            await intake.ledger.refingerprint(receipt.zone, entry.fingerprint, _READ_ANEW, path=receipt.path)
        if receipt.state in {State.indexed, State.quarantined}:
            of = made_from(entry)
            chunks = receipt.chunks if receipt.state is State.indexed else 0
            await catalog.mark(record.name, receipt.zone, receipt.document_id, made_from=of, chunks=chunks)

    return mark
