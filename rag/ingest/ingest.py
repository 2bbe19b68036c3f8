"""What a sweep of a zone has to do. What is new goes in by `rag.ingest.batch`, what is gone goes out by `rag.ingest.erase`.

Every sweep converges to the same index, however often and from whatever crash it is started: chunk ids come from
content, a version is recorded only after its chunks are written, and publishing twice changes nothing.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from rag.allowing import live, stamped
from rag.chunking import Chunking
from rag.ingest.chunk import CODE, revision
from rag.ingest.hold import require_published
from rag.ports import AllowList, Embedder, Erasures, Guard, Landing, Ledger, Library, Parser, Policy, Reviews, Signer
from rag.types import AllowEntry, ChunkRules, Direction, Entry, Sighting, State, Zone, now

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprints:
    """Of today's pipeline.

    Attributes:
        indexed: with the parser that the index is made for: another makes a new index.
        other: with the parser at hand, so that what the one could not read is due when the other comes.
    """

    indexed: str
    other: str

    def of(self, state: State) -> str:
        return self.indexed if state is State.indexed else self.other


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What the way in needs, opened once per process.

    Attributes:
        index_identity: names the working copy of the index as it is now; a new one, which is empty, has a new name.
        chunking: how documents are cut, before a zone's own settings.
        cutting: revision of the code that cuts, as the index was begun with: another makes a new index, not every file due.
        parsing: revision of the parser, likewise; "" = the parser's own, so that another makes every file due.
    """

    landing: Landing
    parser: Parser
    guard: Guard
    policy: Policy
    embedder: Embedder
    library: Library
    ledger: Ledger
    index_identity: Callable[[], str]
    erasures: Erasures
    reviews: Reviews
    signer: Signer
    chunking: Chunking = field(default_factory=Chunking)
    cutting: str = CODE
    parsing: str = ""
    allow_list: AllowList | None = None
    """The guard's own; without one, whatever is found counts."""

    @property
    def read_by(self) -> str:
        """Revision of the parser that the index is made for."""
        return self.parsing or self.parser.revision

    def rules(self, zone: Zone) -> ChunkRules:
        """How the zone's documents are cut. Raises `Permanent("bad_chunking")`."""
        return self.chunking.readable(zone, self.embedder.most_tokens)

    def fingerprints(self, zone: Zone) -> Fingerprints:
        """Change whenever the same bytes would be indexed differently, or the index that held them is gone: an upgrade
        is not silently skipped, and an index that was moved away fills again. Raises `Permanent("bad_chunking")`.
        """
        decides = (self.guard.revision, self.policy.ingest_revision)
        cut = revision(self.rules(zone), code=self.cutting)
        rest = (*decides, cut, self.embedder.name, self.index_identity())

        def digest(parser: str) -> str:
            return hashlib.sha256("\n".join((parser, *rest)).encode()).hexdigest()[:16]

        return Fingerprints(indexed=digest(self.read_by), other=digest(self.parser.revision))

    async def allowed(self, zone: Zone) -> tuple[AllowEntry, ...]:
        """What the allow-list leaves out of the zone's documents now. Raises `Temporary`."""
        if self.allow_list is None:
            return ()
        entries = await self.allow_list.standing(zone.tenant)
        return live(entries, tenant=zone.tenant, zone=zone.name, direction=Direction.ingest, at=now())


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A file to ingest.

    Attributes:
        until: instant from which a newer document replaces it.
        attempts: how often in a row it has failed before by its own fault.
        returns: whether a document of this place was taken out before.
        is_new: whether no document of this place was known, or none since it was taken out.
    """

    sighting: Sighting
    until: datetime | None = None
    attempts: int = 0
    returns: bool = False
    is_new: bool = False

    @property
    def path(self) -> str:
        return self.sighting.path


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What a sweep has to do, sorted by path.

    Attributes:
        gone: what is no longer there. outlived: what is there and older than the zone keeps files.
        known: number of documents that the last sweep knew.
    """

    due: tuple[Due, ...]
    gone: tuple[Entry, ...]
    outlived: tuple[Entry, ...]
    unchanged: int
    known: int


_FILES, _BYTES = 24, 4 << 20
"""Of a portion. Small enough that a crash or a retry repeats little, and that a few of them fit into memory however large
their files are; large enough that a workflow engine's 20 ms per step do not show.
"""
_DONE = frozenset({State.indexed, State.quarantined})
_OUT = frozenset({State.deleted, State.forgotten})


async def refreshed(zone: Zone, *, intake: Intake) -> Zone:
    """The zone with the settings that its owner has given it since, on record.

    Every ingest begins here. Raises `Refused("zone_held")`, `Permanent`, `Temporary`.
    """
    require_published(zone)
    current = await intake.landing.zone(zone)
    intake.rules(current)  # what cannot be cut by is refused before it is on record
    if current != zone:
        await intake.ledger.add_zone(current)
        log.info("ingest.zone_changed", extra={"zone": zone.name})
    return current


async def survey(zone: Zone, *, intake: Intake, retry: bool = False) -> Survey:
    """Compares what lies in the zone with the ledger. Raises `Temporary` if the zone has vanished.

    `retry`: also what is blocked after too many failures is due.
    """
    seen = await intake.landing.sightings(zone)
    capped = await intake.landing.supersessions(zone)
    entries = await intake.ledger.entries(zone.name)
    since = oldest(zone)
    aged = await intake.library.aged(since) if since is not None and zone.keeps_history else frozenset[str]()
    marked = [
        _mark(s, capped.get(s.path))
        for s in seen
        if (since is None or s.modified_at >= since) and not _is_forgotten(entries.get(s.path))
    ]
    fingerprints, allowed = intake.fingerprints(zone), await intake.allowed(zone)
    rest = _DONE if retry else _DONE | {State.blocked}
    known = {
        s.path: entry
        for s in marked
        if (entry := entries.get(s.path)) is not None
        and _is_same_file(entry, s)
        and entry.fingerprint == done_with(fingerprints.of(entry.receipt.state), zone, allowed, entry.receipt.counts)
    }
    due = tuple(
        Due(
            sighting=s, until=capped.get(s.path),
            attempts=0 if retry or s.path not in known else known[s.path].attempts,
            returns=s.path in entries and entries[s.path].receipt.state is State.deleted,
            is_new=s.path not in entries or entries[s.path].receipt.state in _OUT,
        )
        for s in marked
        if s.path not in known or known[s.path].receipt.state not in rest or known[s.path].receipt.document_id in aged
    )  # fmt: skip
    there = {path: entry for path, entry in sorted(entries.items()) if entry.receipt.state not in _OUT}
    paths, kept = {s.path for s in seen}, {s.path for s in marked}
    return Survey(
        due=due, gone=tuple(entry for path, entry in there.items() if path not in paths),
        outlived=tuple(entry for path, entry in there.items() if path in paths and path not in kept),
        unchanged=len(marked) - len(due), known=len(there),
    )  # fmt: skip


def portions(due: Sequence[Due]) -> Iterator[tuple[Due, ...]]:
    """In their order, a few files at a time; a large one goes alone."""
    portion: list[Due] = []
    for file in due:
        size = sum(one.sighting.size for one in portion) + file.sighting.size
        if portion and (len(portion) == _FILES or size > _BYTES):
            yield tuple(portion)
            portion = []
        portion.append(file)
    if portion:
        yield tuple(portion)


def oldest(zone: Zone) -> datetime | None:
    """What was changed last before this instant leaves the zone's index; `None` = nothing does."""
    return None if zone.retention_days is None else now() - timedelta(days=zone.retention_days)


async def removable(zone: Zone, found: Survey, *, intake: Intake) -> tuple[Entry, ...]:
    """Of what is gone, what may be removed unasked; the rest is marked as missing and goes on being answered from.

    An expired credential or half a mount looks like a deletion of very many documents at once. A file that was moved
    is no deletion (call this after the files due are in), and one file alone is never very many.
    """
    gone = {entry.receipt.path: entry.receipt.version for entry in found.gone}
    entries = await intake.ledger.entries(zone.name)
    kept = {e.receipt.version for path, e in entries.items() if path not in gone and e.receipt.state is State.indexed}
    lost = frozenset(path for path, version in gone.items() if version is None or version not in kept)
    held = lost if is_mass(len(lost), found.known, zone) else frozenset()
    await intake.ledger.mark_missing(zone.name, held)
    if held:
        log.error("ingest.deletions_held", extra={"zone": zone.name, "held": len(held), "known": found.known})
    return tuple(entry for entry in found.gone if entry.receipt.path not in held)


def is_mass(lost: int, known: int, zone: Zone) -> bool:
    """Whether so many deletions wait for a person."""
    return lost > 1 and lost > zone.deletion_limit * known


def held_words(zone: Zone, held: int, known: int) -> str:
    """What a person has to know of deletions that wait for one."""
    return (
        f"{held} of {known} documents have vanished at once, more than {zone.deletion_limit:.0%}, so their deletion "
        f"waits and they are still answered from. If it is meant: `beleg ingest {zone.name} --confirm-deletions`. "
        "If not, look after the folder."
    )


def _is_forgotten(entry: Entry | None) -> bool:
    return entry is not None and entry.receipt.state is State.forgotten


def done_with(fingerprint: str, zone: Zone, allowed: Sequence[AllowEntry], counts: Mapping[str, int]) -> str:
    """Of a document with these findings: today's pipeline and what of the allow-list can concern it."""
    return stamped(fingerprint, allowed, None if zone.keeps_history else counts)


def _is_same_file(entry: Entry, sighting: Sighting) -> bool:
    was = entry.sighting
    return (was.size, was.modified_at, was.etag) == (sighting.size, sighting.modified_at, sighting.etag)


def _mark(sighting: Sighting, until: datetime | None) -> Sighting:
    """A superseded file counts as changed when its successor appears, moves its date or goes."""
    return sighting if until is None else replace(sighting, etag=f"{sighting.etag}|until={until.isoformat()}")
