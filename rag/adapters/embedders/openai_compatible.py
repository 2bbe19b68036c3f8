"""Texts → vectors by an endpoint that speaks OpenAI's `/v1/embeddings`: vLLM, Azure AI Foundry, LiteLLM and others.

Adapter of the port `Embedder`. Whatever a sick endpoint does becomes `Temporary` with a code, never with its words: an error
body may echo the texts. A text that it refuses while it takes another is that text's `Permanent`. Does not retry: see `limited`.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from pydantic import SecretStr
from tokenizers import Tokenizer

from rag.adapters.embedders.sentence_transformers import packaged_model
from rag.adapters.retry_after import seconds
from rag.errors import Permanent, Temporary
from rag.types import Vector, Vectors

_BYTES_A_NUMBER = 32
_BYTES_AROUND = 64 * 1024
"""An answer that is longer than its numbers can be is not read to its end."""
_OF_A_TEXT = frozenset({400, 413, 422})
_BUSY = frozenset({429, 503})


class OpenAICompatibleEmbedder:
    """Port `Embedder`. Close it with `aclose()`.

    Args:
        base_url: ends in `/v1`, or is an Azure resource where `api_version` is set. From the operator alone; redirects are not
            followed, proxies of the environment not used.
        model: Azure's deployment where `api_version` is set. It names the index: another model needs another name.
        tokenizer: the model's `tokenizer.json`, which measures chunks; unset = that of the packaged model, which cuts more
            finely than those of larger models, so that chunks come out rather too short than too long.
        most_tokens: that the model reads of one text; no chunk may be longer.
    """

    def __init__(
        self, *, base_url: str, model: str, dimension: int, api_key: SecretStr | None = None, api_version: str | None = None,
        tokenizer: Path | None = None, most_tokens: int = 512, batch: int = 64, at_once: int = 4, timeout_s: float = 60.0,
    ) -> None:  # fmt: skip
        self._model, self._dimension, self._batch, self._timeout_s = model, dimension, batch, timeout_s
        self._most_tokens = most_tokens
        self._turns = asyncio.Semaphore(at_once)
        self._tokenizer, self._measure = _tokenizer(tokenizer)
        key = api_key.get_secret_value() if api_key else None
        base = base_url.rstrip("/")
        if api_version is not None:
            base = f"{base}/openai/deployments/{model}"
        self._path = "embeddings" if api_version is None else f"embeddings?api-version={api_version}"
        credential = {"authorization": f"Bearer {key}"} if api_version is None else {"api-key": key or ""}
        self._client = httpx.AsyncClient(
            base_url=f"{base}/", headers=credential if key else {}, follow_redirects=False, trust_env=False,
            timeout=httpx.Timeout(None, connect=5.0, pool=None),  # the rest is ours
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"OpenAICompatibleEmbedder({self._model!r}, {self._dimension})"

    @property
    def name(self) -> str:
        return f"{self._model}{self._measure}"

    @property
    def dimension(self) -> int:
        return self._dimension

    @property
    def upstream(self) -> str:
        """Whose limits are shared: the host and the model."""
        return f"{self._client.base_url.host}/{self._model}"

    @property
    def most_tokens(self) -> int:
        return self._most_tokens

    def count_tokens(self, text: str) -> int:
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)

    async def aclose(self) -> None:
        await self._client.aclose()

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Raises `Temporary`: `embedder_limited` with `after_s`, `embedder_unavailable`, `embedder_refused`,
        `embedder_rubbish`; `Permanent("text_not_embedded")`.
        """
        batches = [list(texts[at : at + self._batch]) for at in range(0, len(texts), self._batch)]
        try:
            async with asyncio.TaskGroup() as group:
                running = [group.create_task(self._one(batch)) for batch in batches]
        except ExceptionGroup as group_error:
            raise group_error.exceptions[0] from None
        vectors = [vector for task in running for vector in task.result()]
        return np.stack(vectors) if vectors else np.zeros((0, self._dimension), dtype=np.float32)

    async def _one(self, texts: list[str]) -> list[Vector]:
        """A batch that is refused is halved until the one text that is at fault stands alone."""
        status, content = await self._asked(texts)
        if status == httpx.codes.OK:
            return self._read(content, len(texts))
        if status not in _OF_A_TEXT:
            raise _sick("embedder_refused", f"answered with HTTP status {status}")
        if len(texts) > 1:
            half = len(texts) // 2
            return [*await self._one(texts[:half]), *await self._one(texts[half:])]
        plain, _ = await self._asked(["word"])
        if plain != httpx.codes.OK:
            raise _sick("embedder_refused", f"answered with HTTP status {status}, also to a plain word")
        raise Permanent(
            "text_not_embedded", f"The embedding endpoint takes other texts but not this one (HTTP status {status}).",
            hint="Most often it is too long for the model: set BELEG_EMBEDDER_TOKENIZER to the model's own tokenizer.json.",
        )  # fmt: skip

    async def _asked(self, texts: list[str]) -> tuple[int, bytes]:
        body = {"model": self._model, "input": texts, "encoding_format": "base64"}
        most = _BYTES_AROUND + len(texts) * (self._dimension * _BYTES_A_NUMBER + 256)
        try:
            async with (
                self._turns,
                asyncio.timeout(self._timeout_s),
                self._client.stream("POST", self._path, json=body) as response,
            ):
                if response.status_code in _BUSY:
                    after_s = seconds(response.headers, at=datetime.now(UTC))
                    raise Temporary("embedder_limited", "The embedding endpoint has enough for now.", after_s=after_s)
                if response.status_code != httpx.codes.OK:
                    return response.status_code, b""  # its words are not looked at
                content = b""
                async for piece in response.aiter_bytes():
                    content += piece
                    if len(content) > most:
                        raise _sick("embedder_rubbish", "sends more than it was asked for")
                return response.status_code, content
        except TimeoutError as error:
            raise _sick("embedder_unavailable", "did not answer in time") from error
        except httpx.HTTPError as error:
            raise _sick("embedder_unavailable", f"cannot be reached or broke off ({type(error).__name__})") from None

    def _read(self, content: bytes, wanted: int) -> list[Vector]:
        """In the order asked, by `index`. Raises `Temporary("embedder_rubbish")`."""
        try:
            rows = {_whole(item["index"]): self._vector(item["embedding"]) for item in json.loads(content)["data"]}
        except (ValueError, KeyError, TypeError, RecursionError):
            raise _sick("embedder_rubbish", "sent something that is not a list of vectors") from None
        if sorted(rows) != list(range(wanted)):
            raise _sick("embedder_rubbish", f"sent {len(rows)} vectors for {wanted} texts")
        return [rows[at] for at in range(wanted)]

    def _vector(self, given: Any) -> Vector:
        numbers = _decoded(given) if isinstance(given, str) else np.asarray([float(one) for one in given])
        if numbers.shape != (self._dimension,):
            hint = "Set BELEG_EMBEDDER_DIMENSION to what the model gives; the index is then built anew."
            message = f"The embedding endpoint sends vectors of {numbers.size} numbers, not of {self._dimension}."
            raise Temporary("embedder_dimension", message, hint=hint, after_s=60.0)
        length = float(np.linalg.norm(numbers.astype(np.float64)))
        if not np.isfinite(length) or not length:
            raise _sick("embedder_rubbish", "sent a vector that has no direction")
        return np.asarray(numbers / length, dtype=np.float32)


def _decoded(given: str) -> Any:
    try:
        return np.frombuffer(base64.b64decode(given, validate=True), dtype="<f4")
    except (binascii.Error, ValueError):
        raise ValueError("not base64 of numbers") from None


def _whole(index: Any) -> int:
    if type(index) is not int:
        raise TypeError("an index is a number")
    return index


def _tokenizer(file: Path | None) -> tuple[Tokenizer, str]:
    """And what of it goes into the name: texts that are measured otherwise are cut otherwise."""
    chosen = file or packaged_model() / "tokenizer.json"
    try:
        content = chosen.read_text(encoding="utf-8")
        tokenizer = Tokenizer.from_str(content)
    except Exception as error:  # noqa: BLE001 - the library raises bare exceptions
        raise Permanent(
            "bad_setting", f"{chosen.name} is no tokenizer that can be read ({type(error).__name__}).",
            hint="Point BELEG_EMBEDDER_TOKENIZER to the model's tokenizer.json.",
        ) from None  # fmt: skip
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer, f"+{hashlib.sha256(content.encode()).hexdigest()[:8]}" if file else ""


def _sick(code: str, what: str) -> Temporary:
    hint = "Look at BELEG_EMBEDDER_URL, _MODEL and _KEY, and at the endpoint's own log."
    return Temporary(code, f"The embedding endpoint {what}.", hint=hint, after_s=5.0)
