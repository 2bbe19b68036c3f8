"""Text → weighted keyword terms, for the keyword side of the index. Pure. Used alike when writing and when searching.

A term is a lower-cased, stemmed word, a part of a German compound, or a code (`E-42`, `AL-200`) whole and in parts.
Terms are hashed to 32-bit ids, because the engine's sparse vectors are keyed by number. Saturation of the term
frequency (BM25) happens here; the inverse document frequency is applied to the query, from the statistics of the
generation that is searched, so that scores of several collections can be compared.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from rag import compounds
from rag.concepts import neighbours
from rag.stems import STOPWORDS, stem

REVISION = f"terms-3+{compounds.REVISION}"
"""Stamped on every generation: an index written by other rules must not be searched by these."""

PART_WEIGHT = 0.5
"""Of a compound's or a code's part, against 1 for the whole. XQuAD, tuning half: 0.25 and 0.5 alike, 0.75 worse."""
ROOT_WEIGHT = 0.3
"""Of a long word's first letters, so that `bezahlen` and `Bezahlung`, `colony` and `colonial` still meet."""
ROOT_LETTERS = 5
FOREIGN_WEIGHT = 0.5
"""Of a query word's stem in the other main languages, so that names and loanwords are found across languages."""
MEANT_WEIGHT, UNKNOWN_WEIGHT = 0.3, 1.0
"""Of a word that the thesaurus names for a query word, beside that word, and where that word is in no passage: finds
what is said in other words or in the other language. Dev questions of the samples, recall@5: .903 without, .968 with;
XQuAD's tuning half is the same either way."""
CONTEXT_WEIGHT = 0.5
"""Of a word in title and headings, against 1 in the passage."""
BRIDGED = ("de", "en")

K1 = 1.2
B = 0.75
AVERAGE_LENGTH = 100.0
"""Words without stopwords in a chunk, as a constant: a true average would change stored vectors with each write."""

_WORD = re.compile(r"[^\W_]+(?:(?:[-‐‑.'’·]|(?<=\d)[/,](?=\d))[^\W_]+)*")
_JOINT = re.compile(r"[-‐‑./,'’·]")
_NUMBER = re.compile(r"(?P<whole>\d{1,3}(?:[.,]\d{3})+|\d+)(?:[.,](?P<decimals>\d{1,2}))?")
_CLITIC = re.compile(r"(?<=\w)['’](?:s|t|re|ve|ll|d|m)$")


class Statistics(Protocol):
    """How common terms are among the passages that a search may look at."""

    def idf(self, term: int) -> float:
        """Inverse document frequency, > 0; highest for a term never seen."""
        ...

    def frequency(self, term: int) -> int:
        """In how many of the passages the term occurs."""
        ...


@dataclass(frozen=True, slots=True)
class Term:
    """A weighted term of a text. `whole` is false for parts, roots and foreign stems."""

    text: str
    weight: float
    whole: bool = True


def words(text: str) -> Iterator[str]:
    """Lower-cased words, numbers and codes in order; hyphens and points inside a code are kept."""
    for match in _WORD.finditer(unicodedata.normalize("NFC", text)):
        yield _CLITIC.sub("", match.group().lower())


def terms(text: str, language: str) -> Iterator[Term]:
    """Terms of a document's text, one per occurrence, stopwords left out."""
    stopwords = STOPWORDS.get(language, frozenset())
    for word in words(text):
        if word not in stopwords:
            yield from _terms_of(word, language)


@lru_cache(maxsize=131072)
def _terms_of(word: str, language: str) -> tuple[Term, ...]:
    pieces = _JOINT.split(word)
    if len(pieces) == 1:
        stemmed = stem(word, language)
        return (Term(stemmed, 1.0), *_root_of(stemmed), *_parts_of(word, language))
    if number := _NUMBER.fullmatch(word):  # 1.234,5 and 1,234.5 are the same number
        digits = _JOINT.sub("", number["whole"])
        return (Term(f"{digits}.{number['decimals']}" if number["decimals"] else digits, 1.0),)
    whole = ".".join(pieces) if all(piece.isdigit() for piece in pieces) else stem("".join(pieces), language)
    inner = [Term(stem(piece, language), PART_WEIGHT, whole=False) for piece in pieces]
    for piece in pieces:
        inner.extend(_parts_of(piece, language))
    return (Term(whole, 1.0), *inner)


def _root_of(stemmed: str, *, shortest: int = ROOT_LETTERS + 1) -> tuple[Term, ...]:
    if len(stemmed) < shortest or not stemmed.isalpha():
        return ()
    return (Term("^" + stemmed[:ROOT_LETTERS], ROOT_WEIGHT, whole=False),)


def _parts_of(word: str, language: str) -> tuple[Term, ...]:
    if language != "de":
        return ()
    stopwords = STOPWORDS["de"]
    parts = [inner for part in compounds.split(word) for inner in (part, *compounds.split(part))]
    return tuple(Term(stem(part, "de"), PART_WEIGHT, whole=False) for part in parts if part not in stopwords)


@lru_cache(maxsize=131072)
def term_id(term: str) -> int:
    """32-bit id, stable over processes and versions."""
    return zlib.crc32(term.encode())


def document_vector(text: str, context: str, language: str) -> dict[int, float]:
    """Term id → BM25 term weight (saturated, length-normalised, without IDF), all > 0."""
    counts: defaultdict[int, float] = defaultdict(float)
    length = 0.0
    for source, importance in ((text, 1.0), (context, CONTEXT_WEIGHT)):
        for term in terms(source, language):
            counts[term_id(term.text)] += term.weight * importance
            length += importance if term.whole else 0.0
    norm = K1 * (1.0 - B + B * length / AVERAGE_LENGTH)
    return {term: count * (K1 + 1.0) / (count + norm) for term, count in counts.items()}


@dataclass(frozen=True, slots=True)
class AskedWord:
    """A word of a question.

    Attributes:
        whole: its own term ids: if none was ever seen, the word is not in the passages at all.
        own: term id → weight, before IDF: whole, parts, root, and as the other main language would write it.
        meant: term id → weight of what may stand for it, each with the own term that it stands for.
    """

    whole: frozenset[int]
    own: Mapping[int, float]
    meant: Mapping[int, tuple[float, int]]


@dataclass(frozen=True, slots=True)
class Query:
    """Weights by term id: their dot product with a document vector is the BM25 score.

    Attributes:
        ceiling: the score of a passage that has every own term, fully saturated. Makes scores comparable over queries.
    """

    weights: Mapping[int, float]
    ceiling: float


def asked_words(text: str, language: str) -> list[AskedWord]:
    """A question's words. One of stopwords alone keeps them."""
    stopwords = STOPWORDS.get(language, frozenset())
    said = list(words(text))
    return [_asked_word(word, language) for word in [word for word in said if word not in stopwords] or said]


@lru_cache(maxsize=16384)
def _asked_word(word: str, language: str) -> AskedWord:
    direct = _terms_of(word, language)
    root = _root_of(stem(word, language), shortest=ROOT_LETTERS)  # a short word is the root of longer ones
    own: dict[int, float] = {}
    for term in (*direct, *root, *_bridges(word, language)):
        key = term_id(term.text)
        own[key] = max(own.get(key, 0.0), term.weight)
    meant = {
        term_id(other): (term.weight, term_id(term.text))
        for term in reversed(direct)
        for other in neighbours(term.text)
    }
    whole = frozenset(term_id(term.text) for term in direct if term.whole)
    return AskedWord(whole, own, {key: found for key, found in meant.items() if key not in own})


def _bridges(word: str, language: str) -> Iterator[Term]:
    """Stems of the word as the other main languages would write it in the index."""
    for other in BRIDGED:
        if other != language and word not in STOPWORDS[other]:
            for term in _terms_of(word, other):
                yield Term(term.text, term.weight * FOREIGN_WEIGHT, whole=False)


def query(asked: Sequence[AskedWord], statistics: Statistics) -> Query:
    """The words with their IDF. What stands for a word weighs little beside it, and more where the word is unknown."""
    own: dict[int, float] = {}
    meant: dict[int, float] = {}
    for word in asked:
        is_known = any(statistics.frequency(term) for term in word.whole)
        for term, weight in word.own.items():
            own[term] = max(own.get(term, 0.0), weight * statistics.idf(term))
        for term, (weight, stands_for) in word.meant.items():
            idf = min(statistics.idf(term), statistics.idf(stands_for))
            share = MEANT_WEIGHT if is_known else UNKNOWN_WEIGHT
            meant[term] = max(meant.get(term, 0.0), weight * share * idf)
    return Query(weights=meant | own, ceiling=(K1 + 1.0) * sum(own.values()))
