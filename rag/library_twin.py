"""The library in memory: the twin of the one in SQL, for tests. Reached through `rag.testing`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from rag.types import Cleared, Kept, Publication


class MemoryLibrary:
    """Versions by document and version; what was replaced without a history can be opened for ever."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], Kept] = {}
        self._added: dict[tuple[str, str], list[Cleared]] = {}
        self._replaced: set[tuple[str, str]] = set()

    async def keep(self, cleared: Cleared, *, earlier: Sequence[Kept] | None = None) -> None:
        name, made = cleared.document.id, [*(earlier or ()), Kept(cleared=_emptied(cleared))]
        rows = {(name, kept.cleared.document.version): kept for kept in made}
        others = {key: kept for key, kept in self._kept.items() if key[0] == name and key not in rows}
        for key, kept in others.items():
            if kept.ended_at is None:
                self._replaced.add(key)
            else:
                del self._kept[key]
        self._kept |= rows
        self._replaced -= rows.keys()
        for key in rows:
            self._added.pop(key, None)

    async def add(self, cleared: Cleared) -> bool:
        key = (cleared.document.id, cleared.document.version)
        kept = self._kept.get(key)
        if kept is None or kept.ended_at is not None or key in self._replaced:
            return False
        if cleared.parser == kept.cleared.parser:
            self._kept[key] = Kept(cleared=_emptied(cleared))
        else:
            others = [one for one in self._added.get(key, []) if one.parser != cleared.parser]
            self._added[key] = [*others, _emptied(cleared)]
        return True

    async def history(self, document_id: str) -> list[Kept]:
        return [kept for key, kept in self._kept.items() if key[0] == document_id and key not in self._replaced]

    async def withhold(self, document_id: str, at: datetime, *, oldest: datetime | None = None) -> None:
        found = {key: kept for key, kept in self._kept.items() if key[0] == document_id}
        for key, kept in found.items():
            self._kept[key] = replace(kept, ended_at=kept.ended_at or at, made_with="")
            if key in self._replaced or (oldest is not None and kept.cleared.document.modified_at < oldest):
                del self._kept[key]

    async def aged(self, before: datetime) -> frozenset[str]:
        return frozenset(
            key[0] for key, kept in self._kept.items() if kept.ended_at and kept.cleared.document.modified_at < before
        )

    async def cleared(self, document_id: str, version: str) -> Cleared | None:
        kept = self._kept.get((document_id, version))
        return None if kept is None or _is_withheld(kept) else kept.cleared

    async def readings(self, document_id: str, version: str) -> list[Cleared]:
        first = await self.cleared(document_id, version)
        return [] if first is None else [first, *self._added.get((document_id, version), [])]

    async def versions(self, document_id: str) -> int:
        return sum(key[0] == document_id for key in self._kept)

    async def live(self) -> list[Publication]:
        return [
            Publication(document_id=key[0], version=key[1], classification=part)
            for key, kept in self._kept.items()
            if key not in self._replaced and not _is_withheld(kept)
            for part in {one.document.labels.classification for one in (kept.cleared, *self._added.get(key, []))}
        ]

    async def forget(self, document_id: str) -> int:
        count = await self.versions(document_id)
        self._kept = {key: value for key, value in self._kept.items() if key[0] != document_id}
        self._added = {key: value for key, value in self._added.items() if key[0] != document_id}
        return count

    async def overwrite(self) -> None:
        """There is no disk."""


def _emptied(cleared: Cleared) -> Cleared:
    return replace(cleared, document=replace(cleared.document, content=b""))


def _is_withheld(kept: Kept) -> bool:
    return kept.ended_at is not None and not kept.made_with
