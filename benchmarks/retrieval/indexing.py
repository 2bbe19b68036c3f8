"""Paragraphs → an index of ours, and questions → scores through our reader."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.retrieval.scoring import Scores, everything
from rag.adapters.index.qdrant_edge_reader import QdrantEdgeReader
from rag.adapters.index.qdrant_edge_writer import QdrantEdgeWriter
from rag.types import Chunk, Classification, Labels, Vectors


def chunk(number: int, text: str, language: str) -> Chunk:
    """A paragraph as a chunk that everybody may read."""
    labels = Labels(
        tenant="benchmark", business_unit=None, classification=Classification.public, readers=frozenset(),
        valid_from=None, valid_until=None,
    )  # fmt: skip
    return Chunk(
        id=chunk_id(number), document_id=f"paragraph-{number}", version="1", zone="benchmark",
        path=f"{number}.txt", uri=f"benchmark:{number}", title="", media_type="text/plain", position=0, start=0,
        end=len(text), text=text, context="", places=(), language=language, labels=labels,
    )  # fmt: skip


def chunk_id(number: int) -> str:
    return str(uuid.UUID(int=number + 1))


async def build(root: Path, texts: Sequence[str], vectors: Vectors, *, language: str, embedder: str) -> str:
    """Writes and publishes. Returns the generation's name."""
    async with QdrantEdgeWriter(root, embedder=embedder, dimension=vectors.shape[1]) as writer:
        for at in range(0, len(texts), 1000):
            part = [chunk(at + number, text, language) for number, text in enumerate(texts[at : at + 1000])]
            await writer.upsert(part, vectors[at : at + 1000])
        return await writer.publish()


async def search_all(
    reader: QdrantEdgeReader, questions: Sequence[str], vectors: Vectors, *, language: str, paragraphs: int
) -> Scores:
    """Every question through the reader as the chain asks it; the best 50."""
    access = everything()
    scores = np.full((len(questions), paragraphs), -np.inf)
    for row, (question, vector) in enumerate(zip(questions, vectors, strict=True)):
        hits = await reader.search(question, vector, language=language, access=access, limit=50, prefetch=50)
        for place, hit in enumerate(hits):
            scores[row, uuid.UUID(hit.chunk.id).int - 1] = -float(place)
    return scores
