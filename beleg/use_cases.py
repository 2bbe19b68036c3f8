"""Which use cases there are, asked before any model is loaded: a misspelt name is told at once."""

from __future__ import annotations

from rag.errors import Permanent
from rag.settings import Settings


def require_use_case(name: str, settings: Settings) -> None:
    """Raises `Permanent("no_such_use_case")`."""
    from rag.use_cases import read_use_cases

    known = read_use_cases(settings.use_cases)
    if name not in known:
        raise Permanent("no_such_use_case", f"There is no use case {name}.", hint=f"Use one of {', '.join(known)}.")
