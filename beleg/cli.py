"""The command `beleg`. Heavy libraries are imported by the commands that need them, so that `--help` is instant."""

from __future__ import annotations

import os
import sys

import typer

from beleg.commands import documents, instance, lifecycle, questions, trust
from beleg.logs import log_to_stderr
from beleg.terminal import fail
from rag.errors import BelegError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # their tracebacks print local variables, and these may hold text
    rich_markup_mode="markdown",
    help="Cited answers from your own documents, under your own rules. Start with `beleg up` or `beleg demo`.",
    epilog="All state lives in BELEG_HOME (default .beleg/). Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused, "
    "4 try again later.",
)
for commands in (instance.app, documents.app, questions.app, lifecycle.app, trust.app):
    app.add_typer(commands)


def main() -> None:
    """Entry point. No traceback ever reaches a terminal: it could carry text."""
    log_to_stderr()
    try:
        app()
    except BelegError as error:
        fail(error)
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader went away: nothing to say
        raise SystemExit(0) from None
