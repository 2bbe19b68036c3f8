"""What a zone's files would become, without making them so: read, cleared and cut like an ingest, and nothing written.
Called by `beleg zone preview`, `beleg chunk show` and the console.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from rag.allowing import ALLOWED
from rag.errors import BelegError, Permanent
from rag.ingest import receipts
from rag.ingest.batch import capped, require_not_forgotten
from rag.ingest.chunk import chunk
from rag.ingest.clear import clear
from rag.ingest.ingest import Intake
from rag.types import Chunk, Cleared, Document, Zone, now


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What would become of one file. `cleared` and `chunks` are what could be searched; `error` says why nothing."""

    path: str
    cleared: Cleared | None = field(default=None, repr=False)
    chunks: tuple[Chunk, ...] = ()
    tokens: tuple[int, ...] = ()
    error: BelegError | None = None

    @property
    def fate(self) -> str:
        """In the words of `beleg zone status`."""
        if self.cleared is None:
            return "waits" if self.error is not None and not isinstance(self.error, Permanent) else "quarantined"
        labels, raised = self.cleared.document.labels, self.cleared.raised
        told = ("indexed", "masked" if self.cleared.is_redacted else "", labels.classification.name if raised else "")
        return ", ".join(filter(None, told))

    @property
    def told(self) -> str:
        """One line: the counts, or the reason."""
        if self.error is not None:
            return f"({self.error.code}) {self.error}"
        if self.cleared is None:
            return ""
        counts = {e: n for e, n in self.cleared.counts.items() if not e.startswith(ALLOWED)}
        masked = ", ".join(f"{number} x {entity}" for entity, number in sorted(counts.items()))
        raised = self.cleared.raised
        words = (
            f"chunks: {len(self.chunks)}",
            f"masked: {masked}" if masked else "",
            f"raised from {raised.before.name} by {raised.rule}" if raised else "",
            receipts.validity_words(self.cleared.document.labels, now()),
        )
        return "; ".join(filter(None, words))


async def previews(zone: Zone, *, intake: Intake, start: int = 0) -> AsyncGenerator[Preview]:
    """Every file from the `start`-th on, sorted by path, one by one: stop when it is enough. Raises `Temporary`."""
    until = await intake.landing.supersessions(zone)
    for sighting in (await intake.landing.sightings(zone))[start:]:
        try:
            document = await intake.landing.read(zone, sighting.path)
            await require_not_forgotten(document, zone, intake)
            yield await preview_document(capped(document, until.get(sighting.path)), zone, intake=intake)
        except BelegError as error:
            yield Preview(path=sighting.path, error=error)


async def preview_document(document: Document, zone: Zone, *, intake: Intake) -> Preview:
    """Of one file that was read. Raises what ends its way."""
    cleared = await clear(await intake.parser.parse(document), guard=intake.guard, policy=intake.policy, zone=zone)
    chunks = tuple(chunk(cleared, rules=intake.rules(zone), count_tokens=intake.embedder.count_tokens))
    tokens = tuple(intake.embedder.count_tokens(one.text) for one in chunks)
    return Preview(path=document.path, cleared=cleared, chunks=chunks, tokens=tokens)
