"""Chat over 10,000 chunks on the embedded default, guard on: p50 and p99, by step. `python -m benchmarks.system.chat`.

The corpus is XQuAD's German and English paragraphs, repeated under other names until there are enough chunks; vectors
are real. Questions are XQuAD's own. The baseline of the ratio is the retrieval step alone in the same run.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

import numpy as np

from benchmarks.report import write_table
from benchmarks.retrieval.datasets import xquad
from lifecycle.compose import open_lifecycle
from rag.answer.answer import answer
from rag.compose import Rag, open_rag
from rag.ingest.ingest import ingest_one, survey
from rag.settings import Settings
from rag.types import Answer, Chunk, Classification, Principal, Question, Turn, Vectors, Zone, now

CHUNKS = 10_000
QUESTIONS = 200


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--chunks", type=int, default=CHUNKS)
    parser.add_argument("--questions", type=int, default=QUESTIONS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(home=Path(folder) / "home")
        settings.home.mkdir()
        started = time.perf_counter()
        async with open_rag(settings) as rag, open_lifecycle(rag) as house:
            opened_s = time.perf_counter() - started
            asked = await _fill(rag, Path(folder) / "zone", options.chunks)
            live = await house.releases.live("assistant")
            times = [await _ask(rag, live, text) for text in asked[: options.questions]]
            rows = await _rows(rag, times, options.chunks, opened_s)
    write_table("chat", rows, note=__doc__ or "")


async def _fill(rag: Rag, folder: Path, wanted: int) -> list[str]:
    """Real documents through the real way in; then copies of their chunks under other ids up to `wanted`."""
    folder.mkdir()
    questions = []
    for language in ("de", "en"):
        data = xquad(language)
        for number, paragraph in enumerate(data.paragraphs):
            (folder / f"{language}-{number}.txt").write_text(paragraph, encoding="utf-8")
        questions += [question.text for question in data.asked]
    zone = Zone(name="bench", url=str(folder), tenant="bench", owner="bench", classification=Classification.internal)
    await rag.ledger.add_zone(zone)
    async with rag.writer() as writer:
        kept = _Kept(writer)
        for sighting in (await survey(zone, intake=rag.intake)).due:
            await ingest_one(zone, sighting, intake=rag.intake, writer=kept)  # type: ignore[arg-type]
        copies = 0
        while len(kept.chunks) * (copies + 1) < wanted:
            copies += 1
            again = [
                replace(c, id=str(uuid5(NAMESPACE_URL, f"{c.id}/{copies}")), document_id=f"{c.document_id}-{copies}")
                for c in kept.chunks
            ]
            await writer.upsert(
                again,
                await rag.intake.embedder.embed([c.text for c in kept.chunks[:0]]) if not again else kept.all_vectors(),
            )
        await writer.publish()
    return questions[:: max(1, len(questions) // QUESTIONS)]


class _Kept:
    """Keeps what passes on its way to the writer."""

    def __init__(self, writer: object) -> None:
        self._writer = writer
        self.chunks: list[Chunk] = []
        self._vectors: list[object] = []

    async def upsert(self, chunks, vectors) -> None:  # noqa: ANN001
        self.chunks += chunks
        self._vectors.append(vectors)
        await self._writer.upsert(chunks, vectors)

    async def retain(self, *args, **named) -> int:  # noqa: ANN002, ANN003
        return await self._writer.retain(*args, **named)

    def all_vectors(self) -> Vectors:
        return np.concatenate(self._vectors)


async def _ask(rag: Rag, live, text: str) -> tuple[float, str]:  # noqa: ANN001
    question = Question(
        id=f"bench_{time.perf_counter_ns()}", use_case=rag.use_cases["assistant"],
        asker=Principal(subject="bench", tenant="bench"), turns=(Turn(role="user", content=text),), at=now(),
    )  # fmt: skip
    started = time.perf_counter()
    outcome = "none"
    async for part in answer(question, live=live, chain=rag.chain):
        if isinstance(part, Answer):
            outcome = part.outcome.value
    return (time.perf_counter() - started) * 1000, outcome


async def _rows(rag: Rag, times: list[tuple[float, str]], chunks: int, opened_s: float) -> list[dict[str, object]]:
    steps: dict[str, list[float]] = {}
    for stored in await rag.state.audit.rows(limit=len(times)):
        row = getattr(stored, "row", stored)
        for step, ms in row.facts.get("timings_ms", {}).items():
            steps.setdefault(str(step), []).append(float(ms))
    whole = [ms for ms, _ in times]
    base = statistics.median(steps["retrieve"])
    rows = [_row(f"whole answer over {chunks} chunks", whole, base)]
    rows += [_row(f"  {step}", values, base) for step, values in steps.items()]
    answered = sum(outcome == "answered" for _, outcome in times)
    rows.append({"what": f"questions asked / answered: {len(times)} / {answered}"})
    rows.append(
        {
            "what": f"opening the chain: {opened_s:.1f} s; resident memory at most: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB"
        }
    )
    return rows


def _row(what: str, values: list[float], base: float) -> dict[str, object]:
    ordered = sorted(values)
    p50, p99 = statistics.median(ordered), ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return {"what": what, "p50 ms": round(p50, 1), "p99 ms": round(p99, 1), "ratio to retrieval": round(p50 / base, 2)}


if __name__ == "__main__":
    asyncio.run(main())
