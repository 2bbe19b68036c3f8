"""A German compound → its parts. Pure. Called by `rag.keywords`; knows nothing of texts or weights.

Splitting by word frequency, after Koehn and Knight (EACL 2003): of all ways to read a word as known words with linking
elements between them, take the most probable (which favours few, long parts), unless the word itself is more frequent
than the geometric mean of its parts. The frequencies are those of the `wordfreq` package, read from its installed
files; only words with at least one occurrence per million are kept (39,000 words, 7 ms, 6 MB).
"""

# ruff: noqa: SIM905  a word list reads better as words than as a list of literals
from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from rag.concepts import revision, vocabulary

REVISION = f"koehn-knight-2+{revision()}"

_SHORTEST_WORD = 7
_SHORTEST_PART = 4
_SHORTEST_NOUN = 3
_SHORTEST_TECHNICAL = 5
_RARE = 600.0
"""Cost of a word that the frequency list does not have: one per million."""
_KNOWN_IN_ENGLISH = 3.0
"""Zipf frequency from which on a word is English."""
_LONGEST_WORD = 60
_LINKS = ("s", "es", "n", "en", "er", "e")
_SHORT_NOUNS = frozenset(
    "amt arm art arzt bad bau bus dom eid eis erz fax fee gas gut hof hut kur lob los lot maß mut not ort pkw lkw"
    " öl rad rat reh ruf rum see tag tal tat tee ton tor tür typ uhr vieh weg zoo zug zoll".split()
)
"""Nouns too short for the length rule. A list, because short function words (aus, ein, vor) split everything."""
_NEVER_A_PART = frozenset(
    "haft haften heit heiten isch ische ischen ischer isches keit keiten lich liche lichen licher liches schaft"
    " schaften tion tionen ation ationen ungen innen chen lein barer bares baren samen ierung ierungen ieren ierte"
    " ierten ander anderen igkeit igkeiten ling linge sten stens ster enden ende endes ender nder eren eres erer"
    " esse essen".split()
)
"""Suffixes that also occur as strings in the frequency list."""


@lru_cache(maxsize=1)
def _lexicon() -> dict[str, float]:
    """Word → minus log frequency in centibels (0 = certain, 600 = one per million). Loaded once, on first use."""
    import wordfreq  # 0.2 s to import, and only German texts need it

    buckets = wordfreq.read_cBpack(wordfreq.available_languages("small")["de"])
    common = {
        word: float(centibels)
        for centibels, bucket in enumerate(buckets)
        for word in bucket
        if word.isalpha() and (len(word) >= _SHORTEST_PART or word in _SHORT_NOUNS) and word not in _NEVER_A_PART
    }
    return {word: _RARE for word in _technical() if word not in common} | common


def _technical() -> Iterator[str]:
    """Words of the thesaurus that are rare at large, "Zentrifuge"; without those that are English."""
    import wordfreq

    for word in vocabulary():
        if word.isalpha() and len(word) >= _SHORTEST_TECHNICAL and word not in _NEVER_A_PART:
            english = wordfreq.zipf_frequency(word, "en", wordlist="small")
            if english < _KNOWN_IN_ENGLISH or wordfreq.zipf_frequency(word, "de", wordlist="small") > english:
                yield word


def _reading(part: str, *, last: bool) -> tuple[float, str] | None:
    """Cost and dictionary form of `part`; `None` if no known word is behind it.

    The part as it stands wins; a linking element or ending is taken off, or a dropped -e put back, only if it must.
    """
    lexicon = _lexicon()
    cost = lexicon.get(part)
    if cost is not None:
        return cost, part
    forms = [part[: -len(link)] for link in _LINKS if part.endswith(link)]
    if not last:
        forms.append(part + "e")
    readings = [(lexicon[form], form) for form in forms if form in lexicon]
    return min(readings, default=None)


@lru_cache(maxsize=65536)
def split(word: str) -> tuple[str, ...]:
    """The parts of a lower-cased German word as dictionary forms, in order; empty if it is not a compound."""
    if not _SHORTEST_WORD <= len(word) <= _LONGEST_WORD or not word.isalpha():
        return ()
    best = _cheapest(word)
    if best is None:
        return ()
    whole = _lexicon().get(word)
    if whole is not None and whole < best[0] / len(best[1]):
        return ()
    return best[1]


def _cheapest(word: str) -> tuple[float, tuple[str, ...]] | None:
    """The reading of `word` as two or more parts with the lowest summed cost. Dynamic programming over positions."""
    ways: list[tuple[float, tuple[str, ...]] | None] = [None] * (len(word) + 1)
    ways[0] = (0.0, ())
    for end in range(_SHORTEST_NOUN, len(word) + 1):
        last = end == len(word)
        for start in range(1 if last else 0, end - _SHORTEST_NOUN + 1):
            before = ways[start]
            found = None if before is None else _reading(word[start:end], last=last)
            if before is None or found is None:
                continue
            cost = before[0] + found[0]
            known = ways[end]
            if known is None or cost < known[0]:
                ways[end] = (cost, (*before[1], found[1]))
    return ways[len(word)]
