"""The allow-list as it would be with one more version: for whoever wants to see first what that would change."""

from __future__ import annotations

from rag.ports import AllowList
from rag.types import AllowEntry


class Supposing:
    """See `rag.ports.AllowList`; nothing can be recorded through it."""

    def __init__(self, allow_list: AllowList, supposed: AllowEntry) -> None:
        self._allow_list, self._supposed = allow_list, supposed

    def digest(self, text: str) -> str:
        return self._allow_list.digest(text)

    async def record(self, entry: AllowEntry) -> None:
        raise NotImplementedError

    async def history(self) -> list[AllowEntry]:
        return [*await self._allow_list.history(), self._supposed]

    async def standing(self, tenant: str) -> tuple[AllowEntry, ...]:
        others = [e for e in await self._allow_list.standing(tenant) if e.id != self._supposed.id]
        counts = self._supposed.tenant == tenant and not self._supposed.is_revoked
        return (*others, self._supposed) if counts else tuple(others)
