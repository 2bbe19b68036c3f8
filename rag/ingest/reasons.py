"""The sentence that people write beside an act which stays on record for good: short, not blank, and of nobody."""

from __future__ import annotations

from collections import Counter

from rag.errors import Permanent
from rag.ports import Guard
from rag.types import Action, Direction

_LONGEST = 500
"""Characters: one sentence, not a quotation."""


def require_short(reason: str) -> None:
    """Raises `Permanent`: `no_reason`, `reason_too_long`."""
    if not reason.strip():
        raise Permanent("no_reason", "The reason is empty.", hint="One sentence: by whose request, under which number.")
    if len(reason) > _LONGEST:
        raise Permanent(
            "reason_too_long", f"The reason is longer than {_LONGEST} characters.",
            hint="One sentence is enough, without content of the document.",
        )  # fmt: skip


async def require_reason(reason: str, *, guard: Guard) -> None:
    """Raises as `require_short`, `Permanent("reason_names_somebody")`, and `Refused` if the guard cannot say."""
    require_short(reason)
    screened = await guard.screen(reason, direction=Direction.input, context={})
    if screened.findings or screened.decision.action is not Action.allow:
        counts = Counter(finding.entity for finding in screened.findings)
        found = ", ".join(f"{number} x {entity}" for entity, number in sorted(counts.items()))
        raise Permanent(
            "reason_names_somebody", f"The reason holds personal data{f' ({found})' if found else ''}, and it is kept for good.",
            hint="Name the request by its number instead.",
        )  # fmt: skip
