"""A release, a question set → a scorecard, in MLflow. Called by `beleg eval run`."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from pathlib import Path

from lifecycle.attempt import attempt
from lifecycle.compose import open_lifecycle, open_tracker
from lifecycle.evaluate import evaluate
from lifecycle.questions import read_questions
from lifecycle.releases import evaluated
from lifecycle.stages import Stage
from lifecycle.types import Scorecard
from rag.compose import open_rag
from rag.errors import Permanent, Temporary
from rag.settings import read_settings
from rag.types import Live, now


async def evaluate_release(
    questions: Path, split: str, use_case: str, release: str | None, *, tell: Callable[[str], None]
) -> tuple[Scorecard, str]:
    """The card, and where people can look at it. MLflow being away does not lose the card."""
    settings = read_settings()
    items = read_questions(questions, split=split)
    if not items:
        raise Permanent("no_questions", f"{questions} has no questions of the split {split}.", hint="Use dev or test.")
    async with open_rag(settings) as rag, open_lifecycle(rag) as house:
        if rag.chain.index.generation is None:
            raise Permanent(
                "nothing_published",
                "There are no documents to ask.",
                hint="`beleg demo` ingests the samples, `beleg ingest` your own.",
            )
        live = await house.releases.live(use_case)
        if release is not None:
            named = await house.store.release(release)
            live = Live(release=named.name, recipe=named.recipe, epoch=live.epoch)
        tell(f"Asking {len(items)} questions ({split}) of release {live.release} ...")
        card = await evaluate(
            items, lambda item: attempt(item, chain=rag.chain, live=live, use_case=rag.use_cases[use_case]),
            use_case=use_case, release=live.release, split=split,
        )  # fmt: skip
        where, run = await _mirror(settings.mlflow_port, card, live)
        if (await house.store.release(live.release)).stage is Stage.draft:
            await evaluated(live.release, store=house.store, actor=getpass.getuser(), at=now(), run=run)
    return card, where


async def _mirror(port: int, card: Scorecard, live: Live) -> tuple[str, str]:
    tracker = open_tracker(port)
    try:
        await tracker.mirror_prompt(live.recipe.prompt)
        run = await tracker.log(card, recipe=live.recipe)
    except Temporary as error:
        return f"Not logged to MLflow: {error.message} `beleg up` starts it.", ""
    return f"MLflow run {run}: http://127.0.0.1:{port}/", run
