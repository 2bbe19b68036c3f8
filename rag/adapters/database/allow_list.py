"""The allow-list in SQL: versions are added and never changed. Port `AllowList`.

Entries are asked for with every text, so they are read at most once a second; an entry's end is told by the clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError

from rag.adapters.database.engine import Database
from rag.adapters.database.schema import allow_entries
from rag.allowing import keyed
from rag.errors import Permanent
from rag.types import AllowEntry, AllowKind, Direction

_LOOK_EVERY_S = 1.0


class DatabaseAllowList:
    """See `rag.ports.AllowList`. `secret` makes the digests and is read when first needed; it stays out of the database."""

    def __init__(
        self, database: Database, *, secret: Callable[[], bytes], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._database, self._secret, self._clock = database, secret, clock
        self._read: tuple[float, dict[str, tuple[AllowEntry, ...]]] | None = None

    def digest(self, text: str) -> str:
        return keyed(self._secret())(text)

    async def record(self, entry: AllowEntry) -> None:
        """Raises `Permanent("allow_changed")` if this version is there already: somebody else was quicker."""
        values = {name: getattr(entry, name) for name in AllowEntry.__dataclass_fields__}
        values |= {"kind": entry.kind.value, "directions": sorted(d.value for d in entry.directions)}
        try:
            async with self._database.write() as connection:
                await connection.execute(insert(allow_entries).values(**values))
        except IntegrityError:
            raise Permanent(
                "allow_changed", "Somebody has changed this entry meanwhile.", hint="Look at `beleg allow list` again."
            ) from None
        self._read = None

    async def history(self) -> list[AllowEntry]:
        statement = select(allow_entries).order_by(allow_entries.c.at, allow_entries.c.id, allow_entries.c.version)
        async with self._database.read() as connection:
            rows = (await connection.execute(statement)).mappings().all()
        return [_entry(dict(row)) for row in rows]

    async def standing(self, tenant: str) -> tuple[AllowEntry, ...]:
        if self._read is None or self._clock() - self._read[0] >= _LOOK_EVERY_S:
            began = self._clock()
            newest = {entry.id: entry for entry in sorted(await self.history(), key=lambda e: e.version)}
            of_tenant: dict[str, tuple[AllowEntry, ...]] = {}
            for entry in newest.values():
                if not entry.is_revoked:
                    of_tenant[entry.tenant] = (*of_tenant.get(entry.tenant, ()), entry)
            self._read = (began, of_tenant)
        return self._read[1].get(tenant, ())


def _entry(row: dict[str, Any]) -> AllowEntry:
    directions = frozenset(Direction(name) for name in row["directions"])
    return AllowEntry(**{**row, "kind": AllowKind(row["kind"]), "directions": directions})
