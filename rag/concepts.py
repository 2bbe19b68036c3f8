"""A stem → the words of either language that may stand for it, from `concepts.txt`. Pure.

Called by `rag.keywords` to search for them too, and by `rag.asking` to recognise them in a sentence.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files

from rag.stems import stem

_LANGUAGES = ("de", "en")


@lru_cache(maxsize=1)
def _groups() -> tuple[tuple[str, ...], ...]:
    """The file's lines as words. Each is one group of words that may stand for one another."""
    lines = _stored().splitlines()
    return tuple(tuple(line.split()) for line in lines if line and not line.startswith("#"))


def revision() -> str:
    """Digest of the thesaurus: what was made with another one has to be made again."""
    return hashlib.sha256(_stored().encode()).hexdigest()[:8]


def _stored() -> str:
    return files("rag").joinpath("concepts.txt").read_text(encoding="utf-8")


def vocabulary() -> frozenset[str]:
    """Every word of either language that stands in a group."""
    return frozenset(word for group in _groups() for word in group)


@lru_cache(maxsize=1)
def _by_stem() -> Mapping[str, frozenset[int]]:
    found: dict[str, set[int]] = {}
    for number, group in enumerate(_groups()):
        for word in group:
            for language in _LANGUAGES:
                found.setdefault(stem(word, language), set()).add(number)
    return {word: frozenset(numbers) for word, numbers in found.items()}


@lru_cache(maxsize=65536)
def concepts(word: str) -> frozenset[int]:
    """Groups that this stem stands in; mostly none. A regular German verb form that the stemmer leaves as it is
    ("aufbewahrt", "ausgezahlt") stands where its verb does.
    """
    known = _by_stem()
    return next((known[form] for form in (word, *_of_verb(word)) if form in known), frozenset())


_PREFIX = r"(?:ab|an|auf|aus|bei|dar|durch|ein|fest|frei|her|hin|mit|nach|um|unter|vor|weg|weiter|zu|zuruck|zusammen)?"
_VERB_FORM = re.compile(rf"(?P<prefix>{_PREFIX})(?:ge)?(?P<root>[a-z]{{3,}}?)e?t")


def _of_verb(word: str) -> Iterator[str]:
    """What a German verb's third person or participle may be a form of, as stems: with and without "ge"."""
    found = _VERB_FORM.fullmatch(word)
    if found:
        yield found["prefix"] + found["root"]
        yield word.removesuffix("t").removesuffix("e")


@lru_cache(maxsize=8192)
def concepts_of(words: frozenset[str]) -> frozenset[int]:
    """All groups that any of the stems stands in."""
    return frozenset().union(*(concepts(word) for word in words))


def groups_of(word: str) -> list[tuple[str, ...]]:
    """The groups that this stem stands in, as the file has them."""
    return [_groups()[number] for number in sorted(concepts(word))]


@lru_cache(maxsize=16384)
def neighbours(word: str) -> frozenset[str]:
    """Stems, as either language writes them, that may stand for this stem; without itself."""
    said = (other for group in groups_of(word) for other in group)
    return frozenset(stem(other, language) for other in said for language in _LANGUAGES) - {word}
