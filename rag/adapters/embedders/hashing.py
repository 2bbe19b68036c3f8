"""Texts → vectors without a model: keyword terms thrown into buckets. Deterministic and fast; for tests.

Texts that share words are near each other, and that is all it knows of meaning.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rag import keywords
from rag.types import Vectors

_MOST_TOKENS = 254
"""It reads texts of any length; this is the default model's."""


class HashEmbedder:
    """Port `Embedder`. A text without a word gets the first unit vector, so that every row has length 1."""

    def __init__(self, *, dimension: int = 64, language: str = "en") -> None:
        self._dimension = dimension
        self._language = language

    @property
    def name(self) -> str:
        return "hashing"

    @property
    def dimension(self) -> int:
        return self._dimension

    async def embed(self, texts: Sequence[str]) -> Vectors:
        vectors = np.zeros((len(texts), self._dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            for term in keywords.terms(text, self._language):
                bucket = keywords.term_id(term.text)
                sign = 1.0 if bucket & 1 else -1.0
                vectors[row, (bucket >> 1) % self._dimension] += sign * term.weight
            if not vectors[row].any():
                vectors[row, 0] = 1.0
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return np.asarray(vectors / lengths, dtype=np.float32)

    @property
    def most_tokens(self) -> int:
        return _MOST_TOKENS

    def count_tokens(self, text: str) -> int:
        """Words, counted as a model with a small vocabulary would: about four tokens to three words."""
        return (4 * len(text.split()) + 2) // 3
