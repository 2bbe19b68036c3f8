"""A question's way through: `Question` → `Hit` → `Route` → `Brief` → `Answer` (with `Citation`s) → `AuditRow`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Literal

from rag.types.documents import Chunk, Place
from rag.types.labels import Classification, Decision, Principal


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
        min_answerability: below this score of the best sentence the embedded endpoint says nothing (0..1). A
            generative endpoint judges by itself; its claims are verified all the same.
        surroundings: tokens of its document that a generative endpoint gets to read around each hit; 0 = the hit alone,
            as in recipes from before there was such a setting.
    """

    limit: int = 8
    prefetch: int = 50
    min_answerability: float = 0.5
    surroundings: int = 0


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
    """One request. `turns` ends with the user's question; earlier turns are the conversation.

    Attributes:
        as_of: documents count that were valid then; `None` = now. What the asker may read is always today's.
    """

    id: str
    asker: Principal
    use_case: UseCase
    turns: tuple[Turn, ...]
    at: datetime
    max_tokens: int | None = None
    as_of: datetime | None = None

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
        wide: the chunk with what stands around it in its document; `None` = nothing more is read.
    """

    chunk: Chunk
    score: float
    dense: float | None = None
    sparse: float | None = None
    wide: Chunk | None = None

    @property
    def passage(self) -> Chunk:
        """What a model reads of it, and what its claims are checked against."""
        return self.wide or self.chunk


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
        min_answerability: see `RetrievalSettings`.
    """

    question: str = field(repr=False)
    turns: tuple[Turn, ...] = field(repr=False)
    evidence: tuple[Hit, ...] = field(repr=False)
    prompt: Prompt
    language: str
    max_tokens: int | None = None
    min_answerability: float = 0.5


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
    as_of: datetime | None = None
    """Of which instant the answer is; `None` = of now."""


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
