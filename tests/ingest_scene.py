"""A zone, its twins and one sweep of it, for tests of the way in."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from rag.adapters.embedders.hashing import HashEmbedder
from rag.adapters.index.memory import InMemoryIndex
from rag.errors import Temporary
from rag.ingest.batch import Batch
from rag.ingest.erase import erase
from rag.ingest.ingest import Intake, survey
from rag.testing import (
    DigestSigner,
    FixedPolicy,
    MemoryErasures,
    MemoryLanding,
    MemoryLedger,
    MemoryLibrary,
    MemoryReviews,
    PlainParser,
    WordGuard,
    zone,
)
from rag.types import (
    Access,
    Chunk,
    Classification,
    Document,
    Entry,
    ErasureRule,
    Parsed,
    Receipt,
    Vectors,
)

ZONE = zone()
EVERYONE = Access(
    tenant="acme", business_units=frozenset(), groups=frozenset(), clearance=Classification.highly_confidential,
    zones=None, at=datetime(2026, 6, 1, tzinfo=UTC),
)  # fmt: skip


def intake(landing: MemoryLanding, guard: WordGuard | None = None, policy: FixedPolicy | None = None) -> Intake:
    return Intake(
        landing=landing, parser=PlainParser(), guard=guard or WordGuard(), embedder=HashEmbedder(),
        library=MemoryLibrary(), ledger=MemoryLedger(ZONE), index_identity=lambda: "index-1",
        erasures=MemoryErasures(), reviews=MemoryReviews(), signer=DigestSigner(), policy=policy or FixedPolicy(),
    )  # fmt: skip


async def taken_out(entry: Entry, rule: ErasureRule, parts: Intake, writer: InMemoryIndex) -> Receipt:
    await erase(entry, zone=ZONE, rule=rule, intake=parts, writer=writer)
    return (await parts.ledger.entries(ZONE.name))[entry.receipt.path].receipt


async def sweep(parts: Intake, writer: InMemoryIndex) -> list[Receipt]:
    found = await survey(ZONE, intake=parts)
    receipts = list(await Batch(ZONE, found.due, intake=parts, writer=writer).run())
    receipts += [await taken_out(entry, ErasureRule.deleted, parts, writer) for entry in found.gone]
    receipts += [await taken_out(entry, ErasureRule.retention, parts, writer) for entry in found.outlived]
    await writer.publish()
    return receipts


async def searched(writer: InMemoryIndex, text: str, access: Access = EVERYONE) -> set[str]:
    vector = (await HashEmbedder().embed([text]))[0]
    hits = await writer.search(text, vector, language="en", access=access, limit=50, prefetch=50)
    return {hit.chunk.text.strip() for hit in hits}


def numbered(count: int) -> dict[str, bytes]:
    return {f"{n:02}.txt": f"animal{n} lives here".encode() for n in range(count)}


class FullAfter(InMemoryIndex):
    """Takes so many documents, then its disk is full."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room, self.written = room, list[str]()

    async def upsert(self, chunks: Sequence[Chunk], vectors: Vectors) -> None:
        if not self.room:
            raise Temporary("disk_full", "The disk is full.")
        self.room -= 1
        self.written.append(chunks[0].path)
        await super().upsert(chunks, vectors)


class PoisonedParser(PlainParser):
    """Dies of one text, with the text in its mouth."""

    async def parse(self, document: Document) -> Parsed:
        if document.content == b"poison":
            raise ValueError(f"cannot parse {document.content!r}")
        return await super().parse(document)
