"""Which versions a generation may serve. Written at publish from what the library holds, read with the generation.

A chunk in the engine is not yet a chunk that may be served: a run that died, a deletion that was interrupted or a hand may
have left it there. Every hit is joined to this record, and what is not in it is an orphan: never returned, and an alarm.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field

from rag.types import Classification, Publication

log = logging.getLogger(__name__)

_BYTES = 16
_MOST_NAMED = 20
MOST_ROUNDS = 4
"""A search is asked again without the orphans that it met, so that they take no hit's place; so often, then it returns
what it has. One round leaves out every orphan among its candidates."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version as a candidate names it."""

    document_id: str
    version: str


@dataclass(frozen=True, slots=True)
class Record:
    """Digests of (document, version, protection class): a copy left in another class is an orphan too."""

    keys: frozenset[bytes] = field(repr=False)

    @classmethod
    def of(cls, live: Iterable[Publication]) -> Record:
        return cls(
            frozenset(
                _key(Version(one.document_id, one.version), part)
                for one in live
                for part in (Classification if one.classification is None else (one.classification,))
            )
        )

    def holds(self, version: Version, part: Classification) -> bool:
        return _key(version, part) in self.keys

    def dump(self) -> bytes:
        return b"".join(sorted(self.keys))

    @classmethod
    def parse(cls, dumped: bytes) -> Record:
        return cls(frozenset(dumped[at : at + _BYTES] for at in range(0, len(dumped), _BYTES)))

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.dump()).hexdigest()


class Orphans:
    """What was met of no live version, told once each."""

    def __init__(self) -> None:
        self._met: set[tuple[Classification, Version]] = set()

    def met(self, part: Classification, versions: Iterable[Version], generation: str) -> None:
        fresh = {(part, version) for version in versions} - self._met
        if fresh:
            self._met |= fresh
            facts = {
                "generation": generation,
                "part": part.name,
                "documents": sorted({v.document_id for _, v in fresh})[:_MOST_NAMED],
            }
            log.error("index.orphans", extra=facts)

    def clear(self) -> None:
        """Another generation may be free of them."""
        self._met.clear()

    @property
    def alarm(self) -> str | None:
        if not self._met:
            return None
        return (
            f"The index holds passages of {len(self._met)} versions that are not published. They are not served. Run "
            "`beleg ingest`; if they stay, move the index folder away and ingest anew."
        )


def _key(version: Version, part: Classification) -> bytes:
    named = f"{version.document_id}\n{version.version}\n{part.name}"
    return hashlib.sha256(named.encode()).digest()[:_BYTES]
