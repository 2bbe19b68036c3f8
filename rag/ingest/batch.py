"""The way in, whole: some files of a zone go step by step from what lies there to what is written. Called by the flow.

    parse → clear → chunk → embed → index

Each file is at exactly one of the steps' types, so that nothing is chunked that was not cleared. A step takes every file
that has come so far; what fails there for good leaves the way with its reason, and the others go on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeVar

import numpy as np

from rag.errors import BelegError, Permanent, Refused, Temporary
from rag.ingest import history, receipts
from rag.ingest.chunk import chunk
from rag.ingest.clear import clear
from rag.ingest.ingest import Due, Intake, done_with, oldest
from rag.ports import IndexWriter
from rag.types import (
    AllowEntry,
    Chunk,
    Cleared,
    Document,
    Entry,
    Parsed,
    Receipt,
    Sighting,
    State,
    Vector,
    Vectors,
    Verdict,
    Zone,
    now,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunked:
    """A cleared document and what it was cut into."""

    cleared: Cleared
    chunks: list[Chunk]


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """The same with its vectors, `(len(chunks), dimension)`, in their order."""

    cleared: Cleared
    chunks: list[Chunk]
    vectors: Vectors


At = Sighting | Parsed | Cleared | Chunked | Embedded | Receipt
A = TypeVar("A", Sighting, Parsed, Cleared, Chunked, Embedded)

Steps = dict[str, Callable[[], Awaitable[None]]]
"""By name, in their order."""

_MOST_ATTEMPTS = 3
_BYTES_OF = 4
"""So many files' bytes are held at a time. The parser decides how many of them it reads at once."""
_OWN_TROUBLE = frozenset({"file_changing", "file_unreachable", "guard_too_slow"})
"""Of this file alone: no reason to try the step again for its neighbours."""
_GONE = "file_vanished"
"""Listed, and away when it was to be read: whether it was deleted, the next listing says, under the brake on many deletions."""


@dataclass(slots=True)
class File:
    """One file and how far it has come.

    Attributes:
        attempts: how often in a row it has failed by its own fault, this time included.
        version: hash of its bytes, once they were read.
        began: when it took the place of an earlier version, where the zone keeps those.
        trouble: what keeps it from its next step for the time being.
    """

    due: Due
    at: At
    attempts: int
    version: str | None = None
    began: datetime | None = None
    trouble: Temporary | None = None


class Batch:
    """Some files on their way in. A step that is taken again goes on with the files that it has not done.

    Args:
        cleared: by path, texts that are stored already: these files are neither read nor cleared.
        record: of an index that only follows: told what became of each file, in place of ledger and library.

    Attributes:
        files: how far each has come, as plain values: another process can take the first steps and this one the last.
    """

    def __init__(
        self, zone: Zone, due: Sequence[Due], *, intake: Intake, writer: IndexWriter,
        cleared: Mapping[str, Cleared] | None = None, record: Callable[[Entry], Awaitable[None]] | None = None,
    ) -> None:  # fmt: skip
        self._zone, self._intake, self._writer = zone, intake, writer
        self._tell = record or intake.ledger.record
        self._leads = record is None
        # Of the beginning: what a policy that is changed meanwhile would decide is for the next sweep to find out.
        self._fingerprints = intake.fingerprints(zone)
        self._rules = intake.rules(zone)
        self._allowed: tuple[AllowEntry, ...] = ()
        self._known: dict[str, Vector] = {}
        stored = cleared or {}
        self.files = [File(file, stored.get(file.path, file.sighting), file.attempts) for file in due]

    @property
    def reading(self) -> Steps:
        """What needs neither model nor index. Each step raises `Temporary` at its end if a file could not come along;
        take it again, or `park` those and go on with the others.
        """
        return {"parse": self.parse, "clear": self.clear, "chunk": self.chunk}

    @property
    def writing(self) -> Steps:
        """What comes after. While one batch is indexed the next may be embedded, and those after it read."""
        return {"embed": self.embed, "index": self.index}

    @property
    def steps(self) -> Steps:
        """All, in their order."""
        return self.reading | self.writing

    @property
    def receipts(self) -> tuple[Receipt, ...]:
        """Of the files that have arrived, or left the way, in the order given."""
        return tuple(file.at for file in self.files if isinstance(file.at, Receipt))

    async def run(self) -> tuple[Receipt, ...]:
        """All steps, one after the other, for callers that need no task for each."""
        for step in self.steps.values():
            await step()
        return self.receipts

    async def parse(self) -> None:
        """Bytes → text with its structure; the bytes are let go."""
        # Of the beginning, like the fingerprint: what is allowed or ends meanwhile makes its documents due again.
        self._allowed = await self._intake.allowed(self._zone)

        async def one(file: File, sighting: Sighting) -> Parsed:
            document = await self._intake.landing.read(self._zone, sighting.path)
            file.version = document.version
            await require_not_forgotten(document, self._zone, self._intake)
            if self._zone.keeps_history:
                known = await self._intake.library.history(document.id)
                file.began = history.began_at(known, document.version, now())
                document = history.begun(document, file.began)
            parsed = await self._intake.parser.parse(capped(document, file.due.until))
            return replace(parsed, document=replace(parsed.document, content=b""), parser=self._intake.parser.revision)

        await self._each(Sighting, one, at_once=_BYTES_OF)

    async def clear(self) -> None:
        """What the guard lets pass, masked where it says so."""

        async def one(_file: File, parsed: Parsed) -> Cleared:
            return await self._cleared(parsed)

        await self._each(Parsed, one)

    async def _cleared(self, parsed: Parsed) -> Cleared:
        review = await self._intake.reviews.of(parsed.document.id, parsed.document.version)
        is_released = review is not None and review.verdict is Verdict.released
        intake = self._intake
        return await clear(parsed, guard=intake.guard, policy=intake.policy, zone=self._zone, is_released=is_released)

    async def chunk(self) -> None:
        """Passages that the embedding model can read whole."""

        async def one(_file: File, cleared: Cleared) -> Chunked:
            return Chunked(cleared=cleared, chunks=await self._cut(cleared))

        await self._each(Cleared, one)

    async def _cut(self, cleared: Cleared) -> list[Chunk]:
        return await asyncio.to_thread(
            chunk, cleared, rules=self._rules, count_tokens=self._intake.embedder.count_tokens
        )

    async def embed(self) -> None:
        """Each passage with the headings that it stands under; the texts of all files at once, which is faster."""
        chunks = [chunk for file in self.files if isinstance(file.at, Chunked) for chunk in file.at.chunks]
        try:
            await self._vectors(chunks)
        except Exception as error:  # noqa: BLE001 - each file meets it again below, and says so for itself
            log.info("ingest.embedded_one_by_one", extra={"kind": type(error).__name__})

        async def one(_file: File, cut: Chunked) -> Embedded:
            return Embedded(cleared=cut.cleared, chunks=cut.chunks, vectors=await self._vectors(cut.chunks))

        await self._each(Chunked, one)

    async def _vectors(self, chunks: Sequence[Chunk]) -> Vectors:
        """A text that was embedded before, here or elsewhere in the index, is not embedded again."""
        texts = [chunk.embedded_text for chunk in chunks]
        unknown = sorted(set(texts) - self._known.keys())
        self._known |= await self._writer.vectors(unknown)
        missing = [text for text in unknown if text not in self._known]
        self._known |= dict(zip(missing, await self._intake.embedder.embed(missing), strict=True))
        if not texts:
            return np.zeros((0, self._intake.embedder.dimension), dtype=np.float32)
        return np.stack([self._known[text] for text in texts])

    async def index(self) -> None:
        """New first, then the old version goes: a failure in between leaves both, never neither. Which of them is live
        is said in one step between the two, when the text is kept.

        Earlier versions whose time is over leave as a deleted document does: out of every index, every generation and the
        disk. What stays is written anew, and the other indexes follow.
        """

        async def one(file: File, made: Embedded) -> Receipt:
            if file.due.returns:
                await self._intake.erasures.release(made.cleared.document.id)
            if self._leads and file.due.is_new:
                # If we are killed and the file is taken away meanwhile, it is known what to take out.
                await self._record(file, receipts.begun(made.cleared.document))
            if self._zone.keeps_history:
                await self._index_with_history(file, made)
                return receipts.indexed(made.cleared, chunks=len(made.chunks), at=now())
            if self._leads and not file.due.is_new:
                known = await self._intake.library.history(made.cleared.document.id)
                if any(one.ended_at is not None for one in known):  # the zone keeps none any more
                    await self._writer.retain(made.cleared.document.id, None)
            await self._writer.upsert(made.chunks, made.vectors)
            if self._leads:
                await self._intake.library.keep(made.cleared)
            else:
                await self._keep_reading(file, made)
            document, keep = made.cleared.document, frozenset(c.id for c in made.chunks)
            await self._writer.retain(document.id, document.version, keep=keep)
            return receipts.indexed(made.cleared, chunks=len(made.chunks), at=now())

        await self._each(Embedded, one)

    async def _index_with_history(self, file: File, made: Embedded) -> None:
        """Earlier versions that are made anew are withheld meanwhile, so that a crash never leaves two that answer now, and
        the next run makes them again.
        """
        document, keep = made.cleared.document, frozenset(c.id for c in made.chunks)
        fingerprint = done_with(self._fingerprints.indexed, self._zone, self._allowed, {})
        today = history.mark(fingerprint, document.labels) if self._leads else None
        known = await self._intake.library.history(document.id)
        earlier = await history.earlier(
            known, document, began=file.began, oldest=oldest(self._zone), today=today, clear=self._cleared
        )
        chunks = [one for cleared in earlier.anew for one in await self._cut(cleared)]
        vectors = await self._vectors(chunks)
        if self._leads and earlier.has_left:
            await self._writer.retain(document.id, None)
        await self._writer.upsert(made.chunks, made.vectors)
        if self._leads:
            await self._intake.library.keep(made.cleared, earlier=earlier.waiting)
        else:
            await self._keep_reading(file, made)
        await self._writer.retain(document.id, document.version, keep=keep, earlier=earlier.untouched)
        await self._writer.upsert(chunks, vectors)
        if self._leads and chunks:
            await self._intake.library.keep(made.cleared, earlier=earlier.kept)

    async def _keep_reading(self, file: File, made: Embedded) -> None:
        """Of an index that follows: what was read for it, because another parser has read what was stored."""
        if file.version is not None:
            await self._intake.library.add(made.cleared)

    async def park(self) -> None:
        """What could not come along waits for the next sweep, each file with its reason."""
        for file in self.files:
            if file.trouble is not None:
                waiting = self._waiting(file, file.trouble)
                await self._record(file, waiting)
                file.at, file.trouble = waiting, None

    async def _each(self, kind: type[A], work: Callable[[File, A], Awaitable[At]], *, at_once: int = 1) -> None:
        turn = asyncio.Semaphore(at_once)

        async def in_turn(file: File) -> None:
            async with turn:
                at = file.at
                if isinstance(at, kind):
                    await self._take(file, work(file, at))

        if at_once == 1:
            for file in self.files:
                await in_turn(file)
        else:
            done = await asyncio.gather(*map(in_turn, self.files), return_exceptions=True)
            for error in filter(None, done):
                raise error
        for file in self.files:
            if isinstance(file.at, kind) and file.trouble is not None:
                raise file.trouble

    async def _take(self, file: File, step: Awaitable[At]) -> None:
        """One file one step further, or out of the way with its reason, or where it was, in trouble."""
        try:
            arrived = await self._ended(file, step)
            if isinstance(arrived, Receipt):
                await self._record(file, arrived)
            file.at, file.trouble = arrived, None
        except Temporary as error:
            file.trouble = error

    async def _ended(self, file: File, step: Awaitable[At]) -> At:
        """What the step yields; a receipt if it ends the file's way. Raises `Temporary`."""
        try:
            return await step
        except Temporary as error:
            if error.code not in _OWN_TROUBLE:
                raise
            return self._failed(file, error)
        except Permanent as error:
            return self._failed(file, error) if error.code == _GONE else await self._quarantined(file, error)
        except Refused as error:
            return self._failed(file, error) if error.code in _OWN_TROUBLE else self._waiting(file, error)
        except Exception as error:  # noqa: BLE001 - one poisonous file must not end the process that ingests all others
            kind = type(error).__name__  # its message may carry text
            log.error("ingest.unforeseen", extra={"zone": self._zone.name, "kind": kind})  # noqa: TRY400
            message = f"Something unforeseen went wrong on our side with this file ({kind})."
            return self._failed(file, Permanent("unforeseen", message))

    async def _quarantined(self, file: File, error: Permanent) -> Receipt:
        """The file alone is parked; what was indexed of an earlier version must no longer be answered."""
        document_id = self._intake.landing.document_id(self._zone, file.due.path)
        if self._leads and self._zone.keeps_history:  # who may read it now is not known, so nobody may
            await self._intake.library.withhold(document_id, now(), oldest=oldest(self._zone))
        elif self._leads:
            await self._intake.library.forget(document_id)  # first: from here on it is of no live version
        await self._writer.retain(document_id, None)
        return receipts.quarantined(self._zone.name, file.due.path, document_id, file.version, error)

    def _failed(self, file: File, error: BelegError) -> Receipt:
        """By its own fault: it waits, and is left alone after too many attempts. One a sweep, however often a step is tried."""
        file.attempts = file.due.attempts + 1
        waiting = self._waiting(file, error)
        if file.attempts < _MOST_ATTEMPTS:
            return waiting
        hint = "It is read again when it changes, or by `beleg ingest --retry`."
        return replace(waiting, state=State.blocked, hint=hint)

    def _waiting(self, file: File, error: BelegError) -> Receipt:
        document_id = self._intake.landing.document_id(self._zone, file.due.path)
        return receipts.waiting(self._zone.name, file.due.path, document_id, error)

    async def _record(self, file: File, receipt: Receipt) -> None:
        attempts = file.attempts if receipt.state in {State.discovered, State.blocked} else 0
        fingerprint = done_with(self._fingerprints.of(receipt.state), self._zone, self._allowed, receipt.counts)
        entry = Entry(
            receipt=receipt, fingerprint=fingerprint, sighting=file.due.sighting, attempts=attempts,
            recorded_at=now(),
        )  # fmt: skip
        await self._tell(entry)
        log.info("ingest.recorded", extra={"zone": self._zone.name, "state": receipt.state.value, "code": receipt.code})


async def require_not_forgotten(document: Document, zone: Zone, intake: Intake) -> None:
    """Raises `Permanent("forgotten")`."""
    if await intake.erasures.is_forgotten(zone.tenant, document.id, document.version):
        raise Permanent(
            "forgotten", "These very bytes were forgotten on request.",
            hint="Take the file out of the zone, or have `beleg document release` allow it again.",
        )  # fmt: skip


def capped(document: Document, until: datetime | None) -> Document:
    """A superseded document ends when its successor begins."""
    if until is None:
        return document
    own = document.labels.valid_until
    return replace(document, labels=replace(document.labels, valid_until=until if own is None else min(own, until)))
