"""A drafted sentence → the same sentence with verified markers, or nothing. Pure. Called by `answer()` per sentence.

A model's own markers are hints: what counts is whether a passage carries the claim. The quote is the shortest run of
whole sentences or rows that carries it best, verbatim in the stored text. What no passage carries is dropped.
It does not prove that the quote entails the claim; see `rag.support` for what it proves.

    citing = Citing(evidence, language="de")
    for sentence in stream.feed(piece):               # as soon as a sentence is complete
        verified = citing.verify(sentence)            # None: nothing carries it, say nothing
        if verified is not None:
            citing.emitted(verified, verified.text, at=len(text))   # or the text as the guard has redacted it
            text += verified.text
    answer = text, citing.citations()
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from rag.sentences import units
from rag.support import Facts, carried, facts, merged
from rag.types import Citation, Hit

MIN_SUPPORT = 0.6
"""Below this a claim is dropped. A missing number or name caps support at 0.4, so one of them is always enough."""

LONGEST_QUOTE = 3
"""Sentences or rows. A longer quote carries more words by accident."""

WORTH_A_SENTENCE = 0.1
"""What a longer quote must add to the support to be preferred to a shorter one."""

_MARKER = re.compile(r"\s?(?:\[\s*\d{1,3}(?:\s*[,;–-]\s*\d{1,3})*\s*\]|\((?:\d{1,2})\)(?=[\s.,;:!?]|\Z))")
_NUMBERS = re.compile(r"\d{1,3}")
_WORD = re.compile(r"\w")
_ISSUED = re.compile(r"\[(\d+)\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Backing:
    """The span of a passage that carries a claim.

    Attributes:
        number: the `[n]` of the answer. start, end: span of the quote in `hit.passage.text`.
    """

    number: int
    hit: Hit
    start: int
    end: int
    support: float

    @property
    def quote(self) -> str:
        return self.hit.passage.text[self.start : self.end]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A sentence that may be said: markers renumbered in order of first use, white space as drafted."""

    text: str = field(repr=False)
    backings: tuple[Backing, ...] = field(repr=False)


class Citing:
    """The citations of one answer, growing sentence by sentence. A number stands for one quote."""

    def __init__(self, evidence: Sequence[Hit], *, language: str, min_support: float = MIN_SUPPORT) -> None:
        """`evidence` in the order in which the draft numbers it, from 1; `language` of the draft."""
        self._passages = [_Passage(hit) for hit in evidence]
        self._language = language
        self._min_support = min_support
        self._numbers: dict[tuple[str, int, int], int] = {}
        self._citations: list[Citation] = []

    def verify(self, sentence: str) -> Verified | None:
        """The sentence with markers that hold, or `None` if no passage carries it or it says nothing."""
        claim = _MARKER.sub("", sentence)
        if not claim.strip():
            return None
        groups = [(match.start(), self._named(match.group())) for match in _MARKER.finditer(sentence)]
        named = list(dict.fromkeys(number for _, numbers in groups for number in numbers))
        if held := self._held(claim, named):
            return self._marked(claim, [(_end_of(claim), held)])
        if by_parts := self._by_parts(sentence, groups):
            return self._marked(claim, by_parts)
        if held := self._held(claim, range(len(self._passages)))[:1]:
            return self._marked(claim, [(_end_of(claim), held)])
        return None

    def emitted(self, verified: Verified, text: str, *, at: int) -> None:
        """Records that `text` (the verified one, or what the guard made of it) stands at offset `at` of the answer."""
        start = len(text) - len(text.lstrip())
        by_number = {backing.number: backing for backing in verified.backings}
        claim = (start, _end_of(_ISSUED.sub(lambda match: " " * len(match.group()), text)))
        for match in _ISSUED.finditer(text):
            if start < match.start() and text[start : match.start()].strip():
                claim = (start, _end_of(text[: match.start()]))
            backing = by_number.pop(int(match[1]), None)
            if backing is not None:
                self._citations.append(_citation(backing, at + claim[0], at + claim[1]))
            start = match.end() + len(text[match.end() :]) - len(text[match.end() :].lstrip())
        for backing in by_number.values():  # the guard has taken the marker away, not the claim
            self._citations.append(_citation(backing, at + claim[0], at + claim[1]))

    def citations(self) -> tuple[Citation, ...]:
        """Of all that was emitted, in order of appearance."""
        return tuple(self._citations)

    def _named(self, marker: str) -> list[int]:
        """Indexes of the passages that a marker names; numbers that no passage has are ignored."""
        numbers = [int(number) - 1 for number in _NUMBERS.findall(marker)]
        return [number for number in numbers if 0 <= number < len(self._passages)]

    def _held(self, claim: str, indexes: Sequence[int]) -> list[Backing]:
        """Backings of the whole claim among these passages, best first; equals keep the passages' order."""
        said = facts(claim, self._language)
        backings = [self._passages[index].back(claim, said) for index in indexes]
        enough = [backing for backing in backings if backing.support >= self._min_support]
        return sorted(enough, key=lambda backing: -backing.support)

    def _by_parts(self, sentence: str, groups: list[tuple[int, list[int]]]) -> list[tuple[int, list[Backing]]]:
        """Backings of "A [1] and B [2]." part by part, with the offsets of the marks in the claim; all or none."""
        if len(groups) < 2 or not all(numbers for _, numbers in groups):
            return []
        parts, claim, start = [], "", 0
        for at, numbers in groups:
            part = _MARKER.sub("", sentence[start:at])
            claim += part
            if not part.strip():
                return []
            held = self._held(part, numbers)
            if not held:
                return []
            parts.append((len(claim), held[:1]))
            start = at
        return parts if not _WORD.search(_MARKER.sub("", sentence[start:])) else []

    def _marked(self, claim: str, places: list[tuple[int, list[Backing]]]) -> Verified:
        text, done, backings = "", 0, []
        for at, held in places:
            numbered = {backing.number: backing for backing in map(self._number, held)}
            text += claim[done:at] + "".join(f" [{number}]" for number in numbered)
            backings += [backing for backing in numbered.values() if backing not in backings]
            done = at
        return Verified(text=text + claim[done:], backings=tuple(backings))

    def _number(self, backing: Backing) -> Backing:
        key = (backing.hit.chunk.id, backing.start, backing.end)
        number = self._numbers.setdefault(key, len(self._numbers) + 1)
        return Backing(number=number, hit=backing.hit, start=backing.start, end=backing.end, support=backing.support)


class _Passage:
    """A piece of evidence, cut into sentences and rows when it is first needed."""

    def __init__(self, hit: Hit) -> None:
        self._hit = hit
        self._units: list[tuple[int, int]] | None = None

    def back(self, claim: str, said: Facts) -> Backing:
        """The best quote for the claim; its support may be 0."""
        if (said.words or said.figures) and (whole := self._verbatim(claim.strip())):
            return Backing(number=0, hit=self._hit, start=whole[0], end=whole[1], support=1.0)
        best = Backing(number=0, hit=self._hit, start=0, end=0, support=0.0)
        for length in range(1, LONGEST_QUOTE + 1):
            better = max(self._windows(said, length), key=_best_then_shortest, default=best)
            if better.support >= best.support + WORTH_A_SENTENCE:
                best = better
            if best.support == 1.0:
                break
        return best

    def _verbatim(self, claim: str) -> tuple[int, int] | None:
        """The claim's span if it stands here word for word as whole sentences: a part of one may say the opposite."""
        at = self._hit.passage.text.find(claim)
        end = at + len(claim)
        cut = self._cut()
        is_whole = any(start == at for start, _ in cut) and any(stop == end for _, stop in cut)
        return (at, end) if at >= 0 and is_whole else None

    def _windows(self, said: Facts, length: int) -> Iterator[Backing]:
        cut, chunk = self._cut(), self._hit.passage
        given = [facts(chunk.text[start:end], chunk.language) for start, end in cut]
        for first in range(len(cut) - length + 1):
            window = cut[first : first + length]
            support = carried(said, merged(given[first : first + length]))
            yield Backing(number=0, hit=self._hit, start=window[0][0], end=window[-1][1], support=support)

    def _cut(self) -> list[tuple[int, int]]:
        if self._units is None:
            self._units = units(self._hit.passage.text)
        return self._units


def _best_then_shortest(backing: Backing) -> tuple[float, int]:
    return backing.support, backing.start - backing.end


def _end_of(text: str) -> int:
    return len(text.rstrip())


def _citation(backing: Backing, start: int, end: int) -> Citation:
    chunk = backing.hit.passage
    quote_start, quote_end = chunk.start + backing.start, chunk.start + backing.end
    return Citation(
        number=backing.number,
        start=start,
        end=end,
        document_id=chunk.document_id,
        version=chunk.version,
        zone=chunk.zone,
        path=chunk.path,
        uri=chunk.uri,
        title=chunk.title,
        media_type=chunk.media_type,
        chunk_id=chunk.id,
        quote=backing.quote,
        quote_start=quote_start,
        quote_end=quote_end,
        places=tuple(place for place in chunk.places if place.start < quote_end and place.end > quote_start),
        support=backing.support,
    )
