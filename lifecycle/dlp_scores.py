"""Marked texts and what a guard found in them → precision, recall, F2. Pure. Used by `beleg dlp eval` and the benchmarks.

Counted in characters, as they are masked: half a name found is half a name shown. What is masked under another type is
masked: it counts as found, and stands in the confusion table.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lifecycle.marked import NEITHER, MarkedText
from rag.types import Finding

_SENTENCE = re.compile(r"[^.!?\n]+[.!?]*")
_BETA = 2.0
"""Recall counts so many times as much as precision (van Rijsbergen 1979): what is missed has leaked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """Characters of one type.

    Attributes:
        marked: of it in the texts. found: of these, masked under whatever type.
        masked: under this type by the guard. right: of these, marked as whatever type.
    """

    marked: int = 0
    found: int = 0
    masked: int = 0
    right: int = 0

    @property
    def recall(self) -> float | None:
        """`None` where nothing is marked."""
        return self.found / self.marked if self.marked else None

    @property
    def precision(self) -> float | None:
        """`None` where nothing was masked."""
        return self.right / self.masked if self.masked else None

    @property
    def f2(self) -> float | None:
        if self.recall is None or self.precision is None:
            return None
        both = _BETA**2 * self.precision + self.recall
        return (1 + _BETA**2) * self.precision * self.recall / both if both else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DlpScores:
    """How well a guard has masked.

    Attributes:
        confusion: (marked type, masked type) → characters; the empty type = not at all.
        clean: sentences in which nothing is marked. touched: of these, in which something was masked.
    """

    texts: int
    overall: Tally
    by_type: Mapping[str, Tally]
    confusion: Mapping[tuple[str, str], int]
    clean: int
    touched: int

    @property
    def false_positives(self) -> float | None:
        """Share of the clean sentences that were touched."""
        return self.touched / self.clean if self.clean else None


def score(texts: Sequence[MarkedText], findings: Sequence[Sequence[Finding]]) -> DlpScores:
    """`findings`: of each text, in their order, without overlaps. Blanks count for nobody."""
    confusion, clean, touched = Counter[tuple[str, str]](), 0, 0
    for text, found in zip(texts, findings, strict=True):
        marked = _labels(len(text.text), ((m.start, m.end, m.entity) for m in text.marks))
        masked = _labels(len(text.text), ((f.start, f.end, f.entity) for f in found))
        confusion += Counter(
            (is_, was)
            for sign, is_, was in zip(text.text, marked, masked, strict=True)
            if (is_ or was) and is_ != NEITHER and not sign.isspace()
        )
        for sentence in _SENTENCE.finditer(text.text):
            if not any(marked[sentence.start() : sentence.end()]) and not sentence.group().isspace():
                clean += 1
                touched += any(masked[sentence.start() : sentence.end()])
    types = sorted({entity for pair in confusion for entity in pair if entity})
    return DlpScores(
        texts=len(texts), overall=_tally(confusion, frozenset(types)), confusion=dict(confusion), clean=clean,
        touched=touched, by_type={entity: _tally(confusion, frozenset({entity})) for entity in types},
    )  # fmt: skip


def _labels(length: int, spans: Iterable[tuple[int, int, str]]) -> list[str]:
    labels = [""] * length
    for start, end, entity in spans:
        labels[start:end] = [entity] * (end - start)
    return labels


def _tally(confusion: Mapping[tuple[str, str], int], types: frozenset[str]) -> Tally:
    marked = {pair: number for pair, number in confusion.items() if pair[0] in types}
    masked = {pair: number for pair, number in confusion.items() if pair[1] in types}
    return Tally(
        marked=sum(marked.values()), found=sum(number for (_, was), number in marked.items() if was),
        masked=sum(masked.values()), right=sum(number for (is_, _), number in masked.items() if is_),
    )  # fmt: skip
