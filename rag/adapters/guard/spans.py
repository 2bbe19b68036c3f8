"""What finders hand on, and how overlaps are settled. Pure. Used by every finder and by the guard."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from rag.allowing import EXACT_ONLY, Allowed
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


def without(allowed: Allowed, spans: Sequence[Span], text: str) -> tuple[list[Span], dict[str, int]]:
    """The spans that the allow-list leaves, and how many places of each type it took out.

    People see findings, which are clusters of overlapping spans: an entry for exactly such a cluster takes out all of it,
    unless a number that is only ever allowed by itself lies inside.
    """
    kept = [span for span in spans if not allowed.holds(span.entity, text[span.start : span.end])]
    out: Counter[str] = Counter(entity for entity, *_ in {(s.entity, s.start, s.end) for s in set(spans) - set(kept)})
    for found in settle(kept):
        inside = [s for s in kept if found.start <= s.start < found.end]
        is_whole = all(s.entity == found.entity or s.entity not in EXACT_ONLY for s in inside)
        if is_whole and allowed.holds_exactly(found.entity, text[found.start : found.end]):
            kept = [s for s in kept if s not in inside]
            out[found.entity] += 1
    return kept, dict(sorted(out.items()))


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
