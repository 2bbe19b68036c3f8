"""For ML engineers: evaluate, release, promote, roll back."""

from __future__ import annotations

import getpass
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from beleg.terminal import AsJson, emit, finish, tell
from rag.errors import Permanent
from rag.settings import ROOT, read_settings
from rag.types import now

if TYPE_CHECKING:
    from lifecycle.ports import ReleaseStore
    from lifecycle.types import Pointer, Release, Scorecard

app = typer.Typer()
release = typer.Typer(no_args_is_help=True, help="What is live, and why: immutable recipes under a name.")
evaluation = typer.Typer(no_args_is_help=True, help="Measure before you release.")
app.add_typer(release, name="release")
app.add_typer(evaluation, name="eval")

UseCaseName = Annotated[str, typer.Option(help="A folder of usecases/.")]
Why = Annotated[str, typer.Option(help="The reason, kept in the history.")]


@release.command("list", epilog="Example: `beleg release list --json`")
def list_releases(as_json: AsJson = False) -> None:
    """All releases with their stage; `*` marks what answers now."""
    found, live = finish(_all())
    if as_json:
        emit(
            [
                {
                    "name": r.name,
                    "use_case": r.use_case,
                    "stage": r.stage.value,
                    "recipe": r.recipe.id,
                    "live": r.name in live,
                    "note": r.note,
                }
                for r in found
            ]
        )
        return
    for r in found:
        tell(f"{'*' if r.name in live else ' '} {r.name:28} {r.stage.value:12} recipe {r.recipe.id[:12]}  {r.note}")
    if not found:
        tell("No release yet: the first start of `beleg up` makes one for each use case.")


@release.command("create", epilog="Example: `beleg release create --use-case assistant --note 'shorter prompt'`")
def create(
    use_case: UseCaseName = "assistant",
    note: Annotated[str, typer.Option(help="What changed, for people.")] = "",
    as_json: AsJson = False,
) -> None:
    """Make a draft release of the configuration as it stands now. Nothing changes for users yet."""
    made, changes = finish(_create(use_case, note))
    if as_json:
        emit({"name": made.name, "stage": made.stage.value, "recipe": made.recipe.id, "changes": changes})
        return
    tell(f"{made.name} ({made.stage.value}), recipe {made.recipe.id[:12]}")
    for change in changes:
        tell(f"  {change}")
    if not changes:
        tell("  It answers exactly as the live release does.")
    tell(f"Next: `beleg eval run --release {made.name}`, then `beleg release promote {made.name}`.")


@release.command("promote", epilog="Example: `beleg release promote assistant-2 --why 'better on dev'`")
def promote(
    name: Annotated[str, typer.Argument(help="As `beleg release list` shows it.")],
    why: Why = "",
    unevaluated: Annotated[
        bool, typer.Option("--unevaluated", help="Also a draft that was never evaluated; the record says so.")
    ] = False,
) -> None:
    """Make a release the live one of its use case. Every serving process follows within two seconds."""
    from lifecycle import releases

    pointer = finish(_with_store(lambda store: releases.promote(
        name, store=store, actor=getpass.getuser(), at=now(), reason=why, unevaluated=unevaluated
    )))  # fmt: skip
    tell(f"{pointer.release} is live for {pointer.use_case} (epoch {pointer.epoch}). Back: `beleg release rollback`.")


@release.command("rollback", epilog="Example: `beleg release rollback --use-case assistant --why 'wrong citations'`")
def rollback(
    use_case: UseCaseName = "assistant",
    to: Annotated[str | None, typer.Option(help="A release; default: the one that was live before.")] = None,
    why: Why = "",
) -> None:
    """Take the live release back. Every serving process follows within two seconds."""
    from lifecycle import releases

    pointer = finish(_with_store(lambda store: releases.roll_back(
        use_case, store=store, actor=getpass.getuser(), at=now(), reason=why, to=to
    )))  # fmt: skip
    tell(f"{pointer.release} is live again for {pointer.use_case} (epoch {pointer.epoch}).")


@evaluation.command("run", epilog="Example: `beleg eval run --split dev --release assistant-2`")
def run(
    release_name: Annotated[str | None, typer.Option("--release", help="Default: the live one.")] = None,
    use_case: UseCaseName = "assistant",
    split: Annotated[str, typer.Option(help="dev or test. Look at test only to report, never to tune.")] = "dev",
    questions: Annotated[Path, typer.Option(help="JSON lines, as samples/README.md describes.")] = ROOT
    / "samples"
    / "questions.jsonl",
    as_json: AsJson = False,
) -> None:
    """Answer a question set through the chain that serves, score it, log it to MLflow. Ingest the documents first."""
    from beleg.evaluating import evaluate_release

    card, where = finish(
        evaluate_release(questions, split, use_case, release_name, tell=(lambda _: None) if as_json else tell)
    )
    if as_json:
        emit(card)
    else:
        _print_card(card)
        tell(where)
    raise SystemExit(0 if card.failed == 0 else 1)


def _print_card(card: Scorecard) -> None:
    tell(f"{card.release}, {card.split}: {len(card.results)} questions, {card.coverage:.0%} ran to an end")
    for m in card.measures:
        tell(f"  {m.name:28} {m.value:8.3f}   [{m.low:.3f}, {m.high:.3f}]  n={m.items}")


async def _all() -> tuple[list[Release], set[str]]:
    from lifecycle.compose import open_store
    from rag.compose import open_state

    async with open_state(read_settings()) as state:
        store = open_store(state)
        found = await store.releases()
        pointers = [await store.pointer(use_case) for use_case in {r.use_case for r in found}]
        return found, {p.release for p in pointers if p is not None}


async def _with_store(work: Callable[[ReleaseStore], Awaitable[Pointer]]) -> Pointer:
    from lifecycle.compose import open_store
    from rag.compose import open_state

    async with open_state(read_settings()) as state:
        return await work(open_store(state))


async def _create(use_case: str, note: str) -> tuple[Release, list[str]]:
    from lifecycle import releases
    from lifecycle.compose import configured_recipe, open_lifecycle
    from lifecycle.recipes import differences
    from rag.compose import open_rag

    async with open_rag(read_settings()) as rag, open_lifecycle(rag) as house:
        if use_case not in rag.use_cases:
            raise Permanent(
                "no_such_use_case", f"There is no use case {use_case}.", hint=f"Use one of {', '.join(rag.use_cases)}."
            )
        recipe = configured_recipe(rag, use_case)
        live = await house.releases.live(use_case)
        made = await releases.create(recipe, store=house.store, actor=getpass.getuser(), at=now(), note=note)
        return made, differences(live.recipe, recipe)
