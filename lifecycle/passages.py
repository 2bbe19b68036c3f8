"""When does a retrieved or cited text count as the expected passage? Pure. Used by `metrics`.

Texts are compared by their words: case, white space, hyphenation marks and table bars do not count.
"""

from __future__ import annotations

import re
import unicodedata
from difflib import SequenceMatcher

from lifecycle.types import Expected
from rag.types import Chunk, Citation

_WORD = re.compile(r"\w+(?:[.,:/-]\w+)*", re.UNICODE)
_ENOUGH = 0.6
"""Share of a quote's words that must stand together: a chunk border may cut a quote, it must not lose it."""


def words(text: str) -> list[str]:
    """Numbers, codes and compounds stay whole: `15.300`, `E-17`, `1,5`."""
    plain = unicodedata.normalize("NFKC", text).replace("\u00ad", "").casefold()
    return _WORD.findall(plain)


def place(zone: str, path: str) -> str:
    """As `Expected.document` names it."""
    return f"{zone}/{path}"


def carries(chunk: Chunk, expected: Expected) -> bool:
    """Whether the chunk holds the quote, or most of it in one piece."""
    if place(chunk.zone, chunk.path) != expected.document:
        return False
    return _covered(words(expected.quote), words(chunk.text)) >= _ENOUGH


def agrees(citation: Citation, expected: Expected) -> bool:
    """Whether the cited span and the expected one are the same passage: most of the shorter lies in the longer."""
    if place(citation.zone, citation.path) != expected.document:
        return False
    cited, wanted = words(citation.quote), words(expected.quote)
    shorter, longer = sorted((cited, wanted), key=len)
    return _covered(shorter, longer) >= _ENOUGH


def _covered(part: list[str], whole: list[str]) -> float:
    """Share of `part` that stands in `whole` as one run of words. 0 for an empty part."""
    if not part:
        return 0.0
    match = SequenceMatcher(None, part, whole, autojunk=False).find_longest_match()
    return match.size / len(part)
