"""What every command shares: one event loop per call, errors as one sentence, JSON where a program reads.

Exit codes: 0 done; 1 something failed or is not in order; 2 wrong usage; 3 refused; 4 try again later.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Coroutine
from dataclasses import asdict, is_dataclass
from datetime import datetime
from enum import Enum
from typing import Annotated, Any, NoReturn, TypeVar

import typer

from rag.errors import BelegError, Refused, Temporary

T = TypeVar("T")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def finish(work: Coroutine[Any, Any, T]) -> T:
    """Runs one command's work. Our errors end the process with a sentence and a meaningful exit code."""
    try:
        return asyncio.run(work)
    except BelegError as error:
        fail(error)


def fail(error: BelegError) -> NoReturn:
    print(f"beleg: {error}", file=sys.stderr)
    raise SystemExit(exit_code(error))


def exit_code(error: BelegError) -> int:
    if isinstance(error, Refused):
        return 3
    return 4 if isinstance(error, Temporary) else 1


def tell(text: str = "") -> None:
    """One line to people, at once even through a pipe."""
    print(text, flush=True)


def emit(value: object) -> None:
    """One JSON document to programs."""
    print(json.dumps(value, default=_plain, ensure_ascii=False, indent=2))


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (frozenset, set)):
        return sorted(value)
    return str(value)
