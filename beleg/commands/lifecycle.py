"""For ML engineers: evaluate, release, promote, roll back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from beleg.terminal import AsJson, emit, finish, note, tell

if TYPE_CHECKING:
    from lifecycle.types import Pointer, Scorecard

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
    from beleg.releasing import all_releases

    found, live = finish(all_releases())
    if as_json:
        names = ("name", "use_case", "stage", "note")
        emit([{n: getattr(r, n) for n in names} | {"recipe": r.recipe.id, "live": r.name in live} for r in found])
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
    from beleg.releasing import create_release

    made, changes = finish(create_release(use_case, note))
    if as_json:
        emit({"name": made.name, "stage": made.stage, "recipe": made.recipe.id, "changes": changes})
        return
    tell(f"{made.name} ({made.stage.value}), recipe {made.recipe.id[:12]}")
    for change in changes:
        tell(f"  {change}")
    if not changes:
        tell("  It answers exactly as the live release does: nothing to evaluate or promote.")
        return
    tell(f"Next: `beleg eval run --release {made.name}`, then `beleg release promote {made.name}`.")


@release.command("promote", epilog="Example: `beleg release promote assistant-2 --why 'better on dev'`")
def promote(
    name: Annotated[str, typer.Argument(metavar="RELEASE", help="As `beleg release list` shows it.")],
    why: Why = "",
    unevaluated: Annotated[
        bool, typer.Option("--unevaluated", help="Also a draft that was never evaluated; the record says so.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a release the live one of its use case. Every serving process follows within two seconds.

    Status 3 if its stage does not allow it.
    """
    from beleg.releasing import promote_release

    pointer = finish(promote_release(name, why=why, unevaluated=unevaluated))
    _print_pointer(pointer, f"is live for {pointer.use_case}", as_json=as_json)
    if not as_json:
        tell(f"Back: `beleg release rollback --use-case {pointer.use_case}`.")


@release.command("rollback", epilog="Example: `beleg release rollback --use-case assistant --why 'wrong citations'`")
def rollback(
    use_case: UseCaseName = "assistant",
    to: Annotated[
        str | None, typer.Option(metavar="RELEASE", help="Which; default: the one that was live before.")
    ] = None,
    why: Why = "",
    as_json: AsJson = False,
) -> None:
    """Take the live release back. Every serving process follows within two seconds.

    Status 3 if there is none to go back to. The one taken back has to be evaluated again before it is promoted.
    """
    from beleg.releasing import roll_release_back

    pointer = finish(roll_release_back(use_case, to=to, why=why))
    _print_pointer(pointer, f"is live again for {pointer.use_case}", as_json=as_json)


@evaluation.command("run", epilog="Example: `beleg eval run --split dev --release assistant-2`")
def run(
    release_name: Annotated[
        str | None, typer.Option("--release", metavar="RELEASE", help="Default: the live one.")
    ] = None,
    use_case: Annotated[
        str | None, typer.Option(help="A folder of usecases/; default: the release's, or assistant.")
    ] = None,
    split: Annotated[str, typer.Option(help="dev or test. Look at test only to report, never to tune.")] = "dev",
    questions: Annotated[
        Path | None, typer.Option(help="JSON lines, as samples/README.md describes; default: the samples'.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Answer a question set through the chain that serves, score it, log it to MLflow. Ingest the documents first.

    Status 1 if a question did not run to an end; a draft is then not evaluated.
    """
    from beleg.evaluating import evaluate_release

    card, where = finish(evaluate_release(questions, split, use_case, release_name, tell=note if as_json else tell))
    if as_json:
        emit(card)
        note(where)
    else:
        _print_card(card)
        tell(where)
    raise SystemExit(0 if card.failed == 0 else 1)


def _print_pointer(pointer: Pointer, what: str, *, as_json: bool) -> None:
    if as_json:
        emit(pointer)
    else:
        tell(f"{pointer.release} {what} (epoch {pointer.epoch}).")


def _print_card(card: Scorecard) -> None:
    tell(f"{card.release}, {card.split}: {len(card.results)} questions, {card.coverage:.0%} ran to an end")
    for m in card.measures:
        tell(f"  {m.name:28} {m.value:8.3f}   [{m.low:.3f}, {m.high:.3f}]  n={m.items}")
