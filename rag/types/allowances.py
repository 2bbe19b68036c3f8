"""What people have said is no personal data: entries of the allow-list."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from rag.types.labels import Direction


class AllowKind(StrEnum):
    """`text`: exactly this finding. `pattern`: findings of this shape, see `rag.allowing`."""

    text = "text"
    pattern = "pattern"


@dataclass(frozen=True, slots=True, kw_only=True)
class AllowEntry:
    """One version of one entry. Versions are only ever added; the highest of an `id` counts.

    Attributes:
        zone: where it holds, for what comes in alone; `None` = all of the tenant.
        entity: the one type of finding that it leaves out.
        value: of a text, its keyed digest: the text itself is kept nowhere. Of a pattern, the pattern.
        by, reason: who answers for it and why; without the text.
        approved_by: a second person, where one has looked at it.
        at: when this version was made; it does not hold before. until: from when on it no longer holds.
    """

    id: str
    version: int
    tenant: str
    zone: str | None
    directions: frozenset[Direction]
    entity: str
    kind: AllowKind
    value: str = field(repr=False)
    by: str
    reason: str
    approved_by: str | None = None
    at: datetime
    until: datetime
    is_revoked: bool = False

    def is_live(self, at: datetime) -> bool:
        """By the clock alone: nothing has to run when it ends."""
        return not self.is_revoked and self.at <= at < self.until

    def holds_for(self, tenant: str | None, zone: str | None, direction: Direction) -> bool:
        """A text of no known zone is of no zone that an entry could name."""
        return self.tenant == tenant and direction in self.directions and self.zone in {None, zone}
