"""Question + evidence → which sentences answer it, and how likely any does. Pure. Called by the embedded model.

Each sentence or table row of the evidence is described by a handful of plain features (how much of the question's
content it and its surroundings carry, whether it holds the kind of thing that is asked for, how near a model's vectors
are) and scored by a logistic function whose weights were fitted by `benchmarks/answers/fit.py` and lie in
`answerability.json` with their origin. No text leaves this module.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

from rag.asking import Asked, Term, asked, concepts
from rag.sentences import is_row, units
from rag.support import Facts, facts, merged
from rag.types import Hit

FEATURES = (
    "bias", "in_sentence", "in_surroundings", "in_passage", "heaviest_missing", "exact_missing", "kind_present",
    "kind_absent", "near_sentence", "near_passage", "is_row", "rank", "short", "same_language",
)  # fmt: skip
"""In this order in `Candidate.features`; `answerability.json` has a weight for each."""

_AS_PART, _AS_CONCEPT, _AS_PREFIX = 0.9, 0.7, 0.6
"""How much of a term counts as found in a part of a compound, in a word of the same group, in a word begun alike."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence or row of the evidence.

    Attributes:
        hit: index into the evidence. start, end: span in that chunk's text.
        features: as `FEATURES` names them; "near" ones are cosines, 0.0 until known.
    """

    hit: int
    start: int
    end: int
    features: tuple[float, ...]

    def near(self, cosine: float) -> Candidate:
        """The same with the cosine between question and sentence."""
        at = FEATURES.index("near_sentence")
        return Candidate(self.hit, self.start, self.end, (*self.features[:at], cosine, *self.features[at + 1 :]))


@dataclass(frozen=True, slots=True)
class Weights:
    """A fitted logistic function: `rank` orders sentences, `answer` tells whether the best one answers."""

    rank: tuple[float, ...]
    answer: tuple[float, ...]


def candidates(question: str, hits: Sequence[Hit], language: str, *, before: str = "") -> list[Candidate]:
    """Every sentence and row of the evidence with its features, in the order of the evidence.

    `before` is what the asker said before, which a follow-up leaves out.
    """
    asking = asked(question, language, before=before)
    found: list[Candidate] = []
    for index, hit in enumerate(hits):
        found.extend(_of_hit(asking, index, hit, language))
    return found


def score(candidate: Candidate, weights: tuple[float, ...]) -> float:
    """0..1."""
    total = sum(value * weight for value, weight in zip(candidate.features, weights, strict=True))
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, total))))


@lru_cache(maxsize=1)
def fitted() -> Mapping[str, Weights]:
    """Per question language; "en" serves those that have none of their own."""
    stored = json.loads(files("rag").joinpath("answerability.json").read_text(encoding="utf-8"))
    found = stored["weights"].items()
    return {language: Weights(_ordered(one["rank"]), _ordered(one["answer"])) for language, one in found}


def _ordered(weights: Mapping[str, float]) -> tuple[float, ...]:
    return tuple(weights[name] for name in FEATURES)


def _of_hit(asking: Asked, index: int, hit: Hit, language: str) -> list[Candidate]:
    chunk = hit.chunk
    cut = units(chunk.text)
    texts = [chunk.text[start:end] for start, end in cut]
    said = [facts(text, chunk.language) for text in texts]
    around = facts(chunk.context, chunk.language)
    passage = merged([around, *said]) if said else around
    whole = _found(asking, passage)
    header: Facts | None = None
    rows: list[Candidate] = []
    for at, ((start, end), text) in enumerate(zip(cut, texts, strict=True)):
        in_table = is_row(text)
        header = (header or said[at]) if in_table else None
        own = merged([said[at], header, around]) if in_table and header else said[at]
        surroundings = merged([around, *said[max(0, at - 1) : at + 2], *([header] if header else [])])
        kind = _holds_kind(asking, text, said[at])
        values = {
            "bias": 1.0,
            "in_sentence": _share(asking, _found(asking, own)),
            "in_surroundings": _share(asking, _found(asking, surroundings)),
            "in_passage": _share(asking, whole),
            "heaviest_missing": _heaviest_missing(asking, whole),
            "exact_missing": float(_exact_missing(asking, passage, whole)),
            "kind_present": float(kind is True),
            "kind_absent": float(kind is False),
            "near_sentence": 0.0,
            "near_passage": hit.dense or 0.0,
            "is_row": float(in_table),
            "rank": 1.0 / (1 + index),
            "short": float(len(text) < 25),
            "same_language": float(chunk.language == language),
        }
        rows.append(Candidate(index, start, end, tuple(values[name] for name in FEATURES)))
    return rows


def _found(asking: Asked, given: Facts) -> list[float]:
    """How far each term stands in the text, 0..1."""
    return [_term_found(term, given) for term in asking.terms]


def _term_found(term: Term, given: Facts) -> float:
    if term.stem in given.words:
        return 1.0
    if term.stem in given.known or (term.parts and term.parts <= given.known):
        return _AS_PART
    if term.is_name:
        return 0.0
    best = len(term.parts & given.known) / len(term.parts) * _AS_PREFIX if term.parts else 0.0
    groups = concepts(term.stem)
    if groups and any(groups & concepts(word) for word in given.known):
        best = max(best, _AS_CONCEPT)
    if term.parts and not groups:
        by_part = [part in given.known or _stands_for(part, given) for part in term.parts]
        best = max(best, sum(by_part) / len(by_part) * _AS_CONCEPT)
    if best < _AS_PREFIX and len(term.stem) >= 5 and any(_begin_alike(term.stem, word) for word in given.known):
        best = _AS_PREFIX
    return best


def _stands_for(part: str, given: Facts) -> bool:
    groups = concepts(part)
    return bool(groups) and any(groups & concepts(word) for word in given.known)


def _begin_alike(one: str, other: str) -> bool:
    shared = max(5, round(0.7 * max(len(one), len(other))))
    return one[:shared] == other[:shared]


def _share(asking: Asked, found: Sequence[float]) -> float:
    total = sum(term.weight for term in asking.terms)
    if not total:
        return 0.0
    return sum(term.weight * value for term, value in zip(asking.terms, found, strict=True)) / total


def _heaviest_missing(asking: Asked, found: Sequence[float]) -> float:
    return max((term.weight * (1 - value) for term, value in zip(asking.terms, found, strict=True)), default=0.0)


def _exact_missing(asking: Asked, passage: Facts, found: Sequence[float]) -> int:
    """Names, codes and figures of the question that the passage lacks: what it says is about something else."""
    names = sum(term.is_name and value == 0.0 for term, value in zip(asking.terms, found, strict=True))
    exact = sum(not any(figure.agrees(other) for other in passage.figures) for figure in asking.figures)
    return min(names + exact, 2)


_CONTACT = re.compile(r"\+?\d[\d /()-]{5,}\d|\S+@\S+|<[A-Z_]+>|\bDurchwahl\b|\bext\.?\b")
_PERSON = re.compile(r"\b[A-ZÄÖÜ][a-zäöüß]+\s+[A-ZÄÖÜ][a-zäöüß]+\b|\b(?:Herrn?|Frau|Dr\.|Prof\.|Mrs?\.|Ms\.)\s|<PERSON>")
_WHEN = re.compile(
    r"\b(?:montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag|monday|tuesday|wednesday|thursday|friday|saturday"
    r"|sunday|januar|februar|märz|april|mai|juni|juli|august|september|oktober|november|dezember|january|february|march"
    r"|may|june|july|october|december|jahresende|quartal\w*|monatsende|(?:19|20)\d\d)",
    re.IGNORECASE,
)
_PERIODS = frozenset({"minute", "hour", "second", "day", "week", "month", "year", "quarter"})
_MONEY = frozenset({"€", "$", "£", "chf", "cent", "%", None})


def _holds_kind(asking: Asked, text: str, said: Facts) -> bool | None:
    """Whether the sentence holds the kind of thing that is asked for, beyond what the question names itself."""
    new = [figure for figure in said.figures if not any(figure.agrees(own) for own in asking.figures)]
    match asking.kind:
        case "open" | "choice":
            return None
        case "contact":
            return bool(_CONTACT.search(text))
        case "person":
            return bool(_PERSON.search(text)) or None
        case "time":
            return bool(_WHEN.search(text)) or any(_tells_time(figure) for figure in new)
        case "duration":
            return any(figure.unit in _PERIODS or figure.kind == "date" for figure in new)
        case "money":
            return any(figure.kind == "number" and figure.unit in _MONEY for figure in new)
        case "number":
            return any(figure.kind in {"number", "code"} for figure in new)


def _tells_time(figure: Figure) -> bool:
    return figure.kind in {"date", "time"} or figure.unit in _PERIODS
