"""For operators: another embedding model, parser or other chunk rules, without an hour in which nothing is answered."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from beleg.terminal import AsJson, emit, finish, note, tell

if TYPE_CHECKING:
    from lifecycle.types import Pointer, Scorecard

app = typer.Typer()
index = typer.Typer(
    no_args_is_help=True,
    help="Build a new index beside the one that answers, evaluate it, move to it, and back.",
)
app.add_typer(index, name="index")

IndexName = Annotated[str, typer.Argument(metavar="INDEX", help="As `beleg index status` shows it.")]
UseCaseOrAll = Annotated[str | None, typer.Option("--use-case", help="A folder of usecases/; default: every one.")]
Why = Annotated[str, typer.Option(help="The reason, kept in the history.")]


@index.command("start", epilog="Example: `beleg index start --embedder /models/multilingual-e5-small`")
def start(
    embedder: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="A sentence-transformers model; default: the one of the settings."),
    ] = None,
    gloss: Annotated[
        bool | None,
        typer.Option("--gloss/--no-gloss", help="Embed German by its English gloss. Default: the packaged model only."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell how much, how long and how large.")] = False,
    as_json: AsJson = False,
) -> None:
    """Build a new index from the stored texts; the present one goes on answering. Stopped or killed, it goes on where it was.

    The running instance builds it; without one this command does. Files are read again only where no text is stored.
    Status 3 if there is one of exactly this or another is being built, 4 if some documents could not come along yet.
    """
    from beleg.index_standing import plan
    from beleg.reindexing import start as begin

    if dry_run:
        found = finish(plan(embedder, glossed=gloss))
        if as_json:
            emit(found)
            return
        room = "" if found.megabytes is None else f", about {found.megabytes:.0f} MB"
        tell(
            f"{found.embedder}: {found.documents} documents, {found.chunks} chunks, about {found.minutes:.1f} min{room}."
        )
        for change in found.changes:
            tell(f"  {change}")
        if not found.changes:
            tell("  Nothing differs from the index that there is.")
        return
    is_ready = finish(begin(embedder, glossed=gloss, tell=note if as_json else tell))
    if as_json:
        emit({"ready": is_ready})


@index.command("status", epilog="Example: `beleg index status --watch index-2`")
def status(
    watch: Annotated[str | None, typer.Option(metavar="INDEX", help="Show its progress until it is ready.")] = None,
    as_json: AsJson = False,
) -> None:
    """Every index: who is answered from it, how far it is, how long it still takes, when it is dropped."""
    from beleg.index_standing import line_of
    from beleg.index_standing import status as standing
    from beleg.index_standing import watch as watch_index

    if watch is not None:
        finish(watch_index(watch, tell=note if as_json else tell))
    found = finish(standing())
    if as_json:
        emit(found)
        return
    for one in found:
        tell(line_of(one))


@index.command("evaluate", epilog="Example: `beleg index evaluate index-2 --split dev`")
def evaluate(
    name: IndexName,
    use_case: Annotated[str, typer.Option("--use-case", help="A folder of usecases/.")] = "assistant",
    split: Annotated[str, typer.Option(help="dev or test. Look at test only to report, never to tune.")] = "dev",
    questions: Annotated[
        Path | None, typer.Option(help="JSON lines, as samples/README.md describes; default: the samples'.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """The question set of the index that answers now and of this one, side by side; a draft release of this one is made.

    Status 1 if a question of this one did not run to an end.
    """
    from beleg.reindexing import evaluate as evaluate_index

    before, after, told = finish(
        evaluate_index(name, use_case=use_case, questions=questions, split=split, tell=note if as_json else tell)
    )
    if as_json:
        emit({"before": before, "after": after})
        note(told)
    else:
        _print_both(before, after)
        tell(told)
        tell(f"Next: `beleg index move {name}`.")
    raise SystemExit(0 if after.failed == 0 else 1)


@index.command("move", epilog="Example: `beleg index move index-2 --why 'better on dev'`")
def move(
    name: IndexName,
    use_case: UseCaseOrAll = None,
    why: Why = "",
    unevaluated: Annotated[
        bool, typer.Option("--unevaluated", help="Also where it was never evaluated; the record says so.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Answer from this index: a release of the live recipe over it is promoted. Serving processes follow within two seconds.

    The one before stays, up to date, for BELEG_KEEP_INDEX_DAYS. Status 3 if it is not ready or not evaluated.
    """
    from beleg.reindexing import move as move_index

    _print_pointers(finish(move_index(name, use_case=use_case, why=why, unevaluated=unevaluated)), as_json=as_json)
    if not as_json:
        tell("Back: `beleg index back`.")


@index.command("back", epilog="Example: `beleg index back --why 'German answers are worse'`")
def back(use_case: UseCaseOrAll = None, why: Why = "", as_json: AsJson = False) -> None:
    """Answer from the index before: its release is live again. Status 3 if there is none."""
    from beleg.reindexing import back as move_back

    _print_pointers(finish(move_back(use_case=use_case, why=why)), as_json=as_json)


@index.command("drop", epilog="Example: `beleg index drop index-1 --yes`")
def drop(
    name: IndexName,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without, only say so.")] = False,
) -> None:
    """Remove an index that nobody is answered from. The running instance does it when its days are over. Status 3 if it is
    read, or the only one.
    """
    from beleg.reindexing import drop as drop_index

    if not yes:
        tell(f"{name} would go for good. Do it with --yes.")
        return
    finish(drop_index(name))
    tell(f"{name} was dropped.")


def _print_pointers(pointers: list[Pointer], *, as_json: bool) -> None:
    if as_json:
        emit(pointers)
        return
    for pointer in pointers:
        tell(f"{pointer.release} is live for {pointer.use_case} (epoch {pointer.epoch}).")
    if not pointers:
        tell("Every use case is answered from it already.")


def _print_both(before: Scorecard, after: Scorecard) -> None:
    tell(f"{'':28} {before.release:>14} {after.release:>14}")
    for old in before.measures:
        new = after.measure(old.name)
        tell(f"{old.name:28} {old.value:14.3f} {f'{new.value:14.3f}' if new else '-':>14}   n={old.items}")
    tell(f"{'ran to an end':28} {before.coverage:14.0%} {after.coverage:14.0%}   n={len(before.results)}")
