"""What every embedder that wraps another hands through as it is. Extended by the wrappers beside it."""

from __future__ import annotations

from collections.abc import Sequence

from rag.ports import Embedder
from rag.types import Vectors


class WrappingEmbedder:
    """Port `Embedder`: the wrapped one, unchanged."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder

    @property
    def name(self) -> str:
        return self._embedder.name

    @property
    def dimension(self) -> int:
        return self._embedder.dimension

    @property
    def most_tokens(self) -> int:
        return self._embedder.most_tokens

    def count_tokens(self, text: str) -> int:
        return self._embedder.count_tokens(text)

    async def embed(self, texts: Sequence[str]) -> Vectors:
        return await self._embedder.embed(texts)
