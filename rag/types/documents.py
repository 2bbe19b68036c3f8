"""A document's way in: `Document` → `Parsed` → `Cleared` → `Chunk` → `Vector` → `Receipt`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from rag.errors import Permanent
from rag.types.chunking import ChunkSetting
from rag.types.labels import Action, Classification, Decision, Labels


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A landing zone: a URL and what holds for every document in it (sidecars may override).

    Attributes:
        url: fsspec URL; a plain path means a local folder.
        languages: ISO 639-1 codes that occur; empty = detect among all supported.
        deletion_limit: share of the zone's documents, 0..1, that may vanish between two sweeps before somebody is asked.
        retention_days: age of a file, by its time of change, after which it leaves the index; `None` = never.
        chunking: cells of the table of chunk rules that are the zone's own, sorted.
        keeps_history: whether a replaced file's earlier versions answer questions as of a time before.
        held: whether nothing of it may be ingested yet; only `Ledger.publish_zone` ends it.
        fixed: names of settings that were given when it was added; the zone's own file does not change them.
    """

    name: str
    url: str
    tenant: str
    owner: str
    classification: Classification
    business_unit: str | None = None
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    readers: frozenset[str] = frozenset()
    languages: tuple[str, ...] = ()
    deletion_limit: float = 0.15
    retention_days: int | None = None
    chunking: tuple[ChunkSetting, ...] = ()
    keeps_history: bool = False
    held: bool = False
    fixed: frozenset[str] = frozenset()

    @property
    def is_folder(self) -> bool:
        """Of this machine; otherwise it lies in a store that `url` names."""
        return "://" not in self.url or self.url.startswith("file://")

    def require_tenant(self, known: str | None) -> None:
        """Raises `Permanent("zone_tenant")` if a zone of this name belongs to another tenant.

        The tenant is part of every document's identity: what was indexed for the old one would stay his.
        """
        if known not in {None, self.tenant}:
            raise Permanent(
                "zone_tenant", f"The zone {self.name} belongs to the tenant {known}, not {self.tenant}.",
                hint=f"Give it another name, or `beleg zone remove {self.name}` first.",
            )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """A file seen in a zone, not yet read. `path` is relative to the zone, `/`-separated, NFC, never `..`."""

    zone: str
    path: str
    size: int
    modified_at: datetime
    etag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One version of a file, as bytes, with its labels.

    Attributes:
        id: stable over versions: digest of tenant, zone and path.
        version: sha256 of the bytes, hex.
        title: from the sidecar, if it names one.
        language: from the sidecar, if it names one.
        supersedes: path in the same zone that this document replaces from its `valid_from` on.
    """

    id: str
    version: str
    zone: str
    path: str
    uri: str
    content: bytes = field(repr=False)
    modified_at: datetime
    labels: Labels
    title: str | None = None
    language: str | None = None
    supersedes: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle on a page, as fractions of its width and height, origin top left, so that it fits any rendering."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a span of the text stands in the file, for citations that open it. Unset = not applicable.

    Attributes:
        start, end: span in the text of the `Parsed` or `Cleared` that holds this place.
        page: 1-based. boxes: one per line (PDF).
        slide: 1-based. sheet, cells: e.g. `"Preise"`, `"A1:D12"`. part: e.g. an attachment's file name.
    """

    start: int
    end: int
    page: int | None = None
    box: Box | None = None
    slide: int | None = None
    sheet: str | None = None
    cells: str | None = None
    part: str | None = None


ElementKind = Literal["title", "paragraph", "list_item", "table", "slide", "message"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """A typed piece of a parsed document.

    Attributes:
        start, end: span in the text that holds it.
        level: of a title, 1 = top; `None` otherwise.
        headings: titles above this element, outermost first.
        header_end: of a table: `text[start:header_end]` is its header row, repeated when the table is cut.
    """

    kind: ElementKind
    start: int
    end: int
    level: int | None = None
    headings: tuple[str, ...] = ()
    header_end: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """What a parser read: one text, and typed elements and places that point into it.

    `text` is NFC without control characters except newline and tab. Table rows are lines, cells joined by " | ".

    Attributes:
        elements: in reading order, not overlapping.
        places: sorted by start, not overlapping; fine (a line of a PDF, a row of a sheet, a slide).
        echoes: where the words of a span stand once more on other pages (a running head): the text has them once,
            but a mask must cover them all.
        pages: number of pages, slides or sheets, where the format has them.
        parser: revision of the parser that read it.
    """

    document: Document
    media_type: str
    title: str
    text: str = field(repr=False)
    elements: tuple[Element, ...] = field(repr=False)
    places: tuple[Place, ...] = field(repr=False)
    pages: int | None = None
    echoes: tuple[Place, ...] = field(default=(), repr=False)
    parser: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something the guard recognised. Spans point into the screened (not the redacted) text; no text is kept."""

    entity: str
    start: int
    end: int
    score: float
    recognizer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Screened:
    """A text that has passed the guard. `text` is already redacted as the decision says; empty if blocked.

    Attributes:
        counts: findings per entity type, e.g. `{"PERSON": 2}`: all that a log may know.
        allowed: the same of what was found and left standing, because the allow-list says so; none of it is a finding.
        medical_density: medical terms per 100 words. medical_categories: e.g. `{"diagnosis"}`.
    """

    text: str = field(repr=False)
    decision: Decision
    findings: tuple[Finding, ...]
    counts: dict[str, int]
    medical_density: float = 0.0
    medical_categories: frozenset[str] = frozenset()
    allowed: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Raised:
    """That a policy has put a document among fewer readers than its owner had. `before`: what the owner had said."""

    before: Classification
    rule: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleared:
    """A parsed document that DLP has passed. Only this can be chunked.

    Same shape as `Parsed`, after redaction: elements and places have been moved along with the text.

    Attributes:
        masked: places (page and box) under which personal data stood, to black out when a page is drawn.
        language: ISO 639-1, of most of the text.
        raised: set if the classification in `document.labels` is a policy's and no longer the owner's.
        parser: revision of the parser that read it; "" = nobody wrote it down.
    """

    document: Document
    media_type: str
    title: str
    text: str = field(repr=False)
    elements: tuple[Element, ...] = field(repr=False)
    places: tuple[Place, ...] = field(repr=False)
    pages: int | None
    language: str
    decision: Decision
    counts: dict[str, int]
    masked: tuple[Place, ...] = ()
    raised: Raised | None = None
    parser: str = ""

    @property
    def is_redacted(self) -> bool:
        """Whether the text differs from what was parsed."""
        return self.decision.action is Action.redact


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """A citable slice of a cleared document.

    Attributes:
        id: UUID string, a function of document, version, rule set and position.
        start, end: span in `Cleared.text`; `text == cleared.text[start:end]` always.
        context: what a reader needs to understand the slice but must not be quoted: title, headings, and a table's
            header if `start` lies below it. Embedded and indexed together with the text.
        places: those of the document that overlap the span, with spans in `Cleared.text`.
        language: ISO 639-1.
        labels: all that a reader must hold.
    """

    id: str
    document_id: str
    version: str
    zone: str
    path: str
    uri: str
    title: str
    media_type: str
    position: int
    start: int
    end: int
    text: str = field(repr=False)
    context: str = field(repr=False)
    places: tuple[Place, ...] = field(repr=False)
    language: str
    labels: Labels

    @property
    def embedded_text(self) -> str:
        """What the embedding model reads."""
        return f"{self.context}\n{self.text}" if self.context else self.text


Vector = NDArray[np.float32]
"""Shape `(d,)`, L2-normalised."""

Vectors = NDArray[np.float32]
"""Shape `(n, d)`, rows L2-normalised."""


class State(StrEnum):
    """What has become of a document version. All but `indexed` carry a reason.

    `discovered` waits and is tried again by every sweep; `blocked` has failed too often and waits for a person;
    `forgotten` is not read again until a person allows it.
    """

    discovered = "discovered"
    blocked = "blocked"
    indexed = "indexed"
    quarantined = "quarantined"
    deleted = "deleted"
    forgotten = "forgotten"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of one file in one sweep.

    Attributes:
        code: stable, e.g. `indexed`, `indexed_redacted`, `indexed_raised`, `unchanged`, `empty_file`, `password_protected`.
        reason: one sentence that a data owner understands, in English; "" when there is nothing to say.
        hint: what the data owner can do next; "" when nothing is needed.
    """

    zone: str
    path: str
    document_id: str
    version: str | None
    state: State
    code: str
    reason: str = ""
    hint: str = ""
    chunks: int = 0
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What a ledger remembers of a place from one entry to the next.

    Attributes:
        added_at: when the place was first known, or came back after it was taken out.
        changed_at: when other bytes were last read there; `added_at` until then.
        since: since when it has been in its present state, however often that was recorded.
        version: the last one read; `None` if none ever was.
    """

    added_at: datetime
    changed_at: datetime
    since: datetime
    version: str | None


_OUT = frozenset({State.deleted, State.forgotten})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What the ledger knows of one place in a zone.

    Attributes:
        fingerprint: of the pipeline that made the receipt.
        sighting: what the receipt was made from.
        attempts: how often in a row this sighting has failed by its own fault.
        recorded_at: when the receipt was written.
        missing_since: since when the file is not seen, while its deletion waits for a person; `None` = it is there.
        history: written by the ledger, whatever a caller gives; no part of what makes two entries equal.
    """

    receipt: Receipt
    fingerprint: str
    sighting: Sighting
    attempts: int = 0
    recorded_at: datetime
    missing_since: datetime | None = None
    history: History | None = field(default=None, compare=False)

    def after(self, before: Entry | None) -> Entry:
        """This entry with its history, given what was known of the place until now."""
        at, version, was = self.recorded_at, self.receipt.version, None if before is None else before.history
        state, old = self.receipt.state, None if before is None else before.receipt.state
        if was is None or (old in _OUT and state not in _OUT):
            return replace(self, history=History(added_at=at, changed_at=at, since=at, version=version))
        is_other = version is not None and was.version not in {None, version}
        history = History(
            added_at=was.added_at, changed_at=at if is_other else was.changed_at,
            since=was.since if state is old else at, version=version or was.version,
        )  # fmt: skip
        return replace(self, history=history)
