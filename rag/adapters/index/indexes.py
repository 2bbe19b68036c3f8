"""The indexes of this instance, open beside each other: one leads, one is read by a recipe, others are being built.

Every index is read and written with the embedder that it was built with. One whose embedder is no longer there (its
folder is gone, or an upgrade changed the words of the gloss) is answered from by its keywords alone until a new one
is moved to: no vector is ever compared with another embedder's.
"""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from rag.adapters.embedders.opening import Model, Models
from rag.adapters.index.every_writer import EveryWriter, opened_in_turn
from rag.adapters.index.generations import locked
from rag.adapters.index.opening import Opened, OpenWriter
from rag.errors import BelegError, Permanent, Temporary
from rag.ports import Catalog, Embedder, IndexWriter
from rag.types import Build, IndexRecord, IndexState, Vectors, index_for, now

log = logging.getLogger(__name__)

_FRESH_S = 1.0
"""How long a look at the catalogue is taken as still true."""


@dataclass(frozen=True, slots=True)
class AbsentEmbedder:
    """Stands where an index's own embedder is no longer there. Its vectors are zero: near to nothing, in no order.

    So a text that is written meanwhile is found by its words, like all others in that index.
    """

    name: str
    dimension: int
    measure: Embedder

    @property
    def most_tokens(self) -> int:
        return self.measure.most_tokens

    def count_tokens(self, text: str) -> int:
        return self.measure.count_tokens(text)

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Zeros, `(n, dimension)`: not normalised."""
        return np.zeros((len(texts), self.dimension), dtype=np.float32)


class Indexes:
    """Opens what is asked for and keeps it open.

    Args:
        open_one: an index by its record.
        models: every embedding model that an index may need.
        locks: folder for the lock of who builds.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        catalog: Catalog,
        *,
        open_one: Callable[[IndexRecord], Opened],
        models: Models,
        locks: Path,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.catalog = catalog
        self._open_one, self.models = open_one, models
        self._locks, self._clock = locks, clock
        self._records: list[IndexRecord] = []
        self._looked_at = float("-inf")
        self._opened: dict[IndexRecord, Opened] = {}

    async def refresh(self) -> list[IndexRecord]:
        """Looks at the catalogue now. Raises `Temporary` if it is away; `records` goes on with what is known."""
        self._records = await self.catalog.indexes()
        self._looked_at = self._clock()
        return self._records

    async def records(self) -> list[IndexRecord]:
        """Oldest first, at most a second old."""
        if self._clock() - self._looked_at >= _FRESH_S:
            try:
                await self.refresh()
            except BelegError as error:
                if not self._records:
                    raise
                log.warning("indexes.catalog_away", extra={"code": error.code})
                self._looked_at = self._clock()
        return self._records

    @property
    def lead(self) -> IndexRecord:
        """The one that files go into first."""
        return next(record for record in self._records if record.leads)

    async def named(self, name: str) -> IndexRecord:
        """Raises `Permanent("no_such_index")`."""
        records = await self.refresh()
        for record in records:
            if record.name == name:
                return record
        known = ", ".join(record.name for record in records)
        raise Permanent("no_such_index", f"There is no index {name}.", hint=f"There are: {known}.")

    async def read_by(self, profile: str) -> IndexRecord:
        """The one that a recipe names; the leading one if that is not there, or not ready."""
        return index_for(profile, await self.records())

    def opened(self, record: IndexRecord) -> Opened:
        key = replace(record, state=IndexState.ready, leads=False, ready_at=None)  # a name may come again
        if key not in self._opened:
            self._opened[key] = self._open_one(record)
        return self._opened[key]

    def has_model(self, build: Build) -> bool:
        """Whether the very embedder that it was built with is still there."""
        return self._own(build) is not None

    def model(self, build: Build) -> Model:
        """For reading and writing an index of this build."""
        own = self._own(build)
        if own is not None:
            return own
        absent = AbsentEmbedder(build.embedder, build.dimension, self.models.of("", glossed=True).ingest)
        return Model(questions=absent, ingest=absent)

    def embedder(self, build: Build) -> Embedder:
        """For questions."""
        return self.model(build).questions

    def _own(self, build: Build) -> Model | None:
        try:
            found = self.models.of(build.model, glossed=build.glossed)
        except Permanent:
            return None
        made = found.questions
        return found if (made.name, made.dimension) == (build.embedder, build.dimension) else None

    def writer(self) -> EveryWriter:
        """Of the leading index; what is taken out goes from every other too."""
        lead = self.lead

        async def others() -> list[OpenWriter]:
            return [self.opened(one).writer() for one in await self.refresh() if one.name != lead.name]

        async def still_leads() -> bool:
            await self.refresh()
            return self.lead.name == lead.name

        return EveryWriter(self.opened(lead).writer(), others, still_leads=still_leads)

    async def begin(self, build: Build) -> IndexRecord:
        """A new one, empty, which nobody reads yet. What a half-removed one of its name has left goes first."""
        number = max((record.number for record in await self.refresh()), default=0) + 1
        record = IndexRecord(
            name=f"index-{number}", build=build, state=IndexState.building, leads=False, started_at=now()
        )  # fmt: skip
        await self.opened(record).drop()
        await self.catalog.keep(record)
        await self.refresh()
        return record

    @asynccontextmanager
    async def writing(self, record: IndexRecord) -> AsyncIterator[IndexWriter]:
        """An index that follows, when it is its turn. Raises `Permanent("no_such_index")` if it was dropped meanwhile."""
        async with opened_in_turn(self.opened(record).writer()) as writer:
            await self.named(record.name)
            yield writer

    @contextmanager
    def building(self, record: IndexRecord) -> Iterator[None]:
        """For the one process that builds it. Raises `Temporary("rebuild_running")`."""
        self._locks.mkdir(parents=True, exist_ok=True)
        try:
            lock = locked(self._locks / f"{record.name}.lock")
        except Temporary as error:
            raise Temporary(
                "rebuild_running", f"{record.name} is being built by another process.",
                hint="`beleg index status` shows how far it is.",
            ) from error  # fmt: skip
        with lock:
            yield

    async def drop(self, record: IndexRecord) -> None:
        """From the catalogue first: nobody is sent to what is going. Waits for who is writing to it just now."""
        async with opened_in_turn(self.opened(record).writer()):
            await self.catalog.drop(record.name)
        await self.opened(record).drop()
        await self.opened(record).close()
        await self.refresh()

    async def close(self) -> None:
        """All that is open. A later use would open it again."""
        opened, self._opened = self._opened, {}
        for one in opened.values():
            await one.close()
