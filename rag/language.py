"""Text → its language (ISO 639-1). Pure. German and English are first class; others are only told apart from them."""

from __future__ import annotations

import re
from functools import cache

from lingua import IsoCode639_1, Language, LanguageDetector, LanguageDetectorBuilder

from rag.stems import STOPWORDS

_SUPPORTED = {
    "de": Language.GERMAN,
    "en": Language.ENGLISH,
    "fr": Language.FRENCH,
    "it": Language.ITALIAN,
    "es": Language.SPANISH,
    "nl": Language.DUTCH,
}
REVISION = "small-words-1"
"""Raise it when texts are told apart otherwise: their chunks and vectors have to be made again."""
_NOUNS_ELSEWHERE = frozenset({"bin", "hat", "man", "war"})
"""Small words of one language that are nouns of the other."""
_ENOUGH_CHARACTERS = 2000
"""A language does not change its face after a page."""


def detect(text: str, among: tuple[str, ...] = ("de", "en")) -> str:
    """The likeliest of `among`; the first of them if the text has no words. Unknown codes in `among` are left out."""
    codes = tuple(code for code in among if code in _SUPPORTED)
    if len(codes) < 2:
        return codes[0] if codes else "en"
    text = text[:_ENOUGH_CHARACTERS]
    return _by_small_words(text, codes) or _by_letters(text, codes)


def _by_small_words(text: str, codes: tuple[str, ...]) -> str | None:
    """The language most of whose articles, pronouns and the like stand in the text; `None` if that does not tell.

    In a short question full of foreign names they are surer than letters.
    """
    if not all(code in STOPWORDS for code in codes):
        return None
    words = re.findall(r"[^\W\d_]+", text.lower())
    counts = {code: sum(word in _only_in(code, codes) for word in words) for code in codes}
    first, second = sorted(counts, key=lambda code: -counts[code])[:2]
    return first if counts[first] > counts[second] else None


@cache
def _only_in(code: str, codes: tuple[str, ...]) -> frozenset[str]:
    others = frozenset[str]().union(*(STOPWORDS[other] for other in codes if other != code))
    return STOPWORDS[code] - others - _NOUNS_ELSEWHERE


def _by_letters(text: str, codes: tuple[str, ...]) -> str:
    found = _detector(codes).detect_language_of(text)
    return codes[0] if found is None else _code(found.iso_code_639_1)


@cache
def _detector(codes: tuple[str, ...]) -> LanguageDetector:
    """Low-accuracy mode: trigrams alone, a tenth of the memory, and right on questions of four words."""
    languages = [_SUPPORTED[code] for code in codes]
    return LanguageDetectorBuilder.from_languages(*languages).with_low_accuracy_mode().build()


def _code(iso: IsoCode639_1) -> str:
    return iso.name.lower()
