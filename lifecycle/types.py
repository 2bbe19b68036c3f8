"""The nouns of a change: `Recipe` (in `rag`) → `Release` → `Scorecard`. Frozen values.

An evaluation: `Item` (a question with what is expected) → `Attempt` (what the chain did) → `Result` → `Scorecard`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from lifecycle.stages import Move, Stage
from rag.types import Answer, Classification, Hit, Recipe, Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A recipe with a name, a stage and a history. `name` is `USE_CASE-NUMBER`, numbers rise from 1."""

    name: str
    use_case: str
    recipe: Recipe
    stage: Stage
    created_at: datetime
    created_by: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointer:
    """What is live for a use case. `epoch` rises by one with every move of the pointer."""

    use_case: str
    release: str
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One step of a release's history, decided by `lifecycle.releases`, applied whole or not at all.

    Attributes:
        stages: per release that changes: the stage it must have now, and the one it gets.
        points_to: where the pointer goes; `None` = it stays.
        expected_epoch: the pointer's epoch that the decision was taken on; 0 = no pointer yet.
    """

    use_case: str
    move: Move
    release: str
    stages: dict[str, tuple[Stage, Stage]]
    points_to: str | None
    expected_epoch: int
    actor: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """One move of the pointer, as the history keeps it: who made what live when, and what it replaced."""

    use_case: str
    epoch: int
    move: Move
    release: str
    before: str | None
    actor: str
    reason: str
    at: datetime


# --- evaluation -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A passage that answers. `document`: `ZONE/PATH`; `quote`: as it stands there, whitespace aside."""

    document: str
    quote: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A question of an evaluation set, with what is expected.

    Attributes:
        history: earlier turns. answer_contains: all must occur in the answer; each is a tuple of alternatives.
    """

    id: str
    split: str
    language: str
    tenant: str
    clearance: Classification
    groups: frozenset[str]
    question: str = field(repr=False)
    history: tuple[Turn, ...] = field(repr=False)
    answerable: bool
    expected: tuple[Expected, ...] = field(repr=False)
    answer_contains: tuple[tuple[str, ...], ...] = field(repr=False)
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What the chain did with an item: its answer, and the evidence it retrieved, best first."""

    answer: Answer
    hits: tuple[Hit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One item's scores. No text.

    Attributes:
        failure: stable code of what went wrong; "" = nothing. A failed item has the worst score in every metric.
        scores: by metric name; only those that apply to this item.
    """

    item: str
    language: str
    answerable: bool
    failure: str
    outcome: str | None
    latency_ms: float
    scores: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A metric over a set of items with its 95 % interval.

    Attributes:
        items: how many it is the mean (or quantile) of. failed: how many of these count as failed.
    """

    name: str
    value: float
    low: float
    high: float
    items: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """What was measured.

    Attributes:
        by_language: the same measures per language of the questions.
    """

    use_case: str
    release: str
    split: str
    results: tuple[Result, ...]
    measures: tuple[Measure, ...]
    by_language: dict[str, tuple[Measure, ...]]

    @property
    def failed(self) -> int:
        return sum(bool(result.failure) for result in self.results)

    @property
    def coverage(self) -> float:
        """Share of the items that ran to an end. 0 for an empty set."""
        return 1 - self.failed / len(self.results) if self.results else 0.0

    def measure(self, name: str) -> Measure | None:
        """`None` if no item had this metric."""
        return next((m for m in self.measures if m.name == name), None)
