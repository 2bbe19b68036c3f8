"""The port of the texts, and of what may be answered from. Reached through `rag.ports`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from rag.types import Cleared, Kept, Publication


class Publications(Protocol):
    """Which versions may be answered from: the record that every hit is joined to. Down means `Temporary`."""

    async def live(self) -> Sequence[Publication]: ...


class Library(Protocol):
    """Cleared documents as stored, so that a quote can be checked and a source opened.

    While an index is built for a new parser, the current version is there in two readings: that of each parser.
    """

    async def keep(self, cleared: Cleared, *, earlier: Sequence[Kept] | None = None) -> None:
        """As the current version. `earlier`: exactly these are kept of those before it; `None` = no history, and what it
        replaces can be opened for a while yet. In one step: at any instant one version is the current one. Other
        readings of it go: they may have other labels.
        """
        ...

    async def add(self, cleared: Cleared) -> bool:
        """As another parser has read the current version, beside what is there. False: it is the current one no more."""
        ...

    async def history(self, document_id: str) -> list[Kept]:
        """The current version and the earlier ones, also those that are withheld."""
        ...

    async def withhold(self, document_id: str, at: datetime, *, oldest: datetime | None = None) -> None:
        """The current version ends, and none is live or can be opened until the next is kept; none is forgotten but those of
        files that were changed last before `oldest`.
        """
        ...

    async def aged(self, before: datetime) -> frozenset[str]:
        """Documents that keep an earlier version of a file that was changed last before this instant."""
        ...

    async def cleared(self, document_id: str, version: str) -> Cleared | None:
        """The stored text with its labels, of several readings the first; `document.content` is empty. The caller checks
        access.
        """
        ...

    async def readings(self, document_id: str, version: str) -> list[Cleared]:
        """All of them, by age. A passage stands in the one whose text it is."""
        ...

    async def versions(self, document_id: str) -> int:
        """How many versions' texts are kept."""
        ...

    async def live(self) -> Sequence[Publication]:
        """Of every document the version that was kept last, and its earlier ones. Port `Publications`."""
        ...

    async def forget(self, document_id: str) -> int:
        """Removes every version's text. Returns how many there were."""
        ...

    async def overwrite(self) -> None:
        """What was forgotten can be read nowhere on this machine's disk from here on. Raises `Temporary`."""
        ...
