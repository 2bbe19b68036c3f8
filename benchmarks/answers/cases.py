"""Questions with the evidence that retrieval found for them: what the weights of the embedded endpoint are fitted on.

Three sources, none of them the test split: the samples' dev questions, `questions.jsonl` beside this file (written for
tuning: paraphrases and near misses on the same documents), and the tuning half of XQuAD. Each answerable question comes
a second time with the right document taken away, as one that is not answerable.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.answers.sample_house import QUESTIONS
from benchmarks.retrieval.datasets import data_folder, is_held_out
from lifecycle.passages import place, words
from lifecycle.questions import read_questions
from lifecycle.types import Item
from rag.adapters.index.memory import InMemoryIndex
from rag.answer.retrieve import contextual_query, retrieve
from rag.compose import Rag
from rag.ports import Embedder
from rag.types import Access, Chunk, Classification, Hit, Labels, RetrievalSettings, Turn, now

TUNING = Path(__file__).with_name("questions.jsonl")
_SETTINGS = RetrievalSettings()
_DEEP = replace(_SETTINGS, limit=2 * _SETTINGS.limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A question, its evidence, and which span of it answers.

    Attributes:
        source: `dev`, `own`, `removed`, `xquad` or `xquad_removed`.
        base: id without the mark of a removed document: cases of one question stay on one side of a split.
        answers: whether a span of a chunk holds the answer.
    """

    source: str
    base: str
    question: str
    before: str
    language: str
    hits: tuple[Hit, ...]
    answerable: bool
    answers: Callable[[Chunk, int, int], bool]


async def sample_cases(rag: Rag) -> list[Case]:
    """From the samples as they were really ingested, found by the chain's own retrieval."""
    cases: list[Case] = []
    for source, items in (("dev", read_questions(QUESTIONS, split="dev")), ("own", read_questions(TUNING))):
        for item in items:
            cases += await _of_item(source, item, rag)
    return cases


async def _of_item(source: str, item: Item, rag: Rag) -> list[Case]:
    turns = (*item.history, Turn(role="user", content=item.question))
    access = Access(
        tenant=item.tenant, business_units=frozenset(), groups=item.groups, clearance=item.clearance, zones=None,
        at=now(),
    )  # fmt: skip
    hits = await retrieve(
        contextual_query(turns), embedder=rag.chain.embedder, index=rag.chain.index, access=access, settings=_DEEP,
        language=item.language,
    )  # fmt: skip
    before = next((turn.content for turn in reversed(item.history) if turn.role == "user"), "")
    limit = _SETTINGS.limit
    case = Case(
        source=source, base=item.id, question=item.question, before=before, language=item.language,
        hits=tuple(hits[:limit]), answerable=item.answerable,
        answers=lambda chunk, start, end: _answers(item, chunk, start, end),
    )  # fmt: skip
    if not item.answerable:
        return [case]
    documents = {expected.document for expected in item.expected}
    others = [hit for hit in hits if place(hit.chunk.zone, hit.chunk.path) not in documents][:limit]
    return [case, replace(case, source="removed", hits=tuple(others), answerable=False)]


def _answers(item: Item, chunk: Chunk, start: int, end: int) -> bool:
    said = f" {' '.join(words(chunk.text[start:end]))} "
    wanted = [[f" {' '.join(words(choice))}" for choice in choices] for choices in item.answer_contains]
    has_words = all(any(choice in said for choice in choices) for choices in wanted)
    return has_words and any(place(chunk.zone, chunk.path) == e.document for e in item.expected)


async def xquad_cases(embedder: Embedder, *, every: int) -> list[Case]:
    """Every n-th question of the tuning half, in both languages, with and without the right paragraph."""
    cases: list[Case] = []
    for language in ("de", "en"):
        stored = json.loads((data_folder() / "xquad" / f"xquad.{language}.json").read_text(encoding="utf-8"))
        paragraphs = [paragraph for article in stored["data"] for paragraph in article["paragraphs"]]
        chunks = [_chunk(number, paragraph["context"], language) for number, paragraph in enumerate(paragraphs)]
        index = InMemoryIndex(embedder=embedder.name, dimension=embedder.dimension)
        await index.upsert(chunks, await embedder.embed([chunk.text for chunk in chunks]))
        await index.publish()
        asked = [
            (number, question)
            for number, paragraph in enumerate(paragraphs)
            for question in paragraph["qas"]
            if not is_held_out(question["id"])
        ]
        for number, question in asked[::every]:
            cases += await _of_xquad(question, chunks[number], language, index, embedder)
    return cases


async def _of_xquad(
    question: dict[str, object], gold: Chunk, language: str, index: InMemoryIndex, embedder: Embedder
) -> list[Case]:
    text = str(question["question"])
    answer = question["answers"][0]  # type: ignore[index]  # JSON of a known set
    at, until = answer["answer_start"], answer["answer_start"] + len(answer["text"])
    hits = await retrieve(text, embedder=embedder, index=index, access=_EVERYTHING, settings=_DEEP, language=language)
    limit = _SETTINGS.limit
    case = Case(
        source="xquad", base=f"{question['id']}-{language}", question=text, before="", language=language,
        hits=tuple(hits[:limit]), answerable=True,
        answers=lambda chunk, start, end: chunk.id == gold.id and start < until and end > at,
    )  # fmt: skip
    others = [hit for hit in hits if hit.chunk.id != gold.id][:limit]
    return [case, replace(case, source="xquad_removed", hits=tuple(others), answerable=False)]


_LABELS = Labels(
    tenant="xquad", business_unit=None, classification=Classification.public, readers=frozenset(), valid_from=None,
    valid_until=None,
)  # fmt: skip
_EVERYTHING = Access(
    tenant="xquad", business_units=frozenset(), groups=frozenset(), clearance=Classification.public, zones=None,
    at=now(),
)  # fmt: skip


def _chunk(number: int, text: str, language: str) -> Chunk:
    return Chunk(
        id=f"{language}-{number}", document_id=f"{language}-{number}", version="1", zone="xquad", path=str(number),
        uri=str(number), title="", media_type="text/plain", position=0, start=0, end=len(text), text=text, context="",
        places=(), language=language, labels=_LABELS,
    )  # fmt: skip
