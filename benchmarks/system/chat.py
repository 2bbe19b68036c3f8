"""How long a chat answer takes, over HTTP, with the guard on: `python -m benchmarks.system.chat`

The real API in its own process, the embedded endpoint, no cache of answers. The index holds all 480 XQuAD paragraphs
of both languages with their real vectors, and made-up chunks up to the size that is asked for; the questions are
XQuAD's, German and English in turn, each asked once, one at a time. The steps are those of the audit rows, which the
chain writes about itself. The baseline of the ratios is the retrieval step of the same requests.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import httpx
import numpy as np

from beleg.access_keys import create_key
from beleg.services import Instance, Service
from beleg.up import services
from benchmarks.report import write_table
from benchmarks.retrieval import indexing
from benchmarks.retrieval.datasets import Asked, Corpus, xquad
from benchmarks.retrieval.latency import directions, made_up, vocabulary
from benchmarks.system.processes import resident_mib
from rag.adapters.embedders.glossed import GlossedEmbedder
from rag.adapters.embedders.sentence_transformers import SentenceTransformerEmbedder
from rag.adapters.index.qdrant_edge_writer import QdrantEdgeWriter
from rag.compose import open_rag, open_state
from rag.settings import Settings, read_settings
from rag.types import Chunk

SIZES = (1_000, 10_000, 50_000)
QUESTIONS = 200
WARM_UP = 10
_TENANT = "benchmark"
_AT_ONCE = 500
_STEPS = ("screen_input", "retrieve", "route", "draft", "cite", "screen_output")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One size. Times in milliseconds, one per request."""

    chunks: int
    whole: list[float]
    steps: dict[str, list[float]]
    answered: int
    memory_mib: float


@dataclass(slots=True)
class _Corpus:
    """What goes into the index, and who is asked."""

    paragraphs: list[tuple[str, str]] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)


def corpus() -> _Corpus:
    """Paragraphs with their language; questions of both languages in turn."""
    sets: list[Corpus] = [xquad("de"), xquad("en")]
    found = _Corpus(paragraphs=[(text, one.language) for one in sets for text in one.paragraphs])
    for pair in zip(*(_spread(one.asked) for one in sets), strict=True):
        found.questions += [asked.text for asked in pair]
    return found


def _spread(asked: Sequence[Asked]) -> Sequence[Asked]:
    """Half of what is needed, from all over the set."""
    wanted = (QUESTIONS + WARM_UP) // 2
    return asked[:: len(asked) // wanted][:wanted]


async def fill(settings: Settings, given: _Corpus, size: int) -> None:
    """Writes and publishes `size` chunks of one tenant."""
    embedder = GlossedEmbedder(SentenceTransformerEmbedder())
    real = [
        replace(indexing.chunk(number, text, language), path=f"{language}/{number}.txt")
        for number, (text, language) in enumerate(given.paragraphs)
    ]
    rest = [_renumbered(chunk, len(real) + at) for at, chunk in enumerate(made_up(size - len(real), vocabulary()))]
    chunks = [*real, *rest]
    vectors = np.concatenate([await embedder.embed([chunk.text for chunk in real]), directions(len(rest), 1)])
    async with QdrantEdgeWriter(settings.index_root, embedder=embedder.name, dimension=embedder.dimension) as writer:
        for at in range(0, len(chunks), _AT_ONCE):
            await writer.upsert(chunks[at : at + _AT_ONCE], vectors[at : at + _AT_ONCE])
        await writer.publish()


def _renumbered(chunk: Chunk, number: int) -> Chunk:
    name = f"made-up-{number}"
    labels = replace(chunk.labels, tenant=_TENANT)
    return replace(chunk, id=indexing.chunk_id(number), document_id=name, path=name, uri=name, labels=labels)


@contextmanager
def serving(settings: Settings) -> Iterator[Instance]:
    """The API alone, up."""
    instance = Instance(settings.home / "logs")
    api: Service = next(service for service in services(settings) if service.name == "api")
    try:
        instance.start(api)
        instance.wait_until_up(api)
        yield instance
    finally:
        instance.stop()


def ask_all(settings: Settings, key: str, questions: Sequence[str]) -> tuple[list[float], int]:
    """Milliseconds of each, without the first `WARM_UP`; and how many were answered."""
    times, answered = [], 0
    with httpx.Client(base_url=f"http://127.0.0.1:{settings.port}", timeout=60) as client:
        for text in questions:
            body = {"model": "assistant", "messages": [{"role": "user", "content": text}]}
            started = time.perf_counter()
            reply = client.post("/v1/chat/completions", json=body, headers={"Authorization": f"Bearer {key}"})
            times.append((time.perf_counter() - started) * 1e3)
            answered += reply.raise_for_status().json()["beleg"]["outcome"] == "answered"
    return times[WARM_UP:], answered


async def steps(settings: Settings, count: int) -> dict[str, list[float]]:
    """Step → milliseconds, of the last `count` answers, from the audit."""
    found: dict[str, list[float]] = {step: [] for step in _STEPS}
    async with open_state(settings) as state:
        for stored in await state.audit.rows(limit=count):
            timings = stored.facts.get("timings_ms", {})
            assert isinstance(timings, dict)
            for step in _STEPS:
                found[step].append(float(timings.get(step, 0.0)))
    return found


async def measure(size: int, given: _Corpus) -> Measured:
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"BELEG_HOME": f"{folder}/home", "BELEG_REQUESTS_PER_MINUTE": "1000000"}
        settings = read_settings()
        async with open_rag(settings):  # migrates the database, makes the folders
            pass
        await fill(settings, given, size)
        key = await create_key(tenant=_TENANT, role="user")
        with serving(settings) as instance:
            whole, answered = await asyncio.to_thread(ask_all, settings, key, given.questions)
            memory = resident_mib(instance.pids())
        return Measured(
            chunks=size, whole=whole, steps=await steps(settings, len(whole)), answered=answered, memory_mib=memory
        )


def rows(measured: Sequence[Measured]) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for one in measured:
        base = float(np.percentile(one.steps["retrieve"], 50))
        row: dict[str, object] = {"chunks": f"{one.chunks:,}", "whole answer over HTTP": _cell(one.whole)}
        row |= {step.replace("_", " "): _cell(times) for step, times in one.steps.items()}
        row["whole / retrieve"] = f"{np.percentile(one.whole, 50) / base:.1f}"
        row["answered"] = f"{one.answered} of {len(one.whole) + WARM_UP}"
        row["resident"] = f"{one.memory_mib:.0f} MiB"
        found.append(row)
    return found


def _cell(times: Sequence[float]) -> str:
    return " / ".join(f"{value:.1f}" for value in np.percentile(times, [50, 99]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    chosen = parser.parse_args()
    given = corpus()
    measured = [asyncio.run(measure(size, given)) for size in chosen.sizes]
    write_table("chat", rows(measured), note=f"{__doc__}\nTimes are p50 / p99 in milliseconds.")


if __name__ == "__main__":
    main()
