"""Word lists → sets. Read once per process from `lists/`, which were written for this project. Pure after that."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

LISTS = Path(__file__).parent / "lists"
_COMMON = 25_000
"""Ranks of a language's frequency list that count as everyday words: about 3 in a million."""


@lru_cache(maxsize=1)
def revision() -> str:
    """Short digest of all lists."""
    content = b"".join(path.read_bytes() for path in sorted(LISTS.glob("*.txt")))
    return hashlib.sha256(content).hexdigest()[:12]


def _words(name: str) -> tuple[frozenset[str], frozenset[str]]:
    """Plain words, and those on lines that start with `!`; lower case."""
    plain: set[str] = set()
    marked: set[str] = set()
    for line in (LISTS / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        (marked if line.startswith("!") else plain).update(line.lstrip("!").lower().split())
    return frozenset(plain - marked), frozenset(marked)


@lru_cache(maxsize=1)
def first_names() -> frozenset[str]:
    """Those that are hardly ever anything else."""
    return _words("first_names.txt")[0]


@lru_cache(maxsize=1)
def doubtful_first_names() -> frozenset[str]:
    """Those that are also words, months or places."""
    return _words("first_names.txt")[1]


@lru_cache(maxsize=1)
def surnames() -> frozenset[str]:
    return _words("surnames.txt")[0]


@lru_cache(maxsize=1)
def doubtful_surnames() -> frozenset[str]:
    """Those that are trades, animals or things: surnames only behind a first name, or behind a title and a name."""
    return _words("surnames.txt")[1]


@lru_cache(maxsize=1)
def not_names() -> frozenset[str]:
    """Words that stand where a name would stand and are none."""
    return _words("not_names.txt")[0]


@lru_cache(maxsize=1)
def common_words() -> frozenset[str]:
    """Everyday words of German and English, some of which are also names."""
    import wordfreq  # 0.2 s to import, and only doubtful names need it

    return frozenset(word for language in ("de", "en") for word in wordfreq.top_n_list(language, _COMMON))
