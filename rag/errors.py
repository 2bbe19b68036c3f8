"""What can go wrong, by who must act. HTTP codes live in `serving/errors.py` alone.

`code` is stable and for programs; `message` is one sentence for people; `hint` says what to do next. None of the
three ever carries document, question or answer text.
"""

from __future__ import annotations


class BelegError(Exception):
    """Root of all our errors. Raise one of the three kinds below."""

    cost_usd: float = 0.0
    """What a question had cost when it failed; `answer()` tells it to whoever pays."""

    def __init__(self, code: str, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class Temporary(BelegError):
    """Come back later: the caller may retry after `after_s` seconds."""

    def __init__(self, code: str, message: str, *, hint: str = "", after_s: float = 1.0) -> None:
        super().__init__(code, message, hint=hint)
        self.after_s = after_s


class Permanent(BelegError):
    """The input is at fault: park it, do not retry."""


class HeldBack(Permanent):
    """A policy keeps the document out, and a steward may say otherwise. `counts`: findings per type."""

    def __init__(self, code: str, message: str, *, hint: str = "", counts: dict[str, int]) -> None:
        super().__init__(code, message, hint=hint)
        self.counts = counts


class Refused(BelegError):
    """We said no: access, policy, limit or budget."""
