"""What everybody speaks of: who may see what, and what a policy says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, IntEnum, StrEnum


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


class IngestAction(Enum):
    """What the ingest policy may say about a document. `reclassify`: what is masked, and among fewer readers."""

    index = "index"
    redact = "redact"
    reclassify = "reclassify"
    quarantine = "quarantine"


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestDecision:
    """What the ingest policy says of one document.

    Attributes:
        classification: at least; of a document in quarantine, if a steward releases it. `None` = as it is labelled.
        rule, reason, revision: as of a `Decision`.
    """

    action: IngestAction
    classification: Classification | None
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


def now() -> datetime:
    """The clock, read at the edges only: steps take instants as arguments."""
    return datetime.now(UTC)
