"""A question → what it asks about and which kind of thing would answer it. Pure. Called by `rag.answerability`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from typing import Literal

from rag import compounds
from rag.figures import Figure, figures
from rag.keywords import STOPWORDS, stem

Kind = Literal["number", "money", "duration", "time", "person", "contact", "choice", "open"]


@dataclass(frozen=True, slots=True)
class Term:
    """A content word of a question.

    Attributes:
        parts: stems of its parts, if it is a German compound.
        weight: 0.2 for an everyday word to 1.0 for a rare one, by its frequency in the language at large.
        is_name: an acronym, or a capital inside an English question: no other word may stand for it.
    """

    stem: str
    parts: frozenset[str]
    weight: float
    is_name: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, taken apart.

    Attributes:
        figures: numbers, dates and codes that the question itself names.
        kind: what an answer must hold; "open" if that cannot be told.
    """

    terms: tuple[Term, ...]
    figures: frozenset[Figure]
    kind: Kind


_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_CLITIC = re.compile(r"['’](?:s|t|re|ve|ll|d|m)$")
_ACRONYM = re.compile(r"[A-ZÄÖÜ]{2,6}\Z")

_KINDS: dict[Kind, re.Pattern[str]] = {
    "contact": re.compile(
        r"telefon|durchwahl|rufnummer|e-?mail-?adresse|phone number|email address|extension number", re.IGNORECASE
    ),
    "duration": re.compile(
        r"\bwie lange?\b|\bwie viele? (?:tage|wochen|monate|jahre|stunden|minuten)|\bhow long\b"
        r"|\bhow many (?:days|weeks|months|years|hours|minutes)|\bwelche[rn]? (?:frist|dauer)",
        re.IGNORECASE,
    ),
    "money": re.compile(
        r"\bwie teuer|\b(?:kostet|kosten)\b|\bpreis|\bhow much (?:does|do|is|are|will|can) .*(?:cost|pay|charge)"
        r"|\bcosts?\b|\bprice\b|\bgehalt\b|\bsalary\b|\bwie viel (?:geld|euro)",
        re.IGNORECASE,
    ),
    "number": re.compile(
        r"\bwie ?viele?n?\b|\bwie (?:hoch|groß|schwer|oft|weit|breit|lang|schnell|warm|heiß|alt)\b|\bprozentsatz"
        r"|\bhow (?:many|much|high|large|big|heavy|often|far|wide|fast|hot|old|tall|deep)\b|\bpercent"
        r"|\bwelche (?:anzahl|menge|höhe|temperatur|spannung|version|nummer)|\bwhat (?:number|temperature|voltage)",
        re.IGNORECASE,
    ),
    "time": re.compile(
        r"\bwann\b|\bwhen\b|\bum wie ?viel uhr|\bwhat time|\b(?:bis|ab|seit) wann|\bstichtag|\bdeadline"
        r"|\b(?:welche[mnrs]?|what|which) (?:jahr|year|datum|date|tag|day|monat|month|stichtag)\b",
        re.IGNORECASE,
    ),
    "person": re.compile(r"\b(?:wer|wem|wen|wessen)\b|\bwho(?:m|se)?\b", re.IGNORECASE),
}
"""What a question asks for, by its words; the first that fits counts."""

_CUES = {
    "de": frozenset(
        "viel viele vielen vieler lange lang hoch groß oft weit art arten heißt heißen bedeutet bedeuten gibt geben"
        " gelten gilt gehört gehören besteht stehen steht findet finden bitte sagen sage nennen nenne erklären erkläre"
        " beschreiben beschreibe zeigen zeige möchte würde eigentlich genau geht gehen macht machen passiert bekomme"
        " bekommt bekommen erhalte erhält erhalten brauche braucht genannt lautet liegt laut uhr".split()
    ),
    "en": frozenset(
        "many much long often far high large big kind kinds type types called mean means tell give gives list name"
        " describe explain show please would like need needs get gets happen happens exactly according there one"
        " make makes go goes take takes say says apply applies".split()
    ),
}
"""Words that say how something is asked, not what about."""

_COMMON, _RARE = 6.5, 3.5
"""Zipf frequencies (log10 of occurrences in a billion words) between which a term's weight falls to rise."""


_FOLLOWS = re.compile(
    r"\s*(?:und|and|aber|but|what about|how about|was ist mit|wie (?:ist|sieht) (?:es|das) (?:mit|bei)|also)\b"
    r"|.*\b(?:davon|dafür|damit|dabei|darüber|dies|er|sie|es|it|that|they|them|those)\b",
    re.IGNORECASE,
)
_CARRIED_OVER = 0.5
"""Weight of a term of the previous question in a follow-up."""


@lru_cache(maxsize=1024)
def asked(question: str, language: str, *, before: str = "") -> Asked:
    """The question taken apart. A question of cue words alone keeps them as terms.

    If it leaves things out that the asker has said `before`, those count too, at half weight.
    """
    named, rest = figures(question, language)
    left_out = STOPWORDS.get(language, frozenset()) | _CUES.get(language, frozenset())
    terms = _terms(rest, language, left_out)
    if before and (len(terms) + len(named) < 2 or _FOLLOWS.match(question)):
        earlier, rest = figures(before, language)
        known = {term.stem for term in terms}
        carried = [term for term in _terms(rest, language, left_out) if term.stem not in known]
        terms += [replace(term, weight=term.weight * _CARRIED_OVER) for term in carried]
        if not named:
            named = frozenset(figure for figure in earlier if figure.kind == "code")
    if not terms and not named:
        terms = _terms(rest, language, frozenset())
    return Asked(terms=tuple(terms), figures=named, kind=_kind(question))


def _kind(question: str) -> Kind:
    return next((kind for kind, pattern in _KINDS.items() if pattern.search(question)), "open")


def _terms(text: str, language: str, left_out: frozenset[str]) -> list[Term]:
    found: dict[str, Term] = {}
    for match in _WORD.finditer(text):
        word = _CLITIC.sub("", match.group().lower())
        if word in left_out or len(word) < 2:
            continue
        parts = frozenset(stem(part, language) for part in compounds.split(word)) if language == "de" else frozenset()
        is_name = bool(_ACRONYM.match(match.group()))
        if language != "de":
            is_name = is_name or (match.group()[0].isupper() and text[: match.start()].strip() != "")
        term = Term(stem(word, language), parts, _weight(word, language), is_name)
        found.setdefault(term.stem, term)
    return list(found.values())


@lru_cache(maxsize=16384)
def _weight(word: str, language: str) -> float:
    import wordfreq  # 0.2 s to import

    if language not in wordfreq.available_languages("small"):
        language = "en"
    zipf = wordfreq.zipf_frequency(word, language, wordlist="small")
    return min(1.0, max(0.2, 1.0 - 0.8 * (zipf - _RARE) / (_COMMON - _RARE)))


@lru_cache(maxsize=1)
def _concepts() -> Mapping[str, frozenset[int]]:
    """Stem (of either language) → the groups of `concepts.txt` that it stands in."""
    found: dict[str, set[int]] = {}
    lines = files("rag").joinpath("concepts.txt").read_text(encoding="utf-8").splitlines()
    for group, line in enumerate(line for line in lines if line and not line.startswith("#")):
        for word in line.split():
            for language in ("de", "en"):
                found.setdefault(stem(word, language), set()).add(group)
    return {word: frozenset(groups) for word, groups in found.items()}


def concepts(word: str) -> frozenset[int]:
    """Groups of words that may stand for this stem; mostly none."""
    return _concepts().get(word, frozenset())
