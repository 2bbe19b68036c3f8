"""Text → weighted keyword terms, for the keyword side of the index. Pure. Used alike when writing and when searching.

A term is a lower-cased, stemmed word, a part of a German compound, or a code (`E-42`, `AL-200`) whole and in parts.
Terms are hashed to 32-bit ids, because the engine's sparse vectors are keyed by number. Saturation of the term
frequency (BM25) happens here; the inverse document frequency is applied to the query, from the statistics of the
generation that is searched, so that scores of several collections can be compared.
"""

# ruff: noqa: SIM905  a word list reads better as words than as a list of literals
from __future__ import annotations

import re
import unicodedata
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Protocol

import snowballstemmer

from rag import compounds

STEMMERS = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek", "en": "english",
    "es": "spanish", "et": "estonian", "fi": "finnish", "fr": "french", "hu": "hungarian", "it": "italian",
    "nl": "dutch", "no": "norwegian", "pl": "polish", "pt": "portuguese", "ro": "romanian", "ru": "russian",
    "sv": "swedish", "tr": "turkish",
}  # fmt: skip
"""ISO 639-1 → Snowball algorithm. Other languages are indexed unstemmed."""

STOPWORDS = {
    "de": frozenset(
        "ab aber alle allem allen aller alles als also am an ander andere anderem anderen anderer anderes auch auf"
        " aus bei beim bin bis bist da dabei dadurch dafür dagegen daher damit dann daran darauf daraus darf darin"
        " darum das dass davon dazu dein deine dem den denen denn der deren des dessen dich die dies diese diesem"
        " diesen dieser dieses dir doch dort du durch dürfen ein eine einem einen einer eines er es etwa etwas euch"
        " euer für gegen gibt hab habe haben hat hatte hatten hier hin hinter ich ihm ihn ihnen ihr ihre ihrem ihren"
        " ihrer ihres im in indem ins ist ja jede jedem jeden jeder jedes jener jetzt kann kein keine keinem keinen"
        " keiner können konnte man mehr mein meine mich mir mit muss müssen nach neben nicht nichts noch nun nur ob"
        " oder ohne per sein seine seinem seinen seiner seines seit sich sie sind so sobald soll sollen sollte"
        " sondern sonst sowie über um und uns unser unsere unter vom von vor wann war waren warum was weder weil"
        " welche welchem welchen welcher welches wem wen wenn wer werde werden wessen wie wieso wieviel will wir"
        " wird wo wobei wodurch wofür womit woran worin wurde wurden wäre würde zu zum zur zwar zwischen".split()
    ),
    "en": frozenset(
        "a about after all also am an and any are as at be because been before being between both but by can could"
        " did do does doing during each either for from had has have having he her here hers him his how i if in"
        " into is it its itself just may me might more most must my neither no nor not of off on once only onto or"
        " other our ours out over own shall she should so some such than that the their them then there these they"
        " this those through to too under until up upon us very was we were what when where which while who whom"
        " whose why will with would you your yours".split()
    ),
}

REVISION = f"terms-2+{compounds.REVISION}"
"""Stamped on every generation: an index written by other rules must not be searched by these."""

PART_WEIGHT = 0.5
"""Of a compound's or a code's part, against 1 for the whole. XQuAD, tuning half: 0.25 and 0.5 alike, 0.75 worse."""
ROOT_WEIGHT = 0.3
"""Of a long word's first letters, so that `bezahlen` and `Bezahlung`, `colony` and `colonial` still meet."""
ROOT_LETTERS = 5
FOREIGN_WEIGHT = 0.5
"""Of a query word's stem in the other main languages, so that names and loanwords are found across languages."""
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


@lru_cache(maxsize=32)
def _stemmer(language: str) -> Callable[[str], str]:
    """A stemmer keeps the word in itself while it works, so each call of one goes through a lock."""
    name = STEMMERS.get(language)
    if name is None:
        return str
    stemmer, lock = snowballstemmer.stemmer(name), Lock()

    def stemmed(word: str) -> str:
        with lock:
            return str(stemmer.stemWord(word))

    return stemmed


@lru_cache(maxsize=131072)
def stem(word: str, language: str) -> str:
    """The lower-cased word's stem with accents folded: `Münchens` and `Muenchen` meet, as do `café` and `cafe`."""
    folded = unicodedata.normalize("NFKD", _stemmer(language)(word).replace("ß", "ss"))
    return "".join(letter for letter in folded if not unicodedata.combining(letter))


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


def query_vector(text: str, language: str) -> dict[int, float]:
    """Term id → weight of a question's terms, before IDF. A question of stopwords alone keeps them."""
    asked = list(words(text))
    stopwords = STOPWORDS.get(language, frozenset())
    content = [word for word in asked if word not in stopwords] or asked
    weights: dict[int, float] = {}
    for word in content:
        root = _root_of(stem(word, language), shortest=ROOT_LETTERS)  # a short word is the root of longer ones
        expanded = [*_terms_of(word, language), *root, *_bridges(word, language)]
        for term in expanded:
            key = term_id(term.text)
            weights[key] = max(weights.get(key, 0.0), term.weight)
    return weights


def _bridges(word: str, language: str) -> Iterator[Term]:
    """Stems of the word as the other main languages would write it in the index."""
    for other in BRIDGED:
        if other != language and word not in STOPWORDS[other]:
            for term in _terms_of(word, other):
                yield Term(term.text, term.weight * FOREIGN_WEIGHT, whole=False)


def weighted(query: Mapping[int, float], statistics: Statistics) -> dict[int, float]:
    """The query with each term's IDF multiplied in: its dot product with a document vector is the BM25 score."""
    return {term: weight * statistics.idf(term) for term, weight in query.items()}


def ceiling(query: Mapping[int, float]) -> float:
    """The score that no document can exceed: every term, fully saturated. Makes scores comparable over queries."""
    return (K1 + 1.0) * sum(query.values())
