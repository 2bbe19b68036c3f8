"""What the console gets and sends of the allow-list: findings without their texts, entries, and what a steward wants. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from pydantic import BaseModel, Field

from rag.allowing import plain
from rag.ingest.clear import Seen
from rag.types import AllowEntry

_LONGEST_REASON = 500
_LAST_DAY = date(2999, 12, 31)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What the guard finds in one version of a file now."""

    version: str
    seen: Sequence[Seen]


class FindingOut(BaseModel):
    """By its type and place; the text stands in the document alone."""

    number: int
    type: str
    score: float
    where: str


class Findings(BaseModel):
    """In the order of the text. `version`: of the bytes that were read for it."""

    version: str
    findings: list[FindingOut]


class AllowIn(BaseModel):
    """A finding of one version of one document that is no personal data."""

    zone: str = Field(max_length=200)
    document_id: str = Field(max_length=100)
    version: str = Field(max_length=100)
    finding: int = Field(ge=1, le=1_000_000, description="Its number.")
    until: date = Field(le=_LAST_DAY, description="Last day that it holds, UTC; a year ahead at most.")
    reason: str = Field(min_length=1, max_length=_LONGEST_REASON, description="One sentence, without the text.")


class RevokeIn(BaseModel):
    """Why it counts again."""

    reason: str = Field(min_length=1, max_length=_LONGEST_REASON, description="One sentence, without content.")


class AllowOut(BaseModel):
    """An entry as it is now. `zone`: unset where it holds for all of the tenant. `pattern`: unset for one exact text,
    which is kept nowhere. `may_approve`: whether this key's holder is a second person for it.
    """

    id: str
    version: int
    zone: str | None
    type: str
    pattern: str | None
    by: str
    reason: str
    approved_by: str | None
    at: datetime
    until: datetime
    may_approve: bool


class AllowList(BaseModel):
    """What holds now, newest first."""

    may_judge: bool
    entries: list[AllowOut]


def end_of(day: date) -> datetime:
    """The instant at which a day is over, UTC."""
    return datetime.combine(day + timedelta(days=1), time(), UTC)


def findings_out(found: Found) -> Findings:
    rows = [FindingOut(number=f.number, type=f.entity, score=f.score, where=f.where) for f in found.seen]
    return Findings(version=found.version, findings=rows)


def allow_out(entry: AllowEntry, *, subject: str, may_judge: bool) -> AllowOut:
    is_second = entry.approved_by is None and plain(entry.by) != plain(subject)
    return AllowOut(
        id=entry.id, version=entry.version, zone=entry.zone, type=entry.entity,
        pattern=entry.value if entry.kind.value == "pattern" else None, by=entry.by, reason=entry.reason,
        approved_by=entry.approved_by, at=entry.at, until=entry.until, may_approve=may_judge and is_second,
    )  # fmt: skip
