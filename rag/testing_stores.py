"""More in-memory twins, beside `rag.testing`: of what people have said about documents."""

from __future__ import annotations

from dataclasses import replace

from rag.allowing import keyed
from rag.errors import Permanent, Temporary
from rag.types import AllowEntry, Erasure, ErasureRule, now


class MemoryErasures:
    """Receipts by id, in the order of the erasures."""

    def __init__(self) -> None:
        self._receipts: dict[str, Erasure] = {}

    async def record(self, erasure: Erasure) -> None:
        self._receipts[erasure.id] = erasure

    async def of_document(self, document_id: str) -> list[Erasure]:
        return [one for one in self._receipts.values() if one.document_id == document_id]

    async def standing(self) -> list[Erasure]:
        return [one for one in self._receipts.values() if one.released_at is None]

    async def unsigned(self) -> list[Erasure]:
        return [one for one in await self.standing() if one.signature is None]

    async def is_forgotten(self, tenant: str, document_id: str, version: str) -> bool:
        return any(
            (one.tenant == tenant and one.rule is ErasureRule.request and document_id == one.document_id)
            or (one.tenant == tenant and one.rule is ErasureRule.request and version == one.version)
            for one in await self.standing()
        )  # fmt: skip

    async def release(self, document_id: str) -> int:
        found = [one for one in await self.standing() if one.document_id == document_id]
        self._receipts |= {one.id: replace(one, released_at=now()) for one in found}
        return len(found)


class MemoryAllowList:
    """Versions in the order in which they came; the key is known to everybody."""

    def __init__(self, *entries: AllowEntry) -> None:
        self._versions = list(entries)
        self.down = False

    def digest(self, text: str) -> str:
        return keyed(b"test")(text)

    async def record(self, entry: AllowEntry) -> None:
        if any((known.id, known.version) == (entry.id, entry.version) for known in self._versions):
            raise Permanent("allow_changed", "Somebody has changed this entry meanwhile.")
        self._versions.append(entry)

    async def history(self) -> list[AllowEntry]:
        if self.down:
            raise Temporary("database.unavailable", "The allow-list cannot be read.")
        return sorted(self._versions, key=lambda entry: (entry.at, entry.id, entry.version))

    async def standing(self, tenant: str) -> tuple[AllowEntry, ...]:
        newest = {entry.id: entry for entry in sorted(await self.history(), key=lambda entry: entry.version)}
        return tuple(e for e in newest.values() if e.tenant == tenant and not e.is_revoked)
