"""Which releases read an index, and until when: from the history of the pointers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from lifecycle.ports import ReleaseStore

Reads = Callable[[str], bool]
"""Whether a recipe that names this index profile is answered from the index in question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Of an index that was live once.

    Attributes:
        read_by: use cases whose live release reads it now.
        until: when the last release left it; of no meaning while it is read.
    """

    read_by: tuple[str, ...]
    until: datetime


async def reading_of(reads: Reads, use_cases: Sequence[str], *, store: ReleaseStore) -> Reading | None:
    """Over all use cases; `None` if no live release ever read it."""
    read_by, ends = list[str](), list[datetime]()
    for use_case in use_cases:
        profiles = {release.name: release.recipe.index_profile for release in await store.releases(use_case)}
        history = await store.history(use_case)
        last = max((at for at, moved in enumerate(history) if reads(profiles[moved.release])), default=None)
        if last is None:
            continue
        is_read = last == len(history) - 1
        read_by += [use_case] if is_read else []
        ends.append(history[last if is_read else last + 1].at)
    return Reading(read_by=tuple(read_by), until=max(ends)) if ends else None
