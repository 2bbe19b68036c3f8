"""What every command shares: one event loop per call, errors as one sentence, JSON where a program reads.

Exit codes: 0 done; 1 something failed or is not in order; 2 wrong usage; 3 refused; 4 try again later.
"""

from __future__ import annotations

import asyncio
import json
import math
import sys
import unicodedata
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from typing import Annotated, Any, Literal, NoReturn, TypeVar

import typer

from rag.errors import BelegError, Refused, Temporary

T = TypeVar("T")

ClassificationName = Literal["public", "internal", "confidential", "highly_confidential"]
"""The members of `Classification`; written out, because importing that takes longer than showing help."""
ZoneName = Annotated[str | None, typer.Argument(metavar="[ZONE]", help="One zone; default: all.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def finish(work: Coroutine[Any, Any, T]) -> T:
    """Runs one command's work. Our errors end the process with a sentence and a meaningful exit code."""
    try:
        return asyncio.run(work)
    except BelegError as error:
        fail(error)


def fail(error: BelegError) -> NoReturn:
    note(f"beleg: {error}")
    raise SystemExit(exit_code(error))


def exit_code(error: BelegError) -> int:
    if isinstance(error, Refused):
        return 3
    return 4 if isinstance(error, Temporary) else 1


def tell(text: str = "") -> None:
    """One line to people, at once even through a pipe."""
    print(_harmless(text), flush=True)


def note(text: str) -> None:
    """One line to people beside what a program reads."""
    print(_harmless(text), file=sys.stderr, flush=True)


def _harmless(text: str) -> str:
    """Names of files come from anybody: none of them paints the terminal."""
    return "".join("?" if unicodedata.category(c) == "Cc" and c not in "\n\t" else c for c in text)


def is_terminal() -> bool:
    """Whether people look at stdout themselves."""
    return sys.stdout.isatty()


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns for people: fitted to their terminal; through a pipe every row is one line."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for name in head:
        made.add_column(Text(name, style="dim"), overflow="fold")
    for row in rows:
        made.add_row(*(Text(_harmless(cell)) for cell in row))
    Console(file=sys.stdout, highlight=False, width=None if is_terminal() else 2_000).print(made)


def shown(name: str) -> str:
    """A file's name on one line, whatever stands in it."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in name)


def emit(value: object) -> None:
    """One JSON document to programs: sets as sorted lists, enumerations by the name that people type."""
    print(json.dumps(_plain(value), ensure_ascii=False, indent=2))


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(_scalar(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, (frozenset, set)):
        return sorted((_plain(item) for item in value), key=str)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return _scalar(value)


def _scalar(value: object) -> object:
    if isinstance(value, Enum):  # before int: a classification is one, and people type its name
        return value.value if isinstance(value, str) else value.name
    if isinstance(value, float) and not math.isfinite(value):
        return None  # JSON has no word for it
    if value is None or isinstance(value, (str, int, float)):
        return value
    return value.isoformat() if isinstance(value, (datetime, date)) else str(value)
