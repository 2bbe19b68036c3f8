"""How good are the answers? `python -m benchmarks.answers.quality [--set dev | test | held_out | fresh]`

Asks the questions of `samples/questions.jsonl` through the very `answer()` that serves, with the embedded endpoint, and
writes `benchmarks/results/answers_SPLIT.md`. Nothing was ever tuned on the split `test`; it is asked only when told so.

`held_out.jsonl` is a second test on the same documents, written later by somebody who knew neither the code nor any other
question, and asked to be hard: everyday words instead of the documents' own, a third of it across the languages, and
unanswerable questions that share most words with a passage. `fresh.jsonl` is a third: 231 questions by three more writers
who knew neither, half of them asked plainly, a third across the languages, most unanswerable ones near misses.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from benchmarks.answers.sample_house import QUESTIONS, ROOT, sample_house
from benchmarks.report import write_table
from lifecycle.attempt import attempt
from lifecycle.compose import configured_recipe
from lifecycle.evaluate import evaluate
from lifecycle.questions import read_questions
from lifecycle.types import Measure, Result, Scorecard
from rag.types import Live

HERE = Path(__file__).parent
SETS = {
    "dev": (QUESTIONS, "dev"), "test": (QUESTIONS, "test"), "held_out": (HERE / "held_out.jsonl", "test"),
    "fresh": (HERE / "fresh.jsonl", "dev"),
}  # fmt: skip
"""Name → file, and the split that its questions carry."""
USE_CASE = "assistant"
WANTED = {
    "recall_at_5": "≥ 0.90",
    "answered": "≥ 0.90",
    "citation_support": "≥ 0.95",
    "citation_recall": "≥ 0.80",
    "correct_refusal": "≥ 0.80",
    "false_answer": "≤ 0.10",
}
NOTE = """
Split `{split}`, {count} questions, use case `{use_case}`, extractive endpoint, guard on. Intervals are 95 %: Wilson
where every item scores 0 or 1, bootstrap otherwise. `citation_recall` is the share of the expected passages that were
cited; `citation_support` is deterministic: the claim's content words, figures and names stand in the quote, which
stands verbatim in the stored text. It does not prove that the quote entails the claim. `citation_precision` is a lower
bound: a citation of another passage that says the same counts as wrong.
"""


LOOKED_BEFORE = {
    "test": " The half was asked six times before. Answered, false answers and citation recall were 0.852, 0.217, 0.820;"
    " 0.803, 0.130, 0.787; twice 0.803, 0.087, 0.787; and twice 0.836, 0.087, 0.820. What was changed in between followed the tuning questions"
    " alone; no question and no answer of this half was looked at.",
    "held_out": " Asked once, after the weights of that day were fitted; none of its questions was looked at. Whoever looks"
    " at them for tuning has to write new ones.",
    "fresh": " Asked after the last fit; nothing was tuned on them so far.",
}
"""A half that is asked again and again stops being a test. Every look is told."""


async def measure(home: Path, split: str, *, questions: Path = QUESTIONS, tell_failures: bool = False) -> Scorecard:
    """Every question of the split, one after the other."""
    items = read_questions(questions, split=split)
    async with sample_house(home) as rag:
        live = Live(release="benchmark", recipe=await configured_recipe(rag, USE_CASE), epoch=0)
        use_case = rag.use_cases[USE_CASE]
        return await evaluate(
            items,
            lambda item: attempt(item, chain=rag.chain, live=live, use_case=use_case),
            use_case=USE_CASE,
            release=live.release,
            split=split,
            each=_tell if tell_failures else lambda _: None,
        )


def rows(card: Scorecard) -> list[dict[str, object]]:
    """One row per measure: what is wanted, all, and per language."""
    languages = {language: {m.name: m for m in measures} for language, measures in card.by_language.items()}
    found: list[dict[str, object]] = []
    for measure in card.measures:
        row: dict[str, object] = {
            "measure": measure.name,
            "wanted": WANTED.get(measure.name, ""),
            "all": _cell(measure),
        }
        row |= {language: _cell(by[measure.name]) for language, by in languages.items() if measure.name in by}
        found.append(row)
    return found


def _cell(measure: Measure) -> str:
    digits = 0 if measure.name.endswith("_ms") else 3
    shown = f"{measure.value:.{digits}f} ({measure.low:.{digits}f} to {measure.high:.{digits}f}, n = {measure.items})"
    return f"{shown}, {measure.failed} failed" if measure.failed else shown


def _tell(result: Result) -> None:
    """By id and score alone, so that nothing of a question is printed."""
    if result.failure or min(result.scores.get("answered", 1), result.scores.get("correct_refusal", 1)) < 1:
        print(f"  {result.item} {result.language} answerable={result.answerable} {result.failure or result.outcome}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, default=ROOT / ".beleg" / "benchmark", help="state, kept for next time")
    parser.add_argument("--set", choices=SETS, default="dev", help="only dev is for tuning, the others for reporting")
    parser.add_argument("--failures", action="store_true", help="also tell which questions of the dev split went wrong")
    chosen = parser.parse_args()
    questions, split = SETS[chosen.set]
    tell = chosen.failures and chosen.set == "dev"
    card = asyncio.run(measure(chosen.home, split, questions=questions, tell_failures=tell))
    note = " ".join(NOTE.format(split=chosen.set, count=len(card.results), use_case=USE_CASE).split())
    note += LOOKED_BEFORE.get(chosen.set, "")
    write_table(f"answers_{chosen.set}", rows(card), note=note)


if __name__ == "__main__":
    main()
