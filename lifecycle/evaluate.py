"""Question set → `Scorecard`, through the very `answer()` that serves (handed in as `attempt`).

Every item is in the card: one that fails is there with its reason and the worst scores.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence

from lifecycle.metrics import measures_of, scores_of, worst_scores
from lifecycle.types import Attempt, Item, Result, Scorecard
from rag.errors import BelegError

log = logging.getLogger(__name__)


async def evaluate(
    items: Sequence[Item],
    attempt: Callable[[Item], Awaitable[Attempt]],
    *,
    use_case: str,
    release: str,
    split: str,
    at_once: int = 1,
    timeout_s: float = 120.0,
    each: Callable[[Result], None] = lambda _: None,
) -> Scorecard:
    """Runs every item and scores it. `use_case`, `release` and `split` only name the card.

    `attempt` asks the chain: whatever it raises fails its item, and no other; so does `timeout_s` per item. With
    `at_once` above one the latencies are those of a loaded machine. `each` is told every result as it comes.
    """
    turn = asyncio.Semaphore(at_once)

    async def one(item: Item) -> Result:
        async with turn:
            result = await _try(item, attempt, timeout_s)
        each(result)
        return result

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(item)) for item in items]
    results = tuple(task.result() for task in tasks)
    languages = sorted({result.language for result in results})
    return Scorecard(
        use_case=use_case,
        release=release,
        split=split,
        results=results,
        measures=await asyncio.to_thread(measures_of, results),
        by_language={
            language: await asyncio.to_thread(measures_of, [r for r in results if r.language == language])
            for language in languages
        },
    )


async def _try(item: Item, attempt: Callable[[Item], Awaitable[Attempt]], timeout_s: float) -> Result:
    started = time.perf_counter()
    failure, outcome, scores = "", None, worst_scores(item)
    try:
        async with asyncio.timeout(timeout_s):
            made = await attempt(item)
        elapsed = time.perf_counter() - started
        outcome, scores = made.answer.outcome.value, scores_of(item, made)
    except BelegError as error:
        failure, elapsed = error.code, time.perf_counter() - started
    except TimeoutError:
        failure, elapsed = "timeout", time.perf_counter() - started
    except Exception as error:  # noqa: BLE001  # a defect on one question must show as that question's failure
        failure, elapsed = type(error).__name__, time.perf_counter() - started
    if failure:
        log.warning("evaluation.item_failed", extra={"item": item.id, "failure": failure})
    return Result(
        item=item.id,
        language=item.language,
        answerable=item.answerable,
        failure=failure,
        outcome=outcome,
        latency_ms=elapsed * 1000,
        scores=scores,
    )
