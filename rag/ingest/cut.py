"""A text too long for the model → spans that fit. Pure. Called by `chunk()`. Spans tile the text, in order.

Prose goes into LangChain's merging, sentence by sentence; rows, bullets and messages go line by line. Where a sentence is
longer than a chunk it is cut at clauses, then at words, and a word that is no word (a key, a picture in base64) anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from langchain_text_splitters import TextSplitter

from rag import sentences

Count = Callable[[str], int]
Span = tuple[int, int]

_CHARACTERS_A_TOKEN = 12
"""Some tokenizers call a word that they do not know one token, whatever its length."""
_CLAUSE = re.compile(r"(?<=[;:,|])\s+")
_WORD = re.compile(r"(?<=\s)(?=\S)")
_SLICE = 40
"""Characters: fewer than tokens of a chunk, whatever they are."""


def measured(count_tokens: Count) -> Count:
    """Tokens, but never fewer than a text of that length should have."""
    return lambda text: max(count_tokens(text), -(-len(text) // _CHARACTERS_A_TOKEN))


def prose(text: str, size: int, count: Count) -> Iterator[Span]:
    """Whole sentences together, up to `size`."""
    yield from _placed(_Sentences(size, count).split_text(text))


def lines(text: str, size: int, count: Count) -> Iterator[Span]:
    """Whole lines together, up to `size`; a line that is longer alone is cut like prose."""
    start = end = used = 0
    for line in text.splitlines(keepends=True):
        tokens = count(line)
        if end > start and used + tokens > size:
            yield start, end
            start, used = end, 0
        if tokens > size:
            yield from ((end + a, end + b) for a, b in prose(line, size, count))
            start = end + len(line)
        else:
            used += tokens
        end += len(line)
    if end > start:
        yield start, end


def _placed(parts: Iterable[str]) -> Iterator[Span]:
    at = 0
    for part in parts:
        yield at, at + len(part)
        at += len(part)


class _Sentences(TextSplitter):
    """LangChain's merging over our sentences: it knows no abbreviations, and would cut after "z. B."."""

    def __init__(self, size: int, count: Count) -> None:
        super().__init__(
            chunk_size=size, chunk_overlap=0, length_function=count, keep_separator="end", strip_whitespace=False
        )
        self._size, self._count = size, count

    def split_text(self, text: str) -> list[str]:
        parts = [text[start:end] for start, end in sentences.spans(text)]
        return self._merge_splits([small for part in parts for small in self._small(part, 0)], "")

    def _small(self, part: str, depth: int) -> list[str]:
        """Whole if it fits, else cut ever finer."""
        if self._count(part) <= self._size:
            return [part]
        if depth == 2:
            return [part[at : at + _SLICE] for at in range(0, len(part), _SLICE)]
        ends = [match.end() for match in (_CLAUSE, _WORD)[depth].finditer(part)]
        pieces = [part[a:b] for a, b in zip([0, *ends], [*ends, len(part)], strict=True) if a < b]
        return [small for piece in pieces for small in self._small(piece, depth + 1)]
