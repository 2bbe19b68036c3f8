"""Which embedder an index needs: a model's folder, and whether German is glossed. Opened once each, for `compose`.

An index says which one it was built with; no other is ever used for it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rag.adapters.embedders.glossed import GlossedEmbedder
from rag.adapters.embedders.remembering import RememberingEmbedder
from rag.adapters.embedders.sentence_transformers import SentenceTransformerEmbedder
from rag.errors import Permanent
from rag.ports import Embedder

_MIB = 1 << 20

ENDPOINT = "endpoint"
"""In place of a folder: the embedding endpoint that the settings name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model, for two who ask: questions go first where an endpoint has limits."""

    questions: Embedder
    ingest: Embedder


OpenModel = Callable[[str], Model]
"""Takes a model's folder, "" for the packaged one, or `ENDPOINT`. Raises `Permanent("model_missing")`."""


class Models:
    """Two indexes that need the same model share it."""

    def __init__(self, open_model: OpenModel) -> None:
        self._open = open_model
        self._models: dict[str, Model] = {}
        self._glossed: dict[str, Model] = {}

    def of(self, model: str, *, glossed: bool) -> Model:
        """Raises `Permanent("model_missing")`."""
        if model not in self._models:
            opened = self._open(model)
            self._models[model] = _remembering(opened.questions, opened.ingest)
            self._glossed[model] = _remembering(GlossedEmbedder(opened.questions), GlossedEmbedder(opened.ingest))
        return (self._glossed if glossed else self._models)[model]


def _remembering(questions: Embedder, ingest: Embedder) -> Model:
    return Model(questions=RememberingEmbedder(questions), ingest=ingest)


def sentence_transformer(threads: int) -> OpenModel:
    """The packaged model, or one of the operator's. Of these the name carries a digest of what lies in the folder."""

    def opened(model: str) -> Model:
        if model == ENDPOINT:
            raise Permanent(
                "model_missing", "No embedding endpoint is configured any more.", hint="Set BELEG_EMBEDDER_URL again."
            )
        folder = Path(model)
        made = (
            SentenceTransformerEmbedder(folder, name=f"{folder.name}-{_digest(folder)}", threads=threads)
            if model
            else SentenceTransformerEmbedder(threads=threads)
        )
        return Model(questions=made, ingest=made)

    return opened


def _digest(folder: Path) -> str:
    """Small files whole; of weights, which may be gigabytes, size and both ends. Raises `Permanent`."""
    whole = hashlib.sha256()
    try:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            size = path.stat().st_size
            whole.update(f"{path.relative_to(folder)} {size}\n".encode())
            with path.open("rb") as file:
                whole.update(file.read(_MIB))
                file.seek(max(0, size - _MIB))
                whole.update(file.read(_MIB))
    except OSError as error:
        raise Permanent(
            "model_missing", f"The folder of the embedding model cannot be read: {folder.name}.",
            hint="It needs config.json, tokenizer.json and modules.json, as sentence-transformers saves them.",
        ) from error  # fmt: skip
    return whole.hexdigest()[:8]
