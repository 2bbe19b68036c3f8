"""A claim and a quote → how far the quote carries the claim, 0..1. Pure and deterministic. Called by citing.

It proves that the claim's facts (content words, numbers, dates, codes, names, negations) stand in the quote. It does
not prove that the quote *means* the claim: that is an entailment model's task. Word order and synonyms do not count.
"""

# ruff: noqa: SIM905  a word list reads better as words than as a list of literals

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rag import compounds
from rag.figures import Figure, figures
from rag.stems import STOPWORDS, stem

MISSING_FIGURE = 0.3
MISSING_NAME = 0.4
CONTRADICTED = 0.2
"""Caps: a claim with a number, code or date that the quote lacks is wrong however many other words agree."""

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_NEGATORS = frozenset(
    "nicht kein keine keinen keinem keiner keines nie niemals nichts ohne weder not no never none neither nor"
    " without cannot n't".split()
)
_CONTRACTED = re.compile(r"n['’]t\b", re.IGNORECASE)
_CLAUSE = re.compile(
    r"[.,;:!?()\n|]|\b(?:aber|sondern|jedoch|doch|und|oder|but|however|and|or|except|außer)\b", re.IGNORECASE
)
_TITLED = re.compile(r"\b(?:Herrn?|Frau|Dr\.|Prof\.|Mr\.?|Mrs\.?|Ms\.?|Firma)\s+((?:[^\W\d_][\w-]+\.?\s?){1,3})")
_PAIR = re.compile(r"(?<![.!?:]\s)(?<!\A)\b([A-ZÄÖÜ][a-zäöüß]+(?:-[A-ZÄÖÜ][a-zäöüß]+)?)\s+([A-ZÄÖÜ][a-zäöüß]+)\b")
_ACRONYM = re.compile(r"\b[A-ZÄÖÜ]{2,6}\b")
_CAPITAL_INSIDE = re.compile(r"(?<=[^\W\d_][\s-])(?<![.!?:] )[A-Z][\w-]+|(?<=[,;] )[A-Z][\w-]+")
_CLITIC = re.compile(r"['’](?:s|t|re|ve|ll|d|m)$")
_MARKER = re.compile(r"\[\d{1,3}(?:\s*[,;–-]\s*\d{1,3})*\]")
_EMPTY = frozenset("please bitte etc usw ja yes uhr".split())


@dataclass(frozen=True, slots=True)
class Facts:
    """What a text says, in a form that can be compared.

    Attributes:
        words: stem of each content word → stems of its parts, if it is a German compound.
        known: every stem and part.
        figures: numbers with units, dates and codes, normalised.
        names: stems that look like names or acronyms.
        negated: stems that a negation stands by.
    """

    words: Mapping[str, frozenset[str]]
    known: frozenset[str]
    figures: frozenset[Figure]
    names: frozenset[str]
    negated: frozenset[str]

    def carries(self, word: str, parts: frozenset[str]) -> bool:
        """Whether the word stands in the text, as it is or in all its parts."""
        return word in self.known or (bool(parts) and parts <= self.known)


def merged(several: Sequence[Facts]) -> Facts:
    """What neighbouring sentences say together."""
    if len(several) == 1:
        return several[0]
    words: dict[str, frozenset[str]] = {}
    for one in several:
        words |= one.words
    return Facts(
        words=words,
        known=frozenset().union(*(one.known for one in several)),
        figures=frozenset().union(*(one.figures for one in several)),
        names=frozenset().union(*(one.names for one in several)),
        negated=frozenset().union(*(one.negated for one in several)),
    )


def support(claim: str, quote: str, language: str, *, quote_language: str | None = None) -> float:
    """Share of the claim's content words and figures that the quote carries; capped where a fact is missing or denied.

    0.0 for a claim without content. `language` is the claim's, and the quote's unless told otherwise.
    """
    return carried(facts(claim, language), facts(quote, quote_language or language))


def carried(said: Facts, given: Facts) -> float:
    """`support` of facts already taken from claim and quote."""
    total = len(said.words) + len(said.figures)
    if not total:
        return 0.0
    missing = {word for word, parts in said.words.items() if not given.carries(word, parts)}
    unseen = [figure for figure in said.figures if not any(figure.agrees(other) for other in given.figures)]
    score = 1.0 - (len(missing) + len(unseen)) / total
    if unseen:
        score = min(score, MISSING_FIGURE)
    if said.names & missing:
        score = min(score, MISSING_NAME)
    if _contradicts(said, given):
        score = min(score, CONTRADICTED)
    return score


def _contradicts(said: Facts, given: Facts) -> bool:
    """Whether one of the two denies what the other says of the same word."""
    shared = given.known & said.words.keys()
    return bool((said.negated ^ given.negated) & shared) or bool(said.negated and not given.negated)


@lru_cache(maxsize=4096)
def facts(text: str, language: str) -> Facts:
    """What a text says. Cached, because each quote is compared with many claims."""
    found, rest = figures(_MARKER.sub(" ", text), language)
    words: dict[str, frozenset[str]] = {}
    for match in _WORD.finditer(rest):
        stemmed = _content_stem(match.group(), language)
        if stemmed is not None:
            words[stemmed] = _compound_stems(match.group().lower(), language)
    known = frozenset(words).union(*words.values())
    return Facts(words, known, found, _names(rest, language) & frozenset(words), _negated(rest, language))


def _content_stem(word: str, language: str) -> str | None:
    word = word.lower()
    if len(word) < 2 or word in _NEGATORS or word in _EMPTY or word in STOPWORDS.get(language, frozenset()):
        return None
    return stem(_CLITIC.sub("", word), language)


def _compound_stems(word: str, language: str) -> frozenset[str]:
    if language != "de":
        return frozenset()
    return frozenset(stem(part, language) for part in compounds.split(word))


def _names(text: str, language: str) -> frozenset[str]:
    """Stems of words that are names: a wrong one makes a claim wrong, however many other words agree.

    In English a capital inside a sentence tells; German writes every noun so, and only titles and pairs tell.
    """
    words = [word for match in _TITLED.finditer(text) for word in match[1].split()]
    words += _ACRONYM.findall(text)
    if language == "de":
        words += [word for match in _PAIR.finditer(text) for word in match.groups()]
    else:
        words += [match.group() for match in _CAPITAL_INSIDE.finditer(text)]
    stems = (_content_stem(word.strip(".,"), language) for word in words)
    return frozenset(word for word in stems if word is not None)


def _negated(text: str, language: str) -> frozenset[str]:
    """Stems that a negation stands by: the next content word of its clause, else the one before."""
    negated = set()
    for clause in _CLAUSE.split(_CONTRACTED.sub(" not", text)):
        words = [match.group() for match in _WORD.finditer(clause)]
        for at, word in enumerate(words):
            if word.lower() in _NEGATORS:
                after = (_content_stem(other, language) for other in words[at + 1 :])
                before = (_content_stem(other, language) for other in reversed(words[:at]))
                stood_by = next((s for s in after if s), None) or next((s for s in before if s), None)
                negated |= {stood_by} if stood_by else set()
    return frozenset(negated)
