"""What the chain needs from outside. One to four verbs each, our nouns only.

Every port has a contract class in `tests/contracts/` that each adapter passes, and a twin in `rag/testing.py` or `rag/testing_stores.py`.
"Down means" tells what the caller sees when the thing behind the port is unreachable.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from rag.library_port import Library as Library  # noqa: PLC0414 - they are long
from rag.library_port import Publications as Publications  # noqa: PLC0414
from rag.ports_stewards import AllowList as AllowList  # noqa: PLC0414 - ports, too
from rag.ports_stewards import Reviews as Reviews  # noqa: PLC0414
from rag.types import (
    Access,
    AuditRow,
    Brief,
    Chunk,
    Decision,
    Direction,
    Document,
    Entry,
    Erasure,
    Hit,
    IndexRecord,
    IngestDecision,
    Live,
    Parsed,
    Progress,
    Retrieved,
    Route,
    Screened,
    Sighting,
    SweepProgress,
    Usage,
    Vector,
    Vectors,
    Zone,
)


class Landing(Protocol):
    """Where documents lie. Down means `Temporary`: an unreachable zone is never an empty one."""

    async def zone(self, zone: Zone) -> Zone:
        """With the settings that lie in the zone now, but for what is fixed. Raises `Permanent`: `bad_zone_file`,
        `zone_tenant`.
        """
        ...

    async def sightings(self, zone: Zone) -> list[Sighting]:
        """Every file except sidecars and `zone.yaml`, sorted by path. Raises `Temporary` if the zone has vanished."""
        ...

    async def read(self, zone: Zone, path: str) -> Document:
        """The file with its sidecar applied. Raises `Permanent` for a bad sidecar, an over-large or unsafe path."""
        ...

    async def supersessions(self, zone: Zone) -> dict[str, datetime]:
        """Path → instant from which a newer document (its sidecar's `supersedes`) replaces it; the earliest wins.

        A successor without `valid_from` replaces at once (`datetime.min`, UTC). Unreadable sidecars are left to
        `read`, which reports them for their own file.
        """
        ...

    def document_id(self, zone: Zone, path: str) -> str:
        """The identity of a place: digest of tenant, zone and path."""
        ...


class Parser(Protocol):
    """Bytes → text with structure. A crash or hang of one file is that file's `Permanent`, nobody else's."""

    @property
    def revision(self) -> str:
        """Changes whenever the same bytes would be read differently."""
        ...

    async def parse(self, document: Document) -> Parsed: ...


class Guard(Protocol):
    """Finds personal and medical content and applies the policy's decision. Down means refuse."""

    @property
    def revision(self) -> str:
        """Digest of recognizers, term lists, thresholds and the DLP policy."""
        ...

    async def screen(self, text: str, *, direction: Direction, context: Mapping[str, str | None]) -> Screened:
        """`context` holds policy attributes: usecase_class, tenant, business_unit, user_role, endpoint_class, zone."""
        ...


class Embedder(Protocol):
    """Texts → vectors. Deterministic. Down means `Temporary`."""

    @property
    def name(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    @property
    def most_tokens(self) -> int:
        """That the model reads of one text at once, without its own special ones."""
        ...

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Shape `(n, d)`, rows L2-normalised, order kept; `n` may be 0."""
        ...

    def count_tokens(self, text: str) -> int:
        """In the model's own tokens: the measure of chunks."""
        ...


class Pauses(Protocol):
    """Until when an upstream asked to be left alone: one memory for all processes. Down means `Temporary`."""

    async def until(self, upstream: str) -> datetime | None:
        """`None` if it never asked; an instant that has passed binds nobody."""
        ...

    async def pause(self, upstream: str, until: datetime) -> None:
        """Nobody asks it before that. Of two the later counts, whoever comes last."""
        ...


class Entailment(Protocol):
    """How likely a text follows from another, by a model. Down means `Temporary`."""

    async def probabilities(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """Of (premise, hypothesis), each 0..1, in their order; none for none."""
        ...


class Index(Protocol):
    """Reads published generations. Never returns a chunk that `access` does not grant. Down means `Temporary`."""

    @property
    def generation(self) -> str | None:
        """Name of the generation being read, `None` before the first publish."""
        ...

    @property
    def alarm(self) -> str | None:
        """One sentence for the operator if passages of no live version were met. They are never returned."""
        ...

    async def refresh(self) -> None:
        """Follows the last publish now; `search` does it by itself. Raises what a search would raise."""
        ...

    async def search(
        self, text: str, vector: Vector, *, language: str, access: Access, limit: int, prefetch: int
    ) -> list[Hit]:
        """Best first. `text` feeds the keyword side with `language`'s stemmer, `vector` the dense side."""
        ...


class IndexWriter(Protocol):
    """The one writer. Writing a chunk twice leaves one; nothing is visible to readers before `publish`."""

    async def upsert(self, chunks: Sequence[Chunk], vectors: Vectors) -> None: ...

    async def vectors(self, texts: Sequence[str]) -> dict[str, Vector]:
        """Of chunks written before, whose embedded text is one of these: by text, as they were written.

        The index is its own cache: what left it is no longer known, and another embedder has another index.
        """
        ...

    async def retain(
        self, document_id: str, version: str | None, keep: frozenset[str] | None = None, *,
        earlier: frozenset[str] = frozenset(),
    ) -> int:  # fmt: skip
        """Removes every chunk of the document that is not of `version` (`None`: all of it). Returns how many.

        `keep`: ids of that version's chunks under today's rules; others of the version go too. `earlier`: versions of
        which nothing is removed.
        """
        ...

    async def holds(self, document_ids: Sequence[str]) -> dict[str, int]:
        """Of each document that is still there: how many chunks, in what was written and all that is published."""
        ...

    async def publish(self) -> str:
        """Makes all written so far visible, atomically, with the record of the versions that are live now: what belongs
        to none of them is not served. Returns the generation's name; the same if nothing changed.
        """
        ...


class Policy(Protocol):
    """Rego. Error, undefined and time-out all mean no."""

    @property
    def revision(self) -> str: ...

    @property
    def screening_revision(self) -> str:
        """Digest of what `screen` decides by: a change of routing must not make every document be ingested again."""
        ...

    @property
    def ingest_revision(self) -> str:
        """Digest of what `ingest` decides by."""
        ...

    def screen(self, facts: Mapping[str, object]) -> Decision:
        """`data.dlp.decision`: what to do with a text that has these findings."""
        ...

    def ingest(self, facts: Mapping[str, object]) -> IngestDecision:
        """`data.ingest.decision`: what becomes of a document that has these findings and labels."""
        ...

    def route(self, facts: Mapping[str, object]) -> Route:
        """`data.routing.decision`: which endpoint classes may answer, best first."""
        ...


class Llm(Protocol):
    """One endpoint. Yields the draft piecewise; claims are marked `[n]`. Raises `Temporary` when it is sick."""

    @property
    def name(self) -> str: ...

    @property
    def endpoint_class(self) -> str: ...

    @property
    def model(self) -> str: ...

    @property
    def reads_surroundings(self) -> bool:
        """Whether it makes use of `Hit.wide`."""
        ...

    def draft(self, brief: Brief) -> AsyncIterator[str | Usage]:
        """Pieces of text, then exactly one `Usage` at the end."""
        ...

    def cost_usd(self, usage: Usage) -> float: ...


class Ledger(Protocol):
    """The truth about every file: rows keyed by document, with version and pipeline fingerprint."""

    async def zones(self) -> list[Zone]: ...

    async def add_zone(self, zone: Zone) -> None:
        """Adds the zone, or overwrites the one of that name. Raises `Permanent("zone_tenant")` if that is another's.

        One that is known stays held or published as it is, whatever the new one says.
        """
        ...

    async def publish_zone(self, name: str) -> None:
        """It is held no longer; a zone that nobody knows or holds stays as it is."""
        ...

    async def remove_zone(self, name: str) -> None:
        """With all that is known of its places; what is indexed of them must have been removed before."""
        ...

    async def entries(self, zone: str, paths: frozenset[str] | None = None) -> dict[str, Entry]:
        """What is known of every place in the zone, or of these, by path."""
        ...

    async def record(self, entry: Entry) -> None:
        """Overwrites what was known of this place; the stored entry carries its history (`Entry.after`)."""
        ...

    async def refingerprint(self, zone: str, before: str, after: str, *, path: str | None = None) -> None:
        """Entries made by the one pipeline count as made by the other; with `path` that of this file alone."""
        ...

    async def mark_missing(self, zone: str, paths: frozenset[str]) -> None:
        """These are missing from now on, or since they were first marked; all others of the zone are there."""
        ...


class Sweeps(Protocol):
    """How far the last sweep of each zone has come. For people to look at; nothing is decided by it."""

    async def record(self, progress: SweepProgress) -> None:
        """Overwrites what was known of the zone's sweeps."""
        ...

    async def last(self) -> dict[str, SweepProgress]:
        """By zone; zones that were never swept, or are no more, are not in it."""
        ...


class Catalog(Protocol):
    """Which indexes there are, and which documents each of those that follow holds in which state."""

    async def indexes(self) -> list[IndexRecord]:
        """Oldest first."""
        ...

    async def keep(self, record: IndexRecord) -> None:
        """Adds the index, or overwrites what was known of it; with `leads`, no other leads any more."""
        ...

    async def drop(self, index: str) -> None:
        """With all its marks."""
        ...

    async def marks(self, index: str, zone: str) -> dict[str, str]:
        """By document: what it was made from."""
        ...

    async def mark(self, index: str, zone: str, document_id: str, *, made_from: str | None, chunks: int = 0) -> None:
        """Overwrites. `made_from=None`: the index holds it no longer."""
        ...

    async def progress(self, index: str, *, since: datetime) -> Progress: ...


class Erasures(Protocol):
    """Receipts of what was taken out, oldest first. They outlive zones and ledgers."""

    async def record(self, erasure: Erasure) -> None:
        """Adds the receipt, or overwrites the one of that id."""
        ...

    async def of_document(self, document_id: str) -> list[Erasure]: ...

    async def standing(self) -> list[Erasure]:
        """All that nobody has released since."""
        ...

    async def unsigned(self) -> list[Erasure]:
        """Of those standing, the ones whose stores were not found empty yet."""
        ...

    async def is_forgotten(self, tenant: str, document_id: str, version: str) -> bool:
        """Whether this place, or these bytes anywhere in the tenant, were forgotten on request and not released."""
        ...

    async def release(self, document_id: str) -> int:
        """The document may be ingested again. Returns how many receipts that concerns."""
        ...


class Hints(Protocol):
    """Zones in which something may have changed, as told from outside. Down means `Temporary`.

    A hint is never the truth: a lost one costs what is left until the next sweep.
    """

    async def tell(self, zones: frozenset[str]) -> None:
        """Telling twice before it is taken leaves one."""
        ...

    async def take(self) -> frozenset[str]:
        """What was told since. Each is given once."""
        ...


class Signer(Protocol):
    """Signs receipts so that nobody can write one later."""

    def sign(self, content: bytes) -> str: ...

    def verifies(self, content: bytes, signature: str) -> bool: ...


class AuditLog(Protocol):
    """Append-only, hash-chained. Down means refuse, before any model is called."""

    async def ready(self) -> None:
        """Raises `Refused` if a row could not be written now."""
        ...

    async def append(self, row: AuditRow) -> str:
        """Returns the row's chained hash, hex."""
        ...


class Retrievals(Protocol):
    """What questions have found, read off the audit log. Names no question and nobody who asked."""

    async def of_tenant(self, tenant: str, *, since: datetime) -> Retrieved:
        """Since that instant, or since it is known, if that is later."""
        ...


class Releases(Protocol):
    """What is live. Down means: the last known good, and an alarm."""

    async def live(self, use_case: str) -> Live: ...
