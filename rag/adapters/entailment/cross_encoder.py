"""Premise, hypothesis → probability of entailment, by a cross-encoder that lies on the disk. Never calls out.

Any sequence classification model for natural language inference whose configuration names a label `entailment`. It is
loaded at the first pair.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any

from rag.errors import Permanent, Temporary

_LABEL = "entailment"
_HINT = "Set BELEG_ENTAILMENT to the folder of a model for natural language inference, or unset it."


class CrossEncoderEntailment:
    """Port `Entailment`. Safe to share between tasks: one batch runs at a time.

    Raises `Permanent("entailment_model")` when made, if the folder holds no such model.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._column = _column_of(folder)
        self._model: Any = None
        self._lock = Lock()

    async def probabilities(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        return await asyncio.to_thread(self._probabilities, list(pairs)) if pairs else []

    def _probabilities(self, pairs: list[tuple[str, str]]) -> list[float]:
        with self._lock:
            try:
                rows = self._opened().predict(pairs, apply_softmax=True, show_progress_bar=False)
            except (RuntimeError, MemoryError, OSError, ValueError) as error:
                raise Temporary(
                    "entailment_unavailable",
                    "The entailment model could not compute.",
                    hint="Most often the memory is short; free some and try again.",
                ) from error
        return [float(row[self._column]) for row in rows]

    def _opened(self) -> Any:
        if self._model is None:
            os.environ["HF_HUB_OFFLINE"] = "1"
            from sentence_transformers import CrossEncoder

            self._model = CrossEncoder(str(self._folder), device="cpu", local_files_only=True)
        return self._model


def _column_of(folder: Path) -> int:
    """Which of the model's outputs says that the hypothesis follows."""
    try:
        labels = json.loads((folder / "config.json").read_text(encoding="utf-8")).get("id2label", {})
        found = [int(number) for number, name in labels.items() if str(name).lower() == _LABEL]
    except (OSError, ValueError, AttributeError) as error:
        message = f"There is no readable entailment model in {folder.name}."
        raise Permanent("entailment_model", message, hint=_HINT) from error
    if not found:
        message = f"The model in {folder.name} has no label named {_LABEL}."
        raise Permanent("entailment_model", message, hint=_HINT)
    return found[0]
