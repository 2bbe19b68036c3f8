"""Findings → text with typed placeholders, and where everything stands afterwards. Pure.

Beside the steps, because both the guard (an adapter) and the steps that move elements and places along need the very
same arithmetic: `Screened.text` is always `redact(text, findings)`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from rag.types import Finding


def placeholder(entity: str) -> str:
    """What stands in place of a finding, e.g. `<PERSON>`."""
    return f"<{entity}>"


def redact(text: str, findings: Sequence[Finding]) -> str:
    """`findings` are sorted and do not overlap."""
    parts, at = [], 0
    for finding in findings:
        parts += [text[at : finding.start], placeholder(finding.entity)]
        at = finding.end
    return "".join([*parts, text[at:]])


def cut_out(findings: Iterable[Finding], start: int, end: int) -> list[Finding]:
    """The findings inside `[start, end)`, clipped to it and counted from `start`."""
    return [
        Finding(
            entity=f.entity, start=max(f.start, start) - start, end=min(f.end, end) - start, score=f.score,
            recognizer=f.recognizer,
        )
        for f in findings
        if f.start < end and f.end > start
    ]  # fmt: skip


class Moved:
    """Offsets before → offsets after a redaction."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self._findings = findings
        self._starts = [f.start for f in findings]
        self._shifts = [0]
        for finding in findings:
            grown = len(placeholder(finding.entity)) - (finding.end - finding.start)
            self._shifts.append(self._shifts[-1] + grown)

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where `[start, end)` stands now.

        A finding that reaches over a span's border belongs to the span in which it begins, so spans that did not
        overlap before do not overlap after; one that lay wholly inside a finding begun earlier becomes empty.
        """
        first, last = self.point(start), self.point(end)
        return first, max(first, last)

    def point(self, at: int) -> int:
        """Where an offset stands now; inside a finding, that is behind its placeholder."""
        index = bisect_right(self._starts, at) - 1
        if index < 0:
            return at
        finding = self._findings[index]
        if at == finding.start:
            return at + self._shifts[index]
        return max(at, finding.end) + self._shifts[index + 1]

    def touches(self, start: int, end: int) -> bool:
        """Whether a finding overlaps `[start, end)`."""
        index = bisect_right(self._starts, max(start, end - 1)) - 1
        return index >= 0 and self._findings[index].end > start and self._findings[index].start < end
