"""The hash chain over audit rows: what is hashed, and how a stored chain is checked. Pure.

Row n carries `sha256(hash of row n-1 + canonical JSON of row n)`. Whoever changes, drops, inserts or swaps a row in the
middle breaks the chain from there on; whoever cuts its end contradicts the head, which is kept apart. The chain shows
tampering by anyone who cannot rewrite all rows *and* the head's copy; keep that copy on another disk to make it worth
more.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC

from rag.errors import Permanent
from rag.types import AuditRow

START = "0" * 64
"""Stands for the hash before the first row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A row as it lies in the database. `facts`: canonical JSON text, hashed as it stands."""

    seq: int
    row: AuditRow
    facts: str
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Where the chain ends: number of rows, and the last row's hash."""

    rows: int
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainReport:
    """What a check found.

    Attributes:
        rows: rows that were read. bad_seq: number of the first row that does not fit, if it is one row's fault.
        problem: one sentence; "" when all is well.
    """

    ok: bool
    rows: int
    bad_seq: int | None = None
    problem: str = ""


def canonical(facts: dict[str, object]) -> str:
    """One text per value: sorted keys, no spaces, ASCII. Raises `Permanent("audit.facts")` for what JSON cannot say."""
    try:
        return json.dumps(facts, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise Permanent("audit.facts", "An audit row holds a value that JSON cannot express.") from error


def link(before: str, seq: int, row: AuditRow, facts: str) -> str:
    """The hash of a row, given the hash before it. Everything stored goes in; `facts` is canonical already."""
    at = row.at.astimezone(UTC).isoformat(timespec="microseconds")
    body = canonical(
        {
            "seq": seq,
            "id": row.id,
            "at": at,
            "actor": row.actor,
            "tenant": row.tenant,
            "action": row.action,
            "outcome": row.outcome,
        }
    )
    return hashlib.sha256(f"{before}\n{body}\n{facts}".encode()).hexdigest()


class Check:
    """Walks a chain row by row, in the order of `seq`, in constant memory. Then `close` with the heads."""

    def __init__(self) -> None:
        self.rows = 0
        self.hash = START
        self._wanted: dict[int, str] = {}
        self._fault: ChainReport | None = None

    def expect(self, head: Head | None) -> None:
        """A head known from elsewhere, possibly older than the chain: its row must be there with its hash."""
        if head is not None and head.rows > 0:
            self._wanted[head.rows] = head.hash

    def see(self, stored: Stored) -> bool:
        """Takes the next row. Returns whether the chain still holds; after a fault nothing more is looked at."""
        if self._fault is not None:
            return False
        self.rows += 1
        if stored.seq != self.rows:
            reason = f"Row {self.rows} is missing: the next one that is there is row {stored.seq}."
            return self._fail(self.rows, reason)
        if link(self.hash, stored.seq, stored.row, stored.facts) != stored.hash:
            return self._fail(stored.seq, f"Row {stored.seq} was changed: its content does not fit its hash.")
        if self._wanted.pop(stored.seq, stored.hash) != stored.hash:
            return self._fail(
                stored.seq, f"Row {stored.seq} is not the one that was recorded apart: rows were rewritten."
            )
        self.hash = stored.hash
        return True

    def unreadable(self) -> ChainReport:
        """The verdict when the next rows cannot even be read as rows."""
        reason = f"A row after row {self.rows} cannot be read: it was changed."
        return ChainReport(ok=False, rows=self.rows, bad_seq=self.rows + 1, problem=reason)

    def close(self, head: Head, *, count: int) -> ChainReport:
        """The verdict, given the head that the database keeps and how many rows it holds in all."""
        if self._fault is not None:
            return self._fault
        last = max([head.rows, *self._wanted])
        if last > self.rows:
            reason = f"The end was cut off: {last} rows were written, {self.rows} are there."
            return ChainReport(ok=False, rows=self.rows, bad_seq=self.rows + 1, problem=reason)
        if head.hash != self.hash:
            reason = "The chain and its recorded end do not agree."
            return ChainReport(ok=False, rows=self.rows, bad_seq=self.rows or None, problem=reason)
        if count != self.rows:
            reason = f"{count - self.rows} rows lie outside the chain."
            return ChainReport(ok=False, rows=self.rows, bad_seq=None, problem=reason)
        return ChainReport(ok=True, rows=self.rows)

    def _fail(self, seq: int, reason: str) -> bool:
        self._fault = ChainReport(ok=False, rows=self.rows, bad_seq=seq, problem=reason)
        return False
