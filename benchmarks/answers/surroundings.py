"""What does it help to read around a hit? `python -m benchmarks.answers.surroundings`

Dev questions of the samples alone, since the default is chosen here. Per number of tokens that may be added to each hit: how
much of the expected passages, and of the words that the answer must contain, stands in what a model gets to read; and the
answers of the embedded endpoint if it read the same, which it does not by default. The rows without, hits alone, are the baseline.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from statistics import mean

from benchmarks.answers.quality import USE_CASE
from benchmarks.answers.sample_house import QUESTIONS, ROOT, sample_house
from benchmarks.report import write_table
from lifecycle.attempt import attempt
from lifecycle.compose import configured_recipe
from lifecycle.evaluate import evaluate
from lifecycle.passages import carries, words
from lifecycle.questions import read_questions
from lifecycle.types import Attempt, Item
from rag.adapters.models.extractive import ExtractiveLlm
from rag.answer.surround import surrounded
from rag.compose import Rag
from rag.types import Brief, Hit, Live, Usage

SETTINGS = ((8, 0), (8, 100), (8, 200), (8, 400), (3, 0), (3, 200))
"""Hits, and tokens around each."""
SHOWN = ("answered", "citation_recall", "citation_precision", "false_answer")


class Reading(ExtractiveLlm):
    """The embedded endpoint on whole passages."""

    reads_surroundings = True

    async def draft(self, brief: Brief) -> AsyncIterator[str | Usage]:
        evidence = tuple(replace(hit, chunk=hit.passage) for hit in brief.evidence)
        async for piece in super().draft(replace(brief, evidence=evidence)):
            yield piece


def read(item: Item, hits: list[Hit]) -> tuple[float, float]:
    """Of the expected passages, and of the texts that the answer must contain: the share that is handed out."""
    said = " ".join(words(" \n ".join(hit.passage.text for hit in hits)))
    wanted = [any(" ".join(words(text)) in said for text in texts) for texts in item.answer_contains]
    passages = [any(carries(hit.passage, expected) for hit in hits) for expected in item.expected]
    whole = [" ".join(words(expected.quote)) in said for expected in item.expected]
    return mean(map(float, [*passages, *whole])), mean(map(float, wanted)) if wanted else 1.0


async def row(rag: Rag, items: list[Item], limit: int, tokens: int) -> dict[str, object]:
    recipe = await configured_recipe(rag, USE_CASE)
    live = Live(
        release="benchmark", epoch=0,
        recipe=replace(recipe, retrieval=replace(recipe.retrieval, limit=limit, surroundings=tokens)),
    )  # fmt: skip
    chain = replace(rag.chain, llms=[Reading(embedder=rag.chain.embedder)])
    shares: list[tuple[float, float]] = []
    length: list[int] = []

    async def one(item: Item) -> Attempt:
        done = await attempt(item, chain=chain, live=live, use_case=rag.use_cases[USE_CASE])
        count = rag.chain.embedder.count_tokens
        hits = await surrounded(done.hits, library=rag.state.library, tokens=tokens, count_tokens=count)
        if item.answerable:
            shares.append(read(item, hits))
            length.append(sum(count(hit.passage.text) for hit in hits))
        return done

    card = await evaluate(items, one, use_case=USE_CASE, release="benchmark", split="dev")
    measures = {measure.name: measure.value for measure in card.measures}
    return {
        "hits": limit, "tokens around each": tokens, "tokens read": f"{mean(length):.0f}",
        "expected passages read": f"{mean(share for share, _ in shares):.3f}",
        "answers' words read": f"{mean(share for _, share in shares):.3f}",
        **{f"embedded: {name}": f"{measures[name]:.3f}" for name in SHOWN},
    }  # fmt: skip


async def measure(home: Path) -> list[dict[str, object]]:
    items = list(read_questions(QUESTIONS, split="dev"))
    async with sample_house(home) as rag:
        return [await row(rag, items, limit, tokens) for limit, tokens in SETTINGS]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, default=ROOT / ".beleg" / "benchmark", help="state, kept for next time")
    write_table("surroundings", asyncio.run(measure(parser.parse_args().home)), note=" ".join(str(__doc__).split()))


if __name__ == "__main__":
    main()
