"""What finders hand on, and how overlaps are settled. Pure. Used by every finder and by the guard."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, Protocol

from rag.types import Finding


class Span(NamedTuple):
    """A candidate in the text that was searched: half-open, with the finder's confidence 0..1."""

    entity: str
    start: int
    end: int
    score: float
    by: str


class Finder(Protocol):
    """Looks for some kinds of entities. Pure and thread-safe; linear in the text's length."""

    def find(self, text: str) -> Iterable[Span]: ...


def settle(spans: Iterable[Span]) -> list[Finding]:
    """Sorted findings without overlaps.

    Spans that overlap become one finding over all that they cover, because masking more is the safe side; it is named
    after the longest of them, then the surest.
    """
    settled: list[Finding] = []
    cluster: list[Span] = []
    reach = -1
    for span in sorted(spans, key=lambda s: (s.start, -s.end)):
        if cluster and span.start >= reach:
            settled.append(_merged(cluster, reach))
            cluster = []
            reach = -1
        cluster.append(span)
        reach = max(reach, span.end)
    if cluster:
        settled.append(_merged(cluster, reach))
    return settled


def _merged(cluster: list[Span], end: int) -> Finding:
    best = max(cluster, key=lambda s: (s.end - s.start, s.score, s.entity))
    return Finding(
        entity=best.entity, start=cluster[0].start, end=end, score=round(best.score, 2), recognizer=best.by
    )  # fmt: skip
