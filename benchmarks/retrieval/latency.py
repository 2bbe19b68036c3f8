"""How long a hybrid search takes through our reader, against the engine alone. `python -m benchmarks.retrieval.latency`

Made-up chunks (words drawn by Zipf's law from the XQuAD paragraphs, random unit vectors), four tenants, access filters
on. The baseline asks the same engine, over the same collection, in the same run, for its own hybrid (two prefetches of
50, RRF, payload) without filter, statistics or completion of scores. The ratio is what our layer costs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import qdrant_edge as qdrant

from benchmarks.retrieval import indexing
from benchmarks.retrieval.datasets import ROOT, data_folder, xquad
from benchmarks.retrieval.scoring import everything
from rag import keywords
from rag.adapters.embedders.glossed import GlossedEmbedder
from rag.adapters.embedders.sentence_transformers import SentenceTransformerEmbedder
from rag.adapters.index import generations
from rag.adapters.index.qdrant_edge_reader import QdrantEdgeReader
from rag.adapters.index.qdrant_edge_shard import DENSE, WORDS, sparse
from rag.adapters.index.qdrant_edge_writer import QdrantEdgeWriter
from rag.answer.retrieve import retrieve
from rag.ports import Embedder
from rag.types import Chunk, Publication, RetrievalSettings, Vectors

SIZES = (1_000, 10_000, 50_000)
QUESTIONS = 300
_TENANTS = ("benchmark", "second", "third", "fourth")
_EMBEDDER, _DIMENSION = "all-MiniLM-L6-v2", 384


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Milliseconds of one kind of call."""

    p50: float
    p99: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One size: seconds to write and publish; MiB of the generation on the disk, and of this process at most."""

    chunks: int
    engine: Timing
    ours: Timing
    step: Timing
    write_s: float
    publish_s: float
    publish_again_s: float
    load_ms: float
    disk_mib: float
    resident_mib: float


def vocabulary() -> list[str]:
    """Words by falling frequency, of both languages, as texts use them."""
    if not (data_folder() / "xquad").is_dir():
        raise SystemExit(f"XQuAD is not in {data_folder()}; set BELEG_DATA to the folder of the public sets.")
    counts: dict[str, int] = {}
    for language in ("en", "de"):
        for paragraph in xquad(language).paragraphs:
            for word in keywords.words(paragraph):
                counts[word] = counts.get(word, 0) + 1
    return sorted(counts, key=lambda word: (-counts[word], word))


def made_up(size: int, words: Sequence[str]) -> list[Chunk]:
    """Chunks of 60 to 200 words, of four tenants in turn."""
    random = np.random.default_rng(7)
    chunks = []
    for number in range(size):
        ranks = random.zipf(1.15, int(random.integers(60, 200))) - 1
        made = indexing.chunk(number, " ".join(words[int(rank) % len(words)] for rank in ranks), "en")
        chunks.append(replace(made, labels=replace(made.labels, tenant=_TENANTS[number % len(_TENANTS)])))
    return chunks


class AllLive:
    """Port `Publications`: the record of a library that holds them all."""

    def __init__(self, chunks: Sequence[Chunk]) -> None:
        self._chunks = chunks

    async def live(self) -> list[Publication]:
        return [
            Publication(document_id=c.document_id, version=c.version, classification=c.labels.classification)
            for c in self._chunks
        ]


def directions(count: int, seed: int) -> Vectors:
    drawn = np.random.default_rng(seed).standard_normal((count, _DIMENSION)).astype(np.float32)
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True), dtype=np.float32)


async def timed(calls: Sequence[Callable[[], Awaitable[object]]]) -> Timing:
    """Each call once, after ten to warm up."""
    taken = []
    for call in [*islice(calls, 10), *calls]:
        start = time.perf_counter()
        await call()
        taken.append((time.perf_counter() - start) * 1e3)
    p50, p99 = np.percentile(taken[10:], [50, 99])
    return Timing(p50=float(p50), p99=float(p99))


async def measure(size: int, words: Sequence[str], questions: Sequence[str], embedder: Embedder) -> Row:
    chunks, vectors, asked = made_up(size, words), directions(size, 1), directions(len(questions), 2)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        marks = [time.perf_counter()]
        live = AllLive(chunks)
        async with QdrantEdgeWriter(root, embedder=_EMBEDDER, dimension=_DIMENSION, publications=live) as writer:
            for at in range(0, size, 500):
                await writer.upsert(chunks[at : at + 500], vectors[at : at + 500])
            marks.append(time.perf_counter())
            await writer.publish()
            marks.append(time.perf_counter())
            await writer.upsert(chunks[:1], vectors[1:2])
            await writer.upsert([replace(chunks[0], title="changed")], vectors[:1])
            name = await writer.publish()
            marks.append(time.perf_counter())
        reader = QdrantEdgeReader(root, embedder=_EMBEDDER, dimension=_DIMENSION)
        await reader.refresh()
        marks.append(time.perf_counter())
        access, settings = everything(), RetrievalSettings()
        generation = generations.folder_of(root, name)
        shard = qdrant.EdgeShard.load(str(generation / "public"))

        def searching(number: int) -> Callable[[], Awaitable[object]]:
            return lambda: reader.search(
                questions[number], asked[number], language="en", access=access, limit=8, prefetch=50
            )

        def asking(number: int) -> Callable[[], Awaitable[object]]:
            return lambda: retrieve(
                questions[number], embedder=embedder, index=reader, access=access, settings=settings, language="en"
            )

        everyone = range(len(questions))
        engine = await timed([_engine_alone(shard, questions[n], asked[n].tolist()) for n in everyone])
        ours = await timed([searching(n) for n in everyone])
        step = await timed([asking(n) for n in everyone])
        write, publish, again, load = (after - before for before, after in pairwise(marks))
        disk = sum(path.lstat().st_blocks * 512 for path in generation.rglob("*"))
        resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        reader.close()
        return Row(
            chunks=size, engine=engine, ours=ours, step=step, write_s=write, publish_s=publish, publish_again_s=again,
            load_ms=load * 1e3, disk_mib=disk / 2**20, resident_mib=resident / 2**10,
        )  # fmt: skip


def _engine_alone(shard: Any, question: str, vector: list[float]) -> Callable[[], Awaitable[object]]:
    own = [word.own for word in keywords.asked_words(question, "en")]
    words = sparse({term: weight for word in own for term, weight in word.items()})
    sides = [
        qdrant.Prefetch(50, query=qdrant.Query.Nearest(vector, using=DENSE)),
        qdrant.Prefetch(50, query=qdrant.Query.Nearest(words, using=WORDS)),
    ]
    fusion: Any = qdrant.Fusion.Rrf(60)  # the stub does not know its own subclass
    request = qdrant.QueryRequest(8, prefetches=sides, query=fusion, with_payload=True)

    async def call() -> object:
        return shard.query(request)

    return call


_HOW = (
    "`python -m benchmarks.retrieval.latency` writes this page. p50 / p99 in milliseconds, one question at a time,"
    f" {QUESTIONS} questions. *Engine alone*: the engine's own hybrid with RRF, unfiltered. *Search*: our reader, with"
    " access filters, the record of live versions, statistics, completed scores and fusion. *Step*: with the question's embedding. *Resident*: the"
    " benchmark's whole process, which holds the made-up chunks, the writer and the model as well."
)
_HEADS = (
    "chunks", "engine alone", "search", "ratio of p50", "step with embedding", "write", "first publish",
    "publish after a change", "load", "disk", "resident",
)  # fmt: skip


def report(rows: Sequence[Row]) -> str:
    lines = ["# Hybrid search: latency by size", "", _HOW, "", f"| {' | '.join(_HEADS)} |", "|---" * len(_HEADS) + "|"]
    lines += [
        f"| {row.chunks:,} | {_cell(row.engine)} | {_cell(row.ours)} | {row.ours.p50 / row.engine.p50:.1f}"
        f" | {_cell(row.step)} | {row.chunks / row.write_s:,.0f} chunks/s | {row.publish_s:.1f} s"
        f" | {row.publish_again_s:.1f} s | {row.load_ms:.0f} ms | {row.disk_mib:.0f} MiB | {row.resident_mib:.0f} MiB |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def _cell(timing: Timing) -> str:
    return f"{timing.p50:.1f} / {timing.p99:.1f}"


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks" / "results")
    options = parser.parse_args()
    words = vocabulary()
    questions = [asked.text for asked in xquad("en").asked[:QUESTIONS]]
    embedder = GlossedEmbedder(SentenceTransformerEmbedder())
    rows = [await measure(size, words, questions, embedder) for size in options.sizes]
    print(report(rows))
    options.results.mkdir(parents=True, exist_ok=True)
    (options.results / "retrieval_latency.md").write_text(report(rows), encoding="utf-8")
    stored = json.dumps([asdict(row) for row in rows], indent=1)
    (options.results / "retrieval_latency.json").write_text(stored + "\n", encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())
