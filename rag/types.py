"""The nouns that travel. Frozen values; no behaviour beyond what a value knows of itself.

A document: `Document` → `Parsed` → `Cleared` → `Chunk` → `Vector` → `Receipt`.
A question: `Question` → `Hit` → `Route` → `Draft` → `Answer` (with `Citation`s) → `AuditRow`.

Spans are half-open `[start, end)` in code points. `None` means unknown, never zero.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum, StrEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

# --- what everybody speaks of ---------------------------------------------------------------------------------


class Classification(IntEnum):
    """How far a text may travel. Ordered: a reader's clearance must be at least this."""

    public = 0
    internal = 1
    confidential = 2
    highly_confidential = 3


class Direction(StrEnum):
    """Which way a text passes the guard."""

    ingest = "ingest"
    input = "input"
    output = "output"


class Action(StrEnum):
    """What a policy may say about a text or a request."""

    allow = "allow"
    redact = "redact"
    block = "block"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A policy's word. Nothing is decided anywhere else.

    Attributes:
        rule: stable id of the Rego rule that fired, e.g. `dlp.pii_with_medical_terms`.
        reason: one sentence for people; never contains content.
        revision: digest of the policy set that decided.
    """

    action: Action
    rule: str
    reason: str
    revision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """All that a reader must hold; copied from the zone and the document into every chunk. No defaults on purpose.

    Attributes:
        business_unit: `None` = the whole tenant may read.
        readers: groups of which one is needed; empty = every group.
        valid_from, valid_until: `valid_from <= now < valid_until`; `None` = unbounded. Aware datetimes.
    """

    tenant: str
    business_unit: str | None
    classification: Classification
    readers: frozenset[str]
    valid_from: datetime | None
    valid_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who asks. There is no default principal: authentication makes one or refuses."""

    subject: str
    tenant: str
    business_units: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset({"user"})
    groups: frozenset[str] = frozenset()
    clearance: Classification = Classification.internal


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """What an index may return: turned into index filters, never checked after the fact.

    Attributes:
        clearance: the lower of the asker's clearance and the use case's protection class.
        zones: names of zones that the use case may search; `None` = every zone of the tenant.
        at: the instant at which a document must be valid.
    """

    tenant: str
    business_units: frozenset[str]
    groups: frozenset[str]
    clearance: Classification
    zones: frozenset[str] | None
    at: datetime


# --- a document's way in --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A landing zone: a URL and what holds for every document in it (sidecars may override).

    Attributes:
        url: fsspec URL; a plain path means a local folder.
        languages: ISO 639-1 codes that occur; empty = detect among all supported.
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
        pages: number of pages, slides or sheets, where the format has them.
    """

    document: Document
    media_type: str
    title: str
    text: str = field(repr=False)
    elements: tuple[Element, ...] = field(repr=False)
    places: tuple[Place, ...] = field(repr=False)
    pages: int | None = None


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
        medical_density: medical terms per 100 words. medical_categories: e.g. `{"diagnosis"}`.
    """

    text: str = field(repr=False)
    decision: Decision
    findings: tuple[Finding, ...]
    counts: dict[str, int]
    medical_density: float = 0.0
    medical_categories: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleared:
    """A parsed document that DLP has passed. Only this can be chunked.

    Same shape as `Parsed`, after redaction: elements and places have been moved along with the text.

    Attributes:
        masked: places (page and box) under which personal data stood, to black out when a page is drawn.
        language: ISO 639-1, of most of the text.
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


Vector = NDArray[np.float32]
"""Shape `(d,)`, L2-normalised."""

Vectors = NDArray[np.float32]
"""Shape `(n, d)`, rows L2-normalised."""


class State(StrEnum):
    """What has become of a document version. `quarantined` and `deleted` carry a reason or a time."""

    discovered = "discovered"
    indexed = "indexed"
    quarantined = "quarantined"
    deleted = "deleted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of one file in one sweep.

    Attributes:
        code: stable, e.g. `indexed`, `indexed_redacted`, `unchanged`, `empty_file`, `password_protected`.
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


# --- a question's way through ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One message of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrievalSettings:
    """How evidence is found. Part of the recipe.

    Attributes:
        limit: hits handed on. prefetch: candidates per side before fusion.
        min_answerability: below this score of the best evidence nothing is drafted (0..1).
    """

    limit: int = 8
    prefetch: int = 50
    min_answerability: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCase:
    """What a caller names in `model`. Read from `usecases/NAME/usecase.yaml`.

    Attributes:
        zones: names; `None` = every zone of the asker's tenant.
        tenants: who may use it; `None` = every tenant. roles: one of which the asker needs.
        protection: highest classification that it may touch.
        usecase_class: policy attribute, e.g. `general`, `hr`, `clinical`.
        budget_usd: per tenant and calendar month; `None` = not limited.
    """

    name: str
    title: str
    usecase_class: str
    protection: Classification
    quality_tier: str
    budget_class: str
    prompt: str
    retrieval: RetrievalSettings
    zones: frozenset[str] | None = None
    tenants: frozenset[str] | None = None
    roles: frozenset[str] = frozenset({"user", "operator"})
    budget_usd: float | None = None
    need_websearch: bool = False
    need_tools: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """A versioned template. `version` is the sha256 of `template`, shortened to 12 hex digits."""

    name: str
    version: str
    template: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """The immutable bundle that answers. Its id is the hash of its content (`lifecycle.recipes`).

    Attributes:
        endpoints: `class:model` of every configured endpoint, in configuration order.
        index_profile: embedder, dimension, chunk rules and tokeniser, as one stable string.
        policy_revision, guard_revision: digests.
    """

    id: str
    use_case: str
    endpoints: tuple[str, ...]
    prompt: Prompt
    retrieval: RetrievalSettings
    index_profile: str
    policy_revision: str
    guard_revision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """What a pointer says: the release that answers now, and the epoch of the pointer's last move."""

    release: str
    recipe: Recipe
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One request. `turns` ends with the user's question; earlier turns are the conversation."""

    id: str
    asker: Principal
    use_case: UseCase
    turns: tuple[Turn, ...]
    at: datetime
    max_tokens: int | None = None

    @property
    def text(self) -> str:
        """What is asked now."""
        return self.turns[-1].content


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A retrieved chunk with what each side thought of it.

    Attributes:
        score: fused, 0..1, comparable within one search only.
        dense: cosine to the question, or `None` if that side did not find it. sparse: BM25 score, likewise.
    """

    chunk: Chunk
    score: float
    dense: float | None = None
    sparse: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Which endpoint classes may see this question and its evidence, best first. Empty = refused."""

    decision: Decision
    endpoint_classes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """All that a model gets to see. Built once; every text in it has passed the guard.

    Attributes:
        evidence: numbered from 1 in this order; drafts mark claims with `[n]`.
        language: ISO 639-1 of the question.
    """

    question: str = field(repr=False)
    turns: tuple[Turn, ...] = field(repr=False)
    evidence: tuple[Hit, ...] = field(repr=False)
    prompt: Prompt
    language: str
    max_tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens as the endpoint counted them; the extractive endpoint counts words."""

    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """The exact span of a document that supports a span of the answer.

    Attributes:
        number: the `[n]` in the answer.
        start, end: span of the claim in `Answer.text` (without the marker).
        quote: verbatim in the stored text: `cleared.text[quote_start:quote_end] == quote`.
        support: share of the claim's content words, numbers and names that the quote carries, 0..1.
        entailment: a model's score beside it, where one is configured.
    """

    number: int
    start: int
    end: int
    document_id: str
    version: str
    zone: str
    path: str
    uri: str
    title: str
    media_type: str
    chunk_id: str
    quote: str = field(repr=False)
    quote_start: int
    quote_end: int
    places: tuple[Place, ...] = field(repr=False)
    support: float
    entailment: float | None = None


class Outcome(StrEnum):
    """How a request ended."""

    answered = "answered"
    not_answered = "not_answered"
    blocked_input = "blocked_input"
    blocked_output = "blocked_output"
    refused = "refused"
    failed = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the asker gets. `text` equals what was streamed, character for character."""

    question_id: str
    text: str = field(repr=False)
    outcome: Outcome
    citations: tuple[Citation, ...]
    language: str
    release: str
    recipe_id: str
    epoch: int
    endpoint: str | None
    decisions: tuple[Decision, ...]
    usage: Usage
    cost_usd: float
    dropped_claims: int = 0
    searched: tuple[str, ...] = ()
    """Ids of the chunks that were retrieved, best first; for evaluation and audit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRow:
    """Metadata of one request or one administrative act. Never text.

    Attributes:
        action: e.g. `answer`, `search`, `release.promote`, `key.create`, `ingest.publish`.
        facts: ids, digests, counts, rule ids, timings in ms; JSON values only.
    """

    id: str
    at: datetime
    actor: str
    tenant: str | None
    action: str
    outcome: str
    facts: dict[str, object]


def now() -> datetime:
    """The clock, read at the edges only: steps take instants as arguments."""
    return datetime.now(UTC)
