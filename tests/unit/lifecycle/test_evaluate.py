"""The whole evaluation, with a chain that is made up: every item ends up in the card."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from attempts import answer, chunk, citation, hit, item, refusal

from lifecycle.evaluate import evaluate
from lifecycle.questions import read_questions
from lifecycle.types import Attempt, Item, Result
from rag.errors import Permanent, Temporary

SAMPLES = Path(__file__).resolve().parents[3] / "samples" / "questions.jsonl"
NAMES = {"use_case": "assistant", "release": "assistant-1", "split": "dev"}


async def perfect(asked: Item) -> Attempt:
    if not asked.answerable:
        return Attempt(answer=refusal(), hits=())
    quote = asked.expected[0].quote
    return Attempt(answer=answer(quote, citation(quote)), hits=(hit(chunk(quote)),))


async def test_a_perfect_chain_has_a_perfect_card() -> None:
    """All shares are one, false answers none, and the languages are apart."""
    items = [item("a"), item("b", language="en"), item("c", answerable=False, expected=())]
    card = await evaluate(items, perfect, **NAMES)
    values = {m.name: m.value for m in card.measures if "latency" not in m.name}
    assert values.pop("false_answer") == 0.0
    assert set(values.values()) == {1.0}
    assert (card.coverage, card.failed, set(card.by_language)) == (1.0, 0, {"de", "en"})
    assert [r.item for r in card.results] == ["a", "b", "c"]


async def test_a_failed_item_stays_in_the_card_with_its_reason() -> None:
    """One that raises, one that hangs, one whose chain is broken: the others are unharmed."""

    async def flawed(asked: Item) -> Attempt:
        if asked.id == "away":
            raise Temporary("endpoint.down", "Secret text of a question.")
        if asked.id == "hangs":
            await asyncio.sleep(60)
        if asked.id == "broken":
            raise ZeroDivisionError
        return await perfect(asked)

    card = await evaluate([item(n) for n in ("away", "hangs", "broken", "fine")], flawed, timeout_s=0.2, **NAMES)
    assert {r.item: r.failure for r in card.results} == {
        "away": "endpoint.down",
        "hangs": "timeout",
        "broken": "ZeroDivisionError",
        "fine": "",
    }
    answered = card.measure("answered")
    assert answered is not None
    assert (answered.value, answered.items, answered.failed) == (0.25, 4, 3)
    assert card.coverage == 0.25
    assert "Secret" not in str(card)


async def test_cancelling_stops_the_evaluation() -> None:
    """Ctrl-C is not a failed item."""

    async def endless(_: Item) -> Attempt:
        await asyncio.sleep(60)
        raise AssertionError

    task = asyncio.create_task(evaluate([item()], endless, **NAMES))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_no_more_items_are_under_way_than_allowed() -> None:
    """Latencies of one at a time are those of an idle machine."""
    now, most = 0, 0

    async def counting(asked: Item) -> Attempt:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0)
        now -= 1
        return await perfect(asked)

    for at_once in (1, 3):
        most = 0
        await evaluate([item(f"{n}") for n in range(9)], counting, at_once=at_once, **NAMES)
        assert most == at_once


async def test_progress_is_told_item_by_item() -> None:
    """Whoever waits sees each result."""
    told: list[Result] = []
    card = await evaluate([item("a"), item("b")], perfect, each=told.append, **NAMES)
    assert tuple(told) == card.results


async def test_an_empty_set_claims_nothing() -> None:
    """Neither measures nor coverage."""
    card = await evaluate([], perfect, **NAMES)
    assert (card.measures, card.coverage) == ((), 0.0)


LINE = {
    "id": "q1",
    "split": "dev",
    "language": "de",
    "tenant": "aurelia",
    "clearance": "internal",
    "groups": ["technik"],
    "question": "Was?",
    "history": [{"role": "user", "content": "Vorher."}],
    "answerable": True,
    "expected": [{"document": "handbuch/a/b.pdf", "quote": "Das."}],
    "answer_contains": ["Das", ["Jenes", "Dieses"]],
    "tags": ["pdf"],
}


def written(tmp_path: Path, *lines: object) -> Path:
    file = tmp_path / "q.jsonl"
    file.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines), encoding="utf-8")
    return file


def test_a_line_is_read_whole(tmp_path: Path) -> None:
    """Every field, in our nouns; empty lines do not count; the other split stays out."""
    (read,) = read_questions(written(tmp_path, LINE, "", LINE | {"id": "q2", "split": "test"}), split="dev")
    assert (read.id, read.clearance.name, read.history[0].content) == ("q1", "internal", "Vorher.")
    assert read.answer_contains == (("Das",), ("Jenes", "Dieses"))
    assert read.expected[0].document == "handbuch/a/b.pdf"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("{", "line"),
        (LINE | {"answerable": False}, "expected passage"),
        (LINE | {"expected": []}, "expected passage"),
        (LINE | {"clearance": "secret"}, "clearance"),
        (LINE | {"expected": [{"document": "nozone", "quote": "x"}]}, "document"),
        (LINE | {"typo": 1}, "typo"),
        (LINE, "twice"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: object, says: str) -> None:
    """File, line and field; a set with a silent mistake would measure something else."""
    with pytest.raises(Permanent) as error:
        read_questions(written(tmp_path, LINE, line))
    assert "line 2" in error.value.message
    assert says in error.value.message


def test_the_samples_are_a_usable_set() -> None:
    """Both splits, both languages, answerable and not."""
    items = read_questions(SAMPLES)
    assert len(items) >= 60
    assert {(i.split, i.language) for i in items} == {("dev", "de"), ("dev", "en"), ("test", "de"), ("test", "en")}
    assert sum(not i.answerable for i in items) >= 12
