"""Every embedder passes this: the hashing twin, the wrappers, an endpoint, and the packaged model itself."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from embedding_service import DIMENSION, KEY, MODEL, embedding_service
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from tokenizers import Tokenizer

from rag.adapters.embedders.hashing import HashEmbedder
from rag.adapters.embedders.limited import LimitedEmbedder
from rag.adapters.embedders.openai_compatible import OpenAICompatibleEmbedder
from rag.adapters.embedders.remembering import RememberingEmbedder
from rag.adapters.embedders.sentence_transformers import MAX_TOKENS, SentenceTransformerEmbedder, packaged_model
from rag.errors import Permanent
from rag.ports import Embedder
from rag.testing import MemoryPauses

MAKERS = {
    "hashing": HashEmbedder,
    "limited": lambda: LimitedEmbedder(HashEmbedder(), MemoryPauses(), upstream="u", patience_s=1, behind_s=(0, 0)),
    "remembering": lambda: RememberingEmbedder(HashEmbedder(), size=2),
    "sentence_transformers": cache(lambda: SentenceTransformerEmbedder(threads=2)),
}
TEXTS = ["Die Kündigungsfrist beträgt drei Monate.", "Holiday is 30 days.", "", "x", "Holiday is 30 days."]


@pytest.fixture(params=[*MAKERS, "endpoint"])
def embedder(request: pytest.FixtureRequest) -> Iterator[Embedder]:
    if request.param in MAKERS:
        yield MAKERS[request.param]()
        return
    with embedding_service() as service:
        yield OpenAICompatibleEmbedder(
            base_url=f"{service.url}/v1", model=MODEL, dimension=DIMENSION, api_key=SecretStr(KEY)
        )


async def test_rows_are_unit_vectors_in_the_order_given(embedder: Embedder) -> None:
    """One row a text, length 1, float32, the same text the same row, whatever stands around it."""
    vectors = await embedder.embed(TEXTS)
    assert vectors.shape == (len(TEXTS), embedder.dimension)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)
    for text, vector in zip(TEXTS, vectors, strict=True):
        [alone] = await embedder.embed([text])
        assert float(alone @ vector) > 0.9995


async def test_no_texts_give_no_rows(embedder: Embedder) -> None:
    """An empty batch is not an error."""
    assert (await embedder.embed([])).shape == (0, embedder.dimension)


async def test_the_same_batch_gives_the_same_bits(embedder: Embedder) -> None:
    """Deterministic: a second run over the same documents changes nothing."""
    assert np.array_equal(await embedder.embed(TEXTS), await embedder.embed(TEXTS))


async def test_related_texts_are_nearer_than_unrelated_ones(embedder: Embedder) -> None:
    """The least that may be asked of an embedder."""
    question, right, wrong = await embedder.embed(
        ["How many days of holiday?", "Holiday is 30 days a year.", "The canteen serves soup."]
    )
    assert question @ right > question @ wrong


def test_tokens_grow_with_the_text(embedder: Embedder) -> None:
    """The measure that chunks are cut by."""
    assert embedder.count_tokens("") == 0
    assert 0 < embedder.count_tokens("holiday rules") < embedder.count_tokens("holiday rules " * 10)


# --- the packaged model -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model() -> SentenceTransformerEmbedder:
    return SentenceTransformerEmbedder(threads=2)


async def test_the_end_of_a_long_text_counts(model: SentenceTransformerEmbedder) -> None:
    """A model silently drops what is beyond its window; ours reads the text in windows."""
    beginning = "The canteen opens at noon and serves soup. " * 60
    assert model.count_tokens(beginning) > 2 * MAX_TOKENS
    without, with_end = await model.embed([beginning, beginning + "The notice period is three months. " * 30])
    [question] = await model.embed(["notice period"])
    assert question @ with_end > question @ without + 0.05


@given(words=st.lists(st.text(max_size=12), max_size=30))
@settings(deadline=None)
def test_a_text_has_the_tokens_of_its_words(model: SentenceTransformerEmbedder, words: list[str]) -> None:
    """Counted word by word, each remembered, which is fifteen times as fast; control characters are no text."""
    text = "".join(c for c in " ".join(words) if c.isprintable() or c in "\t\n\r")
    encoded = tokenizer().encode(text, add_special_tokens=False)
    assert model.count_tokens(text) == len(encoded.ids)


@cache
def tokenizer() -> Tokenizer:
    whole = Tokenizer.from_file(str(packaged_model() / "tokenizer.json"))
    whole.no_truncation()
    whole.no_padding()
    return whole


async def test_callers_at_once_get_each_their_own_vectors(model: SentenceTransformerEmbedder) -> None:
    """Batches of all callers share the cores."""
    asked = [
        [f"Question {at} about filter {at * 7}." for at in range(begin, begin + 40)] for begin in range(0, 240, 40)
    ]
    alone = [await model.embed(texts) for texts in asked]
    together = await asyncio.gather(*(model.embed(texts) for texts in asked))
    assert np.allclose(np.stack(alone), np.stack(together), atol=1e-5)


async def test_reduced_precision_hardly_moves_a_vector(model: SentenceTransformerEmbedder) -> None:
    """Vectors computed with and without bfloat16 fit into one index."""
    texts = ["Die Kündigungsfrist beträgt drei Monate zum Quartalsende.", "Holiday is 30 days a year. " * 20]
    quick = await model.embed(texts)
    exact = SentenceTransformerEmbedder(threads=2, bfloat16=False)
    assert np.min(np.sum(quick * await exact.embed(texts), axis=1)) > 0.9998


def test_a_missing_model_is_named_with_a_way_out(tmp_path: Path) -> None:
    """Permanent, with a hint; not a stack trace out of a library."""
    with pytest.raises(Permanent) as missing:
        SentenceTransformerEmbedder(tmp_path)
    assert missing.value.code == "model_missing"
    assert missing.value.hint


# --- the wrapper ------------------------------------------------------------------------------------------------


class Counting(HashEmbedder):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    async def embed(self, texts):
        self.seen += texts
        return await super().embed(texts)


async def test_a_text_asked_again_is_not_embedded_again() -> None:
    """The last texts are remembered, the oldest forgotten, and a batch asks for what is missing only."""
    counting = Counting()
    remembering = RememberingEmbedder(counting, size=2)
    await remembering.embed(["a", "b", "a"])
    await remembering.embed(["b", "c"])
    await remembering.embed(["b"])
    assert counting.seen == ["a", "b", "c"]
    await remembering.embed(["a"])
    assert counting.seen == ["a", "b", "c", "a"]
