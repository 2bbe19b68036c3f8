"""What an index in a server is made of, whichever server: names, conditions, points, and the few things it has to do.

A point is a chunk as one generation wrote it, and says from which generation on it is read, and up to which:
`read_since <= generation < read_until`. So a publish moves one number, whatever it changes, nothing that is written is
visible before it, and nothing is copied.

    <prefix>                              alias of the meta part whose index is read; moves when the profile changes
    <prefix>-<profile>-meta               the pointer to the generation that is read, and term statistics of each
    <prefix>-<profile>-<classification>   the points
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol
from uuid import NAMESPACE_URL, uuid5

from rag.adapters.index.generations import Profile
from rag.adapters.index.payload import granted_readers, granted_units
from rag.adapters.index.record import Version
from rag.errors import Temporary
from rag.types import Access, Classification, Vector

OPEN = 2**53
"""`read_until` of what no publish has taken out yet."""
POINTER, ERASED, IDENTITY = "pointer", "erased", "identity"


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Of one index in a server that may hold many. Letters, digits and dashes alone: every server takes them."""

    prefix: str
    profile: Profile

    @property
    def _of_profile(self) -> str:
        return f"{self.prefix}-{hashlib.sha256(repr(self.profile).encode()).hexdigest()[:12]}"

    @property
    def meta(self) -> str:
        return f"{self._of_profile}-meta"

    def of(self, classification: Classification) -> str:
        return f"{self._of_profile}-{classification.name.replace('_', '-')}"

    @property
    def all(self) -> tuple[str, ...]:
        """The pointer's part first: without it nothing is read."""
        return (self.meta, *(self.of(part) for part in Classification))


def point_id(chunk_id: str, generation: int) -> str:
    return str(uuid5(NAMESPACE_URL, f"{chunk_id}/{generation}"))


def statistics_key(generation: int) -> str:
    return f"statistics-{generation}"


def record_key(generation: int) -> str:
    return f"record-{generation}"


# --- conditions ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class In:
    """The field, or one of its values if it has many, is one of these."""

    field: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Compared:
    """A number against a number."""

    field: str
    how: Literal["eq", "lt", "le", "gt"]
    value: float


Condition = In | Compared


@dataclass(frozen=True, slots=True)
class Wanted:
    """Points for which all of these hold, without those for which all of a group of `but` hold."""

    all: tuple[Condition, ...]
    but: tuple[tuple[Condition, ...], ...] = ()


def read_at(generation: int) -> tuple[Condition, ...]:
    """What a reader of the generation sees."""
    return Compared("read_since", "le", generation), Compared("read_until", "gt", generation)


def is_open() -> Condition:
    return Compared("read_until", "eq", OPEN)


def granted(access: Access, generation: int, without: Collection[Version] = ()) -> Wanted:
    """The access rules inside one collection, and what the generation holds."""
    at = access.at.timestamp()
    rules: list[Condition] = [
        In("tenant", (access.tenant,)),
        In("business_unit", tuple(granted_units(access))),
        In("readers", tuple(granted_readers(access))),
        Compared("valid_from", "le", at),
        Compared("valid_until", "gt", at),
        *read_at(generation),
    ]
    if access.zones is not None:
        rules.append(In("zone", tuple(sorted(access.zones))))
    return Wanted(
        tuple(rules), but=tuple((In("document_id", (v.document_id,)), In("version", (v.version,))) for v in without)
    )


def outdated(document_id: str, version: str | None, keep: frozenset[str] | None, earlier: frozenset[str]) -> Wanted:
    """Open points of the document that are neither of the version nor of `earlier`, or of it but not among `keep`."""
    of_document = (In("document_id", (document_id,)), is_open())
    if version is None:
        return Wanted(of_document)
    current: list[Condition] = [In("version", (version,))]
    if keep is not None:
        current.append(In("chunk", tuple(sorted(keep))))
    stays = [tuple(current)]
    if earlier:
        stays.append((In("version", tuple(sorted(earlier))),))
    return Wanted(of_document, but=tuple(stays))


# --- what is stored -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A chunk as it is written. `payload` is `payload_of(chunk)` with `chunk`, `read_since` and `read_until`."""

    id: str
    dense: Vector = field(repr=False)
    words: Mapping[int, float] = field(repr=False)
    payload: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A point as it comes back, as far as it was asked for."""

    id: str
    payload: dict[str, Any] = field(repr=False)
    dense: Vector | None = field(default=None, repr=False)
    words: frozenset[int] = field(default=frozenset(), repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """What each side thinks, by point; and which chunk of which version a point is."""

    dense: dict[str, float]
    sparse: dict[str, float]
    chunks: dict[str, str]
    versions: dict[str, Version]


class Store(Protocol):
    """One server. Every call raises `Temporary("index_unavailable")` when it does not do what it was asked."""

    async def create(self) -> None:
        """Every part that is not there yet."""
        ...

    async def drop(self) -> None:
        """Every part, and the alias if readers follow this one."""
        ...

    async def fact(self, key: str) -> dict[str, Any] | None:
        """From the meta part; `None` also before that is there."""
        ...

    async def live_fact(self, key: str) -> dict[str, Any] | None:
        """From the meta part that readers follow."""
        ...

    async def state(self, key: str, fact: Mapping[str, Any]) -> None: ...

    async def unstate(self, keys: Sequence[str]) -> None: ...

    async def follow(self) -> None:
        """Readers follow this meta part from now on, atomically."""
        ...

    async def write(self, part: Classification, points: Sequence[Point]) -> None:
        """Readable by `scan` on return."""
        ...

    def scan(
        self, part: Classification, wanted: Wanted, fields: Sequence[str], *, dense: bool = False, words: bool = False
    ) -> AsyncIterator[Stored]: ...

    async def count(self, part: Classification, wanted: Wanted) -> int: ...

    async def end(self, part: Classification, wanted: Wanted, generation: int) -> None:
        """`read_until` of all these becomes the generation."""
        ...

    async def delete(self, part: Classification, wanted: Wanted) -> None: ...

    async def propose(
        self, part: Classification, wanted: Wanted, vector: Vector, words: Mapping[int, float], limit: int
    ) -> Scores:
        """The best of each side; a point that one side alone proposes may lack the other's score."""
        ...

    async def score(
        self, part: Classification, ids: Sequence[str], vector: Vector, words: Mapping[int, float]
    ) -> Scores:
        """What each side thinks of these points."""
        ...

    async def payloads(self, part: Classification, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """By point."""
        ...


def unavailable(error: Exception) -> Temporary:
    """What a client raises may name values: only its kind is kept."""
    return Temporary(
        "index_unavailable", f"The index server does not do what it was asked ({type(error).__name__}).",
        hint="Check its address in the settings and its own log, and try again.", after_s=5.0,
    )  # fmt: skip
