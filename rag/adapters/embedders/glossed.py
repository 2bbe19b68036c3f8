"""Wraps an embedder whose model knows English best: a German text is embedded by its English gloss (`rag.gloss`).

Documents and questions alike, so that they meet, also across the two languages.
"""

from __future__ import annotations

from collections.abc import Sequence

from rag.adapters.embedders.wrapping import WrappingEmbedder
from rag.gloss import gloss, revision
from rag.language import detect
from rag.ports import Embedder
from rag.types import Vectors


class GlossedEmbedder(WrappingEmbedder):
    """Port `Embedder`. Its name carries the revision of the words, so that an index of other words is not searched.

    Tokens are counted of the text as it stands: its gloss is shorter for the model, which cuts German words into many pieces.
    """

    def __init__(self, embedder: Embedder) -> None:
        super().__init__(embedder)
        self._name = f"{embedder.name}+{revision()}"

    @property
    def name(self) -> str:
        return self._name

    async def embed(self, texts: Sequence[str]) -> Vectors:
        return await self._embedder.embed([gloss(text) if detect(text) == "de" else text for text in texts])
