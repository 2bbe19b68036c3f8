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
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from operator import mul

from rag.asking import Asked, Term, asked
from rag.concepts import concepts, concepts_of
from rag.figures import Figure
from rag.ranges import fit
from rag.sentences import is_row, units
from rag.support import Facts, facts, merged
from rag.types import Chunk, Hit

FEATURES = (
    "bias", "in_unit", "in_sentence", "in_surroundings", "in_passage", "in_document", "missing_here", "missing",
    "missing_verb", "missing_name", "only_akin", "exact_here", "focus_here", "focus_missing", "kind_present", "kind_absent", "near_sentence",
    "near_passage", "ahead", "on_topic", "is_row", "row_named", "in_range", "out_of_range", "is_foreign", "fused", "standing",
)  # fmt: skip
"""In this order in `Candidate.features`; `answerability.json` has a weight for each."""

_AS_PART, _AS_CONCEPT, _AS_HEAD, _AS_PREFIX = 0.9, 0.8, 0.7, 0.6
"""How much of a term counts as found in a compound's part, in a word of the same group, in the word that its last part
is ("Alarm" for "Temperaturalarm"), in a word begun alike.
"""


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
    """The sentences and rows of the evidence that may answer, with their features, in the order of the evidence.

    Ruled out at once is what is about something else: where a code, year or numbered thing of the question does not
    stand, or where a weight is asked for and there is none. `before` is what the asker said before, which a
    follow-up leaves out.
    """
    asking = asked(question, language, before=before)
    highest = max((hit.score for hit in hits), default=0.0)
    documents = _documents(hits)
    said = facts(f"{before} {question}", language)
    found: list[Candidate] = []
    for index, hit in enumerate(hits):
        standing = hit.score / highest if highest > 0 else 1.0
        document = documents[hit.chunk.document_id]
        ahead = _ahead(index, hits)
        found.extend(
            _of_hit(asking, index, hit, language, standing=standing, ahead=ahead, document=document, question=said)
        )
    return found


def _ahead(index: int, hits: Sequence[Hit]) -> float:
    """How much nearer this passage is to the question than the others are on average, as a cosine."""
    others = [hit.dense or 0.0 for at, hit in enumerate(hits) if at != index]
    return (hits[index].dense or 0.0) - sum(others) / len(others) if others else 0.0


def _share_asked(said: Facts, question: Facts) -> float:
    """Of the words of a sentence, how many the question has too: what says much else is about something else."""
    asked_too = sum(
        word in question.known or not parts.isdisjoint(question.known) or _stands_for(word, question)
        for word, parts in said.words.items()
    )
    return asked_too / len(said.words) if said.words else 0.0


def _documents(hits: Sequence[Hit]) -> dict[str, Facts]:
    """Document id → what all hits of the document say: a passage need not repeat what its document is about."""
    parts: dict[str, list[Facts]] = {}
    for chunk in (hit.chunk for hit in hits):
        own = [facts(chunk.text[start:end], chunk.language) for start, end in units(chunk.text)]
        parts.setdefault(chunk.document_id, []).extend([facts(chunk.context, chunk.language), *own])
    return {document: merged(said) for document, said in parts.items()}


def is_other_row(one: Candidate, best: Candidate) -> bool:
    """Whether it is a row of the same table that names less of what is asked: the blue one beside the red one."""
    row, named = FEATURES.index("is_row"), FEATURES.index("in_unit")
    both_rows = bool(one.features[row] and best.features[row]) and one.hit == best.hit
    return both_rows and one.features[named] < best.features[named]


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


def _of_hit(
    asking: Asked,
    index: int,
    hit: Hit,
    language: str,
    *,
    standing: float,
    ahead: float,
    document: Facts,
    question: Facts,
) -> Iterator[Candidate]:
    chunk = hit.chunk
    is_foreign = chunk.language != language
    titled = frozenset(figure for figure in asking.exact if figure.kind == "code" and figure.value in _squeezed(chunk))
    names_row = any(figure.kind == "code" for figure in asking.exact)
    whole = _Found(asking, document, is_foreign=is_foreign, titled=titled)
    sentences = _sentences(chunk)
    around = facts(chunk.context, chunk.language)
    said = merged([around, *(sentence.said for sentence in sentences)])
    passage = _Found(asking, said, is_foreign=is_foreign, titled=titled)
    for at, sentence in enumerate(sentences):
        kind = _holds_kind(asking, sentence, chunk.context)
        if sentence.is_header or _is_denied(asking, sentence, kind) or sentence.is_heading or _is_label(sentence):
            continue
        beside = [] if sentence.is_row else [other.said for other in sentences[max(0, at - 1) : at + 2]]
        above = [sentence.header] if sentence.header is not None else []
        own = _Found(asking, sentence.said, is_foreign=is_foreign, holds_kind=kind)
        headed = _Found(asking, merged([sentence.said, *above]), is_foreign=is_foreign, holds_kind=kind)
        near = merged([around, sentence.said, *above, *beside])
        here = _Found(asking, near, is_foreign=is_foreign, holds_kind=kind, titled=titled)
        if here.lacks_exact:
            continue
        bounded = fit(asking.figures, sentence.text, chunk.language) if asking.figures else None
        features = {
            "bias": 1.0,
            "in_unit": own.share,
            "in_sentence": headed.share,
            "in_surroundings": here.share,
            "in_passage": passage.share,
            "in_document": whole.share,
            "missing_here": here.heaviest_missing(nouns=True),
            "missing": whole.heaviest_missing(nouns=True),
            "missing_verb": whole.heaviest_missing(nouns=False),
            "missing_name": float(whole.lacks_name),
            "only_akin": here.heaviest_akin,
            "exact_here": float(bool(asking.exact) and not own.lacks_exact),
            "focus_here": float(headed.focus is True),
            "focus_missing": float(here.focus is False),
            "kind_present": float(kind is True),
            "kind_absent": float(kind is False),
            "near_sentence": 0.0,
            "near_passage": hit.dense or 0.0,
            "ahead": ahead,
            "on_topic": _share_asked(sentence.said, question),
            "is_row": float(sentence.is_row),
            "row_named": float(sentence.is_row and names_row and not own.lacks_exact),
            "in_range": bounded or 0.0,
            "out_of_range": float(bounded == 0.0),
            "is_foreign": float(is_foreign),
            "fused": hit.score,
            "standing": standing,
        }
        yield Candidate(index, sentence.start, sentence.end, tuple(features[name] for name in FEATURES))


_WORDS = re.compile(r"\w+")


def _is_label(sentence: _Sentence) -> bool:
    """One word without a figure: the name of a section or of a row, which answers nothing."""
    words = _WORDS.findall(sentence.text)
    return len(words) < 2 and not any(c.isdigit() for c in sentence.text)


def _squeezed(chunk: Chunk) -> str:
    """What the file is called, as codes are compared: "fehlercodes-ds75.csv" is about the DS-75."""
    return "".join(c for c in f"{chunk.title} {chunk.path}".lower() if c.isalnum())


@dataclass(frozen=True, slots=True)
class _Sentence:
    start: int
    end: int
    text: str
    said: Facts
    is_row: bool
    is_header: bool
    is_heading: bool
    header: Facts | None
    header_text: str


def _sentences(chunk: Chunk) -> list[_Sentence]:
    """The sentences and rows of a chunk; a row knows its table's header, if that stands in the chunk."""
    cut = units(chunk.text)
    texts = [chunk.text[start:end] for start, end in cut]
    has_header_above = " | " in chunk.context  # the table began in an earlier chunk
    headings = frozenset(" ".join(heading.split()) for heading in chunk.context.split("\n", 1)[0].split(" › "))
    header: Facts | None = None
    header_text = ""
    found: list[_Sentence] = []
    for at, ((start, end), text) in enumerate(zip(cut, texts, strict=True)):
        in_table, begins = is_row(text), at == 0 or not is_row(texts[at - 1])
        is_header = in_table and begins and not has_header_above and at + 1 < len(texts) and is_row(texts[at + 1])
        said = facts(text, chunk.language)
        if not in_table:
            header, header_text = None, ""
        is_heading = " ".join(text.split()) in headings
        found.append(_Sentence(start, end, text, said, in_table, is_header, is_heading, header, header_text))
        if is_header:
            header, header_text = said, text
    return found


class _Found:
    """What of a question stands in a text."""

    def __init__(
        self,
        asking: Asked,
        given: Facts,
        *,
        is_foreign: bool,
        holds_kind: bool | None = None,
        titled: frozenset[Figure] = frozenset(),
    ) -> None:
        self._asking = asking
        said = asking.kind.says if asking.kind is not None and holds_kind else ""
        self._terms = [max(_term_found(term, given), _said_by_kind(term, said)) for term in asking.terms]
        self._weights = [_weight(term, is_foreign=is_foreign) for term in asking.terms]
        self._exact = [
            figure in titled or any(_names_same(figure, other) for other in given.figures) for figure in asking.exact
        ]

    @property
    def share(self) -> float:
        """Of the question's terms and exact figures, by weight."""
        total = sum(self._weights) + len(self._exact)
        found = sum(map(mul, self._weights, self._terms)) + sum(self._exact)
        return found / total if total else 0.0

    @property
    def lacks_exact(self) -> bool:
        """Whether a code, year or numbered thing of the question is missing: what is said is about something else."""
        return not all(self._exact)

    @property
    def lacks_name(self) -> bool:
        """Whether a name is."""
        return any(term.is_name and not value for term, value in zip(self._asking.terms, self._terms, strict=True))

    @property
    def focus(self) -> bool | None:
        """Whether the noun that is asked for stands here; `None` if the question has none."""
        if not self._asking.focus:
            return None
        pairs = zip(self._asking.terms, self._terms, strict=True)
        found = [value for term, value in pairs if term.stem in self._asking.focus]
        return bool(found) and sum(found) / len(found) >= _IS_FOUND

    def heaviest_missing(self, *, nouns: bool) -> float:
        """Weight of the heaviest term that is not found, of nouns or of all others."""
        rows = zip(self._asking.terms, self._weights, self._terms, strict=True)
        return max((weight * (1 - value) for term, weight, value in rows if term.is_noun is nouns), default=0.0)

    @property
    def heaviest_akin(self) -> float:
        """Weight of the heaviest noun for which only its head or its beginning is found: a "Hochzeit" for the
        "Silberhochzeit" that was asked for.
        """
        rows = zip(self._asking.terms, self._weights, self._terms, strict=True)
        return max((weight for term, weight, value in rows if term.is_noun and 0 < value < _AS_CONCEPT), default=0.0)


def _weight(term: Term, *, is_foreign: bool) -> float:
    """Across languages a word that no group translates cannot be found, and its absence says little."""
    return term.weight * (_UNTRANSLATED if is_foreign and not term.is_name and not concepts(term.stem) else 1.0)


def _names_same(asked_for: Figure, given: Figure) -> bool:
    return (asked_for.agrees(given) and not given.is_spelled) or (
        given.kind == "date" and given.value.startswith(f"{asked_for.value}-")
    )


def _term_found(term: Term, given: Facts) -> float:
    """How far a term stands in the text, 0..1."""
    if term.stem in given.words:
        return 1.0
    if term.stem in given.known or (term.parts and term.parts <= given.known):
        return _AS_PART
    if _stands_for(term.stem, given):
        return _AS_CONCEPT
    if term.is_name:
        return _AS_PREFIX if any(_begin_alike(term.stem, word) for word in given.known) else 0.0
    best = 0.0
    if term.parts:
        by_part = [1.0 if part in given.known else _AS_CONCEPT * _stands_for(part, given) for part in term.parts]
        best = sum(by_part) / len(by_part) * _AS_CONCEPT
        if term.head in given.known or _stands_for(term.head, given):
            best = max(best, _AS_HEAD)
    forms = [form for form in (term.stem, *term.parts) if len(form) >= _LONG]
    if best < _AS_PREFIX and any(_begin_alike(form, word) for form in forms for word in given.known):
        best = _AS_PREFIX if _begins_any(term.stem, given) else max(best, _AS_PREFIX / 2)
    return best


def _begins_any(word: str, given: Facts) -> bool:
    return any(_begin_alike(word, other) for other in given.known)


def _said_by_kind(term: Term, words: str) -> float:
    groups = concepts(term.stem)
    return _AS_CONCEPT if any(not groups.isdisjoint(concepts(word)) for word in words.split()) else 0.0


def _stands_for(word: str, given: Facts) -> bool:
    groups = concepts(word)
    return bool(groups) and not groups.isdisjoint(concepts_of(given.known))


_IS_FOUND = 0.5
_UNTRANSLATED = 0.4
_LONG = 5
"""Letters that two stems must share to be taken for forms of one word."""


def _begin_alike(one: str, other: str) -> bool:
    """Whether one word begins with the other ("stumm", "stummschalten"), or both are mostly the same."""
    shorter = min(len(one), len(other))
    shared = min(max(_LONG, round(0.7 * max(len(one), len(other)))), shorter)
    return shorter >= _LONG and one[:shared] == other[:shared]


def _is_denied(asking: Asked, sentence: _Sentence, holds_kind: bool | None) -> bool:
    if asking.kind is None:
        return False
    return (holds_kind is False and asking.kind.is_strict) or asking.kind.is_hidden_in(sentence.text)


def _holds_kind(asking: Asked, sentence: _Sentence, context: str) -> bool | None:
    """Whether the sentence holds the kind of thing that is asked for, beyond what the question names itself."""
    if asking.kind is None:
        return None
    said = sentence.said.figures
    new = frozenset(figure for figure in said if not any(figure.agrees(own) for own in asking.figures))
    header = (sentence.header_text or context) if sentence.is_row else ""
    return asking.kind.is_held_by(sentence.text, new, header=header, question=asking.text)
