"""Text → how medical it is, and whether it tells of a person's health. Pure. Run by the guard over the whole text.

A maker of medical devices writes "patient", "clinic" and "therapy" on every page, so care words, signs and procedures
are only counted. `has_terms` means details of somebody's health: a diagnosis, an ICD-10 code, a medication, a dosage.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from rag.adapters.guard.prefilter import has_any, lowered
from rag.adapters.guard.words import LISTS

_WORD = re.compile(r"\w+")
_ICD = re.compile(r"(?<![\w.-])[A-TV-Z]\d{2}\.(?:\d{1,2}|-)[*+!]?(?:[ ]?[GVAZRLB](?!\w))?(?![\w.]*\d)")
_ICD_SHORT = re.compile(r"(?i)(?:ICD(?:-10)?(?:-GM)?|diagnos(?:e|is)|dx)[\s:|-]{0,4}[A-TV-Z]\d{2}(?![\w.])")
_ICD_NEAR = re.compile(r"(?i)\bICD\b|diagnos|\bDx\b|befund|hauptdiagnose|nebendiagnose")
_ICD_MARKS = ("icd", "diagnos", "dx", "befund")
_SCHEME = re.compile(
    r"(?<![\w./-])(?:[0-4½]|1/2)[ ]?-[ ]?(?:[0-4½]|1/2)[ ]?-[ ]?(?:[0-4½]|1/2)(?:[ ]?-[ ]?(?:[0-4½]|1/2))?(?![\w./-]*\d)"
)
_AMOUNT = (
    r"\d{1,4}(?:[.,]\d{1,3})?[ ]?(?:mg|µg|mcg|I\.?E\.?|IU|mmol|Hübe|Tropfen|Tbl\.?|Tabletten?|tablets?|Kps\.?|puffs?)"
)
_TIMES = (
    r"(?:täglich|tgl\.?|daily|a day|per day|pro Tag|/d\b|/die|morgens|abends|mittags|nachts|bei Bedarf|stündlich|twice|once|b\.i\.d|"
    r"t\.i\.d|q\.d|p\.o\.|i\.v\.|s\.c\.|i\.m\.|orally|intravenös|oral)"
)
_DOSAGE = re.compile(
    rf"(?i)(?<![\w.,]){_AMOUNT}[^\n.;]{{0,25}}?{_TIMES}|(?:\d|ein|zwei|drei)[ ]?(?:mal|x)[ ]?{_TIMES}[^\n.;]{{0,15}}?{_AMOUNT}"
)
_ANY_AMOUNT = re.compile(_AMOUNT, re.IGNORECASE)
_AGE = re.compile(
    r"(?i)\b\d{1,3}[- ]?(?:jährig\w*|jahre alt|years? old|year-old|-year-old|y/o|yo\b|j\. alt)|\bim alter von \d|\baged? \d{1,3}\b"
)
_STAY = re.compile(
    r"(?i)(?:aufgenommen|aufnahme|entlassen|entlassung|stationär\w*|admitted|discharged|admission|discharge|behandlung)"
    r"[^\n]{0,40}?\d{1,2}\.[ ]?(?:\d{1,2}\.|[a-zä]+)[ ]?\d{0,4}|\b(?:admitted|discharged) on\b"
)
_PERSON_WORD = re.compile(
    r"(?i)\b(?:d(?:er|ie|es)|unser\w*|this|the|a|ein\w*) (?:\w+ ){0,2}(?:patient(?:in)?|patienten)\b[^\n]{0,60}(?:klagt|stellte|berichtet|litt|leidet|erhielt|presented|complain|received|suffer)"
)
_FEATURES: Mapping[str, re.Pattern[str]] = {"age": _AGE, "stay": _STAY, "course": _PERSON_WORD}


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What a text tells of health.

    Attributes:
        has_terms: whether a term of a specific category occurs.
        density: terms of all categories per 100 words.
        categories: of the terms found, e.g. `{"diagnosis", "icd10"}`.
        features: what points at one person without naming them, e.g. `("age", "stay")`.
    """

    has_terms: bool
    density: float
    words: int
    categories: frozenset[str]
    features: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Terms:
    """Words, phrases by their first word, and endings; each with its category."""

    words: dict[str, str] = field(default_factory=dict)
    phrases: dict[str, list[tuple[tuple[str, ...], str]]] = field(default_factory=dict)
    endings: dict[str, str] = field(default_factory=dict)
    specific: set[str] = field(default_factory=lambda: {"icd10", "dosage"})


class HealthReader:
    """Counts medical terms. `ignore`: terms that are everyday words here, lower case."""

    def __init__(self, ignore: Iterable[str] = ()) -> None:
        self._terms = _read_terms()
        self._ignore = frozenset(ignore)
        self._endings = tuple(self._terms.endings)
        self._forms = _inflected({term: c for term, c in self._terms.words.items() if term not in self._ignore})

    def read(self, text: str) -> Health:
        lower = lowered(text)
        tokens = [found.lower() for found in _WORD.findall(text)] if lower is None else _WORD.findall(lower)
        counts = self._counts(tokens)
        patterned = {"icd10": _codes(text), "dosage": _dosages(text)}
        counts |= {category: number for category, number in patterned.items() if number}
        return Health(
            has_terms=not self._terms.specific.isdisjoint(counts),
            density=round(100 * _telling(counts) / len(tokens), 2) if tokens else 0.0,
            words=len(tokens),
            categories=frozenset(counts),
            features=tuple(name for name, pattern in _FEATURES.items() if counts and pattern.search(text)),
        )

    def _counts(self, tokens: list[str]) -> dict[str, int]:
        """Category → how many words or phrases of it. A word is looked up once, however often it stands in the text."""
        counts = Counter[str]()
        alone = Counter(tokens)
        if not alone.keys().isdisjoint(self._terms.phrases):
            for at, token in enumerate(tokens):
                if token in self._terms.phrases and (category := self._phrase(token, tokens, at)) is not None:
                    counts[category] += 1
                    alone[token] -= 1
        for token, number in alone.items():
            category = self._category(token)
            if category is not None and number:
                counts[category] += number
        return dict(counts)

    def _phrase(self, token: str, tokens: list[str], at: int) -> str | None:
        """Category of the phrase that begins here."""
        for phrase, category in self._terms.phrases[token]:
            if tuple(tokens[at + 1 : at + 1 + len(phrase)]) == phrase:
                return category
        return None

    def _category(self, token: str) -> str | None:
        if (category := self._forms.get(token)) is not None:
            return category
        if token.endswith(self._endings) and token not in self._ignore:
            endings = self._terms.endings.items()
            return next((c for ending, c in endings if token.endswith(ending) and len(token) > len(ending) + 2), None)
        return None


_SHORT = 4
"""Letters of a term that takes no ending: too many other words would begin with it."""


def _telling(counts: Mapping[str, int]) -> int:
    """Without care words: a clinic's canteen plan has those, too."""
    return sum(number for category, number in counts.items() if category != "care")


def _inflected(terms: Mapping[str, str]) -> dict[str, str]:
    """With the endings that German and English put on nouns; a word that is a term itself stays what it is."""
    forms = dict(terms)
    for ending in ("s", "n", "e", "en", "es"):
        for term, category in terms.items():
            if len(term) > _SHORT:
                forms.setdefault(term + ending, category)
    return forms


def _codes(text: str) -> int:
    """ICD-10 codes. A dotted code may be a part number, so the text must speak of diagnoses somewhere."""
    if not has_any(text, _ICD_MARKS):
        return 0
    short = len(_ICD_SHORT.findall(text))
    dotted = len(_ICD.findall(text))
    return short + dotted if dotted and _ICD_NEAR.search(text) else short


def _dosages(text: str) -> int:
    """`1-0-1` counts only where an amount is named, too: by itself it may be a version or a score."""
    if not _ANY_AMOUNT.search(text):
        return 0
    return len(_DOSAGE.findall(text)) + len(_SCHEME.findall(text))


@lru_cache(maxsize=1)
def _read_terms() -> _Terms:
    terms = _Terms()
    category = ""
    for line in (LISTS / "medical.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            category, _, mark = line.strip("[]").partition(" ")
            if mark == "specific":
                terms.specific.add(category)
        elif line and not line.startswith("#"):
            for term in filter(None, (t.strip() for t in line.split(","))):
                _place(terms, term, category)
    return terms


def _place(terms: _Terms, term: str, category: str) -> None:
    if term.startswith("*"):
        terms.endings[term[1:]] = category
        return
    first, *rest = _WORD.findall(term)
    if rest:
        terms.phrases.setdefault(first, []).append((tuple(rest), category))
    else:
        terms.words.setdefault(first, category)
