"""Wraps an embedder: a text embedded lately is not embedded again. For questions; documents do not repeat."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import numpy as np

from rag.adapters.embedders.wrapping import WrappingEmbedder
from rag.ports import Embedder
from rag.types import Vector, Vectors


class RememberingEmbedder(WrappingEmbedder):
    """Port `Embedder`. Keeps the vectors of the `size` texts used last, in memory only."""

    def __init__(self, embedder: Embedder, *, size: int = 1024) -> None:
        super().__init__(embedder)
        self._size = size
        self._known: OrderedDict[str, Vector] = OrderedDict()

    async def embed(self, texts: Sequence[str]) -> Vectors:
        found = {text: self._known[text] for text in texts if text in self._known}
        missing = list(dict.fromkeys(text for text in texts if text not in found))
        if missing:
            found.update(zip(missing, await self._embedder.embed(missing), strict=True))
        for text in texts:
            self._known[text] = found[text]
            self._known.move_to_end(text)
        while len(self._known) > self._size:
            self._known.popitem(last=False)
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        return np.stack([found[text] for text in texts])
