"""A release, a question set → a scorecard, in MLflow. Called by `beleg eval run`."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from pathlib import Path

from beleg.home import here
from beleg.use_cases import require_use_case
from lifecycle.attempt import attempt
from lifecycle.compose import Lifecycle, open_lifecycle, open_store, open_tracker
from lifecycle.evaluate import evaluate
from lifecycle.ports import ReleaseStore
from lifecycle.questions import read_questions
from lifecycle.releases import evaluated
from lifecycle.stages import Stage
from lifecycle.types import Item, Release, Scorecard
from rag.compose import Rag, open_rag, open_state
from rag.errors import Permanent, Temporary
from rag.settings import ROOT, Settings
from rag.types import Live, now

SAMPLE_QUESTIONS = ROOT / "samples" / "questions.jsonl"

AWAITS_EVALUATION = frozenset({Stage.draft, Stage.rolled_back})
"""Where an evaluation leads on. The others stay where they are, and MLflow alone keeps the run."""


async def evaluate_release(
    questions: Path | None, split: str, use_case: str | None, release: str | None, *, tell: Callable[[str], None]
) -> tuple[Scorecard, str]:
    """The card, and where people can look at it. MLflow being away does not lose the card."""
    settings = here()
    items = items_of(questions or SAMPLE_QUESTIONS, split)
    named = None if release is None else await _named(release, use_case, settings)
    use_case = named.use_case if named else use_case or "assistant"
    require_use_case(use_case, settings)
    async with open_rag(settings) as rag, open_lifecycle(rag) as house:
        _require_documents(rag)
        live = await house.releases.live(use_case)
        if named is not None:
            live = Live(release=named.name, recipe=named.recipe, epoch=live.epoch)
        tell(f"Asking {len(items)} questions ({split}) of release {live.release} ...")
        return await measured(rag, house, items, live, use_case=use_case, split=split)


async def measured(
    rag: Rag, house: Lifecycle, items: list[Item], live: Live, *, use_case: str, split: str, is_record: bool = True
) -> tuple[Scorecard, str]:
    """Asks the release's own index. `is_record=False`: for comparison alone, it changes no stage and goes nowhere."""
    chain = await rag.chain_for(live.recipe)
    card = await evaluate(
        items, lambda item: attempt(item, chain=chain, live=live, use_case=rag.use_cases[use_case]),
        use_case=use_case, release=live.release, split=split,
    )  # fmt: skip
    if not is_record:
        return card, ""
    where, run = await _mirror(rag.state.settings.mlflow_port, card, live)
    return card, f"{where}\n{await record(card, run, house.store)}"


def items_of(questions: Path, split: str) -> list[Item]:
    items = read_questions(questions, split=split)
    if not items:
        raise Permanent(
            "no_questions", f"{questions} has no questions of the split {split}.", hint="Choose another --split."
        )
    return items


async def _named(release: str, use_case: str | None, settings: Settings) -> Release:
    """Asked before any model is loaded. Raises `Permanent`: `release.unknown`, `other_use_case`."""
    async with open_state(settings) as state:
        named = await open_store(state).release(release)
    if use_case not in {None, named.use_case}:
        raise Permanent(
            "other_use_case", f"{release} belongs to the use case {named.use_case}.", hint="Leave out --use-case."
        )
    return named


def _require_documents(rag: Rag) -> None:
    if rag.chain.index.generation is None:
        raise Permanent(
            "nothing_published", "There are no documents to ask.",
            hint="`beleg demo --once` ingests the samples, `beleg ingest` your own.",
        )  # fmt: skip


async def record(card: Scorecard, run: str, store: ReleaseStore) -> str:
    """What the evaluation means for the release. Questions that did not run to an end are no evidence."""
    stage = (await store.release(card.release)).stage
    if stage not in AWAITS_EVALUATION:
        return f"{card.release} stays {stage.value}."
    if card.failed:
        return f"{card.release} stays {stage.value}: {card.failed} questions did not run to an end."
    after = await evaluated(card.release, store=store, actor=getpass.getuser(), at=now(), run=run)
    return f"{card.release} is {after.stage.value} now. Next: `beleg release promote {card.release}`."


async def _mirror(port: int, card: Scorecard, live: Live) -> tuple[str, str]:
    tracker = open_tracker(port)
    try:
        await tracker.mirror_prompt(live.recipe.prompt)
        run = await tracker.log(card, recipe=live.recipe)
    except Temporary as error:
        return f"Not logged to MLflow: {error.message} `beleg up` starts it.", ""
    return f"MLflow run {run}: http://127.0.0.1:{port}/", run
