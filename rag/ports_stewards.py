"""The ports behind which stands what stewards have said. Part of `rag.ports`, where everybody finds them."""

from __future__ import annotations

from typing import Protocol

from rag.types import AllowEntry, Review


class Reviews(Protocol):
    """What stewards have said about documents that the guard held back."""

    async def record(self, review: Review) -> None:
        """Overwrites an earlier verdict on this version."""
        ...

    async def of(self, document_id: str, version: str) -> Review | None: ...


class AllowList(Protocol):
    """What people have said is no personal data. Versions are only added. Down means `Temporary`: nothing passes then."""

    def digest(self, text: str) -> str:
        """Under this instance's key; the same text gives the same digest."""
        ...

    async def record(self, entry: AllowEntry) -> None:
        """Adds a version. Raises `Permanent("allow_changed")` if that version is there already."""
        ...

    async def history(self) -> list[AllowEntry]:
        """Every version of every entry, oldest first."""
        ...

    async def standing(self, tenant: str) -> tuple[AllowEntry, ...]:
        """The tenant's entries as they are now, without what was revoked; what has expired may be among them. May be a
        second old, unless this very object has recorded something since.
        """
        ...
