"""The command `beleg`. What a command needs it imports when it runs, so that `--help` is instant."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from beleg.commands import allowing, documents, erasures, guard, indexes, instance, lifecycle, questions, reviews, trust
from beleg.logs import log_to_stderr
from beleg.quiet import keep_quiet
from beleg.terminal import fail, note, tell
from rag.errors import BelegError

ROOT = Path(__file__).resolve().parents[1]

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # their tracebacks print local variables, and these may hold text
    rich_markup_mode="markdown",
    help="Cited answers from your own documents, under your own rules. Start with `beleg demo` or `beleg up`.",
    epilog="All state lives in BELEG_HOME (default .beleg/). Exit codes: 0 done, 1 failed or not in order, "
    "2 wrong usage, 3 refused, 4 try again later, 70 a fault in Beleg, 130 stopped by Ctrl-C. Errors are one sentence "
    "on stderr; with --json, stdout holds one JSON document and nothing else.",
)
for commands in (
    instance.app,
    documents.app,
    erasures.app,
    reviews.app,
    allowing.app,
    guard.app,
    questions.app,
    lifecycle.app,
    indexes.app,
    trust.app,
):
    app.add_typer(commands)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        tell(f"beleg {version('beleg')}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Say which Beleg this is.")
    ] = False,
) -> None:
    del version


def main() -> None:
    """Entry point. No traceback ever reaches a terminal: it could carry text."""
    log_to_stderr()
    keep_quiet()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a file's name may be no Unicode
    try:
        app()
    except BelegError as error:
        fail(error)
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader went away: nothing to say
        raise SystemExit(0) from None
    except SystemExit:
        raise
    except BaseException as error:  # noqa: BLE001 - the last place where a traceback can be held back
        raise SystemExit(_unforeseen(error)) from None


def _unforeseen(error: BaseException) -> int:
    """Says where, never what: messages of libraries quote their input."""
    number = getattr(error, "signal", None)
    if isinstance(number, int):  # Prefect turns a signal during a run into an exception of its own
        return 128 + number
    ours = [f for f in traceback.extract_tb(error.__traceback__) if ".venv" not in f.filename and _is_ours(f.filename)]
    place = f" at {Path(ours[-1].filename).relative_to(ROOT)}:{ours[-1].lineno}" if ours else ""
    note(
        f"beleg: This is a fault in Beleg ({type(error).__name__}{place}). `beleg doctor` looks for a cause on this "
        "machine; if all is well there, please report this line."
    )
    return 70


def _is_ours(name: str) -> bool:
    return Path(name).is_relative_to(ROOT)
