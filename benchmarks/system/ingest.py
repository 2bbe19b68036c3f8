"""Documents and chunks per second by step of the way in: `python -m benchmarks.system.ingest`

The sample documents, read again and again up to `--rounds` times, step by step through the functions that the flow
calls, one process. Baselines in the same run: for parsing, pypdfium2's plain text of the same PDFs; for embedding, the
sentence-transformers model asked directly for the same texts in float32.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pypdfium2
from sentence_transformers import SentenceTransformer

from benchmarks.answers.sample_house import LANDING_ZONES
from benchmarks.report import write_table
from rag.adapters.embedders.glossed import GlossedEmbedder
from rag.adapters.embedders.sentence_transformers import SentenceTransformerEmbedder, packaged_model
from rag.adapters.landing.zone_file import read_zone_file
from rag.compose import Rag, open_rag
from rag.errors import Permanent
from rag.ingest.chunk import chunk
from rag.ingest.clear import clear
from rag.ports import Embedder
from rag.settings import read_settings
from rag.types import Chunk, Cleared, Document, Parsed, Zone

_STEPS = ("read", "parse", "clear", "chunk", "embed", "write", "publish")


@dataclass(slots=True)
class Clock:
    """Seconds by step."""

    taken: dict[str, float] = field(default_factory=lambda: dict.fromkeys(_STEPS, 0.0))

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.taken[name] += time.perf_counter() - started


@dataclass(slots=True)
class Work:
    """What has come through so far."""

    documents: list[Document] = field(default_factory=list)
    chunks: list[Chunk] = field(default_factory=list)
    refused: int = 0


async def through(rag: Rag, embedder: Embedder, zones: list[Zone], rounds: int, clock: Clock) -> Work:
    """Every file through every step. Files that a step refuses count as refused, and end there."""
    work = Work()
    async with rag.writer() as writer:
        for _ in range(rounds):
            for zone in zones:
                for sighting in await rag.intake.landing.sightings(zone):
                    try:
                        document, cleared = await _cleared(rag, zone, sighting.path, clock)
                    except Permanent:
                        work.refused += 1
                        continue
                    with clock.step("chunk"):
                        chunks = chunk(
                            cleared, rules=rag.intake.chunking.of(), count_tokens=rag.intake.embedder.count_tokens
                        )
                    texts = [f"{c.context}\n{c.text}" for c in chunks]
                    with clock.step("embed"):
                        vectors = await embedder.embed(texts)
                    with clock.step("write"):
                        await rag.intake.library.keep(cleared)
                        await writer.upsert(chunks, vectors)
                    work.documents.append(document)
                    work.chunks += chunks
        with clock.step("publish"):
            await writer.publish()
    return work


async def _cleared(rag: Rag, zone: Zone, path: str, clock: Clock) -> tuple[Document, Cleared]:
    """As it was read, and as it may go on."""
    with clock.step("read"):
        document = await rag.intake.landing.read(zone, path)
    with clock.step("parse"):
        parsed: Parsed = await rag.intake.parser.parse(document)
    with clock.step("clear"):
        return document, await clear(parsed, guard=rag.intake.guard, policy=rag.intake.policy, zone=zone)


def plain_text_s(documents: list[Document]) -> float:
    """pypdfium2 alone over the PDFs."""
    started = time.perf_counter()
    for document in documents:
        with pypdfium2.PdfDocument(document.content) as pdf:
            for page in pdf:
                page.get_textpage().get_text_range()
    return time.perf_counter() - started


def bare_model_s(chunks: list[Chunk]) -> float:
    """The model asked directly."""
    model = SentenceTransformer(str(packaged_model()))
    model.encode(["warm"])
    started = time.perf_counter()
    model.encode([f"{c.context}\n{c.text}" for c in chunks], batch_size=32, show_progress_bar=False)
    return time.perf_counter() - started


async def measure(rounds: int) -> list[dict[str, object]]:
    zones = [read_zone_file(folder) for folder in sorted(LANDING_ZONES.iterdir()) if folder.is_dir()]
    with tempfile.TemporaryDirectory() as folder:
        async with open_rag(read_settings(home=Path(folder) / "home")) as rag:
            # Not the one of the house, which remembers the texts of the last round.
            embedder = GlossedEmbedder(SentenceTransformerEmbedder())
            await through(
                rag, embedder, zones, 1, Clock()
            )  # the child that parses, caches of words, the first file of the index
            clock = Clock()
            work = await through(rag, embedder, zones, rounds, clock)
            pdfs = [document for document in work.documents if document.content.startswith(b"%PDF")]
            started = time.perf_counter()
            for document in pdfs:
                await rag.intake.parser.parse(document)
            ratios = {"parse": (time.perf_counter() - started) / plain_text_s(pdfs)}
        ratios["embed"] = clock.taken["embed"] / bare_model_s(work.chunks)
    return _rows(work, clock, ratios)


def _rows(work: Work, clock: Clock, ratios: dict[str, float]) -> list[dict[str, object]]:
    named = {"parse": "pypdfium2's plain text, PDFs only", "embed": "the model in float32"}
    rows: list[dict[str, object]] = []
    for step, seconds in [*clock.taken.items(), ("all", sum(clock.taken.values()))]:
        rows.append(
            {
                "step": step,
                "documents/s": f"{len(work.documents) / seconds:,.1f}",
                "chunks/s": f"{len(work.chunks) / seconds:,.1f}",
                "share of time": f"{seconds / sum(clock.taken.values()):.0%}",
                "time against baseline": f"{ratios[step]:.1f} x {named[step]}" if step in ratios else "",
            }
        )
    rows.append({"step": f"{len(work.documents)} documents, {len(work.chunks)} chunks, {work.refused} refused"})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    write_table("ingest", asyncio.run(measure(parser.parse_args().rounds)), note=__doc__ or "")


if __name__ == "__main__":
    main()
