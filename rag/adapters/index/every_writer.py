"""The writer of the index that leads. What is taken out of it is taken out of every other one in the same step.

So an erasure is whole before its receipt is signed, whichever index is read now, will be or was. What is written goes to
the leading one alone; the others follow from the ledger (`rag.ingest.rebuild`).
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from types import TracebackType
from typing import Self

from rag.adapters.index.opening import OpenWriter
from rag.errors import Temporary
from rag.types import Chunk, Vector, Vectors

_PATIENCE_S = 180.0
_LOOK_EVERY_S = 0.1

Writers = Callable[[], Awaitable[Sequence[OpenWriter]]]


@asynccontextmanager
async def opened_in_turn(writer: OpenWriter, *, patience_s: float = _PATIENCE_S) -> AsyncIterator[OpenWriter]:
    """Waits while another holds the index's lock: for a batch, not for ever. Raises `Temporary("ingest_running")`."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            await writer.__aenter__()
            break
        except Temporary as error:
            if error.code != "ingest_running" or time.monotonic() > deadline:
                raise
        await asyncio.sleep(_LOOK_EVERY_S)
    try:
        yield writer
    finally:
        await writer.__aexit__(None, None, None)


class EveryWriter:
    """Port `IndexWriter`. The others are opened when something is taken out or looked for, and held to the end: nobody
    writes into them what is just being erased.
    """

    def __init__(self, lead: OpenWriter, others: Writers, *, still_leads: Callable[[], Awaitable[bool]]) -> None:
        self._lead, self._find, self._still_leads = lead, others, still_leads
        self._others: list[OpenWriter] | None = None
        self._held = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Raises `Temporary`: at once `ingest_running` if another process writes to the leading index; `index_moved`."""
        await self._lead.__aenter__()
        if not await self._still_leads():
            await self._lead.__aexit__(None, None, None)
            raise Temporary("index_moved", "Another index leads since a moment ago.", hint="Try again.", after_s=1.0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._held.aclose()
        finally:
            self._others = None
            await self._lead.__aexit__(kind, error, trace)

    async def upsert(self, chunks: Sequence[Chunk], vectors: Vectors) -> None:
        await self._lead.upsert(chunks, vectors)

    async def vectors(self, texts: Sequence[str]) -> dict[str, Vector]:
        return await self._lead.vectors(texts)

    async def retain(
        self, document_id: str, version: str | None, keep: frozenset[str] | None = None, *,
        earlier: frozenset[str] = frozenset(),
    ) -> int:  # fmt: skip
        """With a version, of the leading index alone: the others follow with the document's new chunks."""
        removed = await self._lead.retain(document_id, version, keep, earlier=earlier)
        if version is None:
            for other in await self._every_other():
                removed += await other.retain(document_id, None)
        return removed

    async def holds(self, document_ids: Sequence[str]) -> dict[str, int]:
        counts = Counter(await self._lead.holds(document_ids))
        for other in await self._every_other() if document_ids else ():
            counts.update(await other.holds(document_ids))
        return dict(counts)

    async def publish(self) -> str:
        """The leading index's generation."""
        for other in self._others or ():
            await other.publish()
        return await self._lead.publish()

    async def _every_other(self) -> list[OpenWriter]:
        if self._others is None:
            async with AsyncExitStack() as opening:
                found = [await opening.enter_async_context(opened_in_turn(one)) for one in await self._find()]
                self._held = opening.pop_all()
            self._others = found
        return self._others
