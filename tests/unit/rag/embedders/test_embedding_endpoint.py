"""An endpoint for embeddings, well and sick: a real HTTP server on the loopback, as broken as a test wants it."""

from __future__ import annotations

import json
import logging
import math
import socket
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from embedding_service import DIMENSION, KEY, MODEL, Service, embedding_service
from pydantic import SecretStr

from rag.adapters.embedders.hashing import HashEmbedder
from rag.adapters.embedders.openai_compatible import OpenAICompatibleEmbedder
from rag.errors import BelegError, Permanent, Temporary

SECRET = "Herr Kowalski hat Diabetes"


@pytest.fixture
def service() -> Iterator[Service]:
    with embedding_service() as made:
        yield made


def made(service: Service, **changes: Any) -> OpenAICompatibleEmbedder:
    usual: dict[str, Any] = {
        "base_url": f"{service.url}/v1", "model": MODEL, "dimension": DIMENSION, "api_key": SecretStr(KEY), "timeout_s": 5,
    }  # fmt: skip
    return OpenAICompatibleEmbedder(**(usual | changes))


@pytest.fixture
async def embedder(service: Service) -> AsyncIterator[OpenAICompatibleEmbedder]:
    async with aclosing(made(service, batch=4)) as one:
        yield one


@pytest.mark.parametrize("as_floats", [False, True])
async def test_batches_come_back_in_their_order(
    service: Service, embedder: OpenAICompatibleEmbedder, as_floats: bool
) -> None:
    """The endpoint sends its rows backwards, and longer than 1; numbers and base64 are the same."""
    service.as_floats = as_floats
    texts = [f"rule number {n} of house {n % 3}" for n in range(11)]
    assert np.allclose(await embedder.embed(texts), await HashEmbedder().embed(texts), atol=1e-6)
    assert sorted(len(asked) for asked in service.asked) == [3, 4, 4]


async def test_azures_form(service: Service) -> None:
    """Deployment in the path, version in the query, key in a header of its own."""
    async with aclosing(made(service, base_url=service.url, api_version="2024-10-21")) as embedder:
        assert (await embedder.embed(["rule"])).shape == (1, DIMENSION)
    assert service.paths == [f"/openai/deployments/{MODEL}/embeddings?api-version=2024-10-21"]


def first(change: Callable[[dict[str, Any]], None]) -> Callable[..., dict[str, Any]]:
    def spoil(_texts: list[str], right: dict[str, Any]) -> dict[str, Any]:
        change(right["data"][0])
        return right

    return spoil


def drop(_texts: list[str], right: dict[str, Any]) -> dict[str, Any]:
    return {**right, "data": right["data"][1:]}


SPOILT: dict[str, tuple[Any, str]] = {
    "too few": (drop, "embedder_rubbish"),
    "one twice": (first(lambda one: one.update(index=0)), "embedder_rubbish"),
    "an index that is none": (first(lambda one: one.update(index=True)), "embedder_rubbish"),
    "not a number": (first(lambda one: one.update(embedding=[math.nan] * DIMENSION)), "embedder_rubbish"),
    "endless": (first(lambda one: one.update(embedding=[math.inf] * DIMENSION)), "embedder_rubbish"),
    "no direction": (first(lambda one: one.update(embedding=[0.0] * DIMENSION)), "embedder_rubbish"),
    "words": (first(lambda one: one.update(embedding=["x"] * DIMENSION)), "embedder_rubbish"),
    "no base64": (first(lambda one: one.update(embedding="%%%")), "embedder_rubbish"),
    "half a number": (first(lambda one: one.update(embedding="AAA=")), "embedder_rubbish"),
    "too short": (first(lambda one: one.update(embedding=[1.0, 2.0])), "embedder_dimension"),
    "a web page": (lambda *_: (200, {}, b"<html>" + SECRET.encode()), "embedder_rubbish"),
    "nested": (lambda *_: (200, {}, b"[" * 50_000), "embedder_rubbish"),
    "a list": (lambda *_: (200, {}, [SECRET]), "embedder_rubbish"),
    "far too much": (lambda *_: (200, {}, b" " * 3_000_000), "embedder_rubbish"),
    "cut off": (lambda *_: (200, {"Content-Length": "99999"}, b"{"), "embedder_unavailable"),
    "elsewhere": (lambda *_: (307, {"Location": "http://127.0.0.1:9/"}, b""), "embedder_refused"),
    "denied": (lambda *_: (403, {}, {"error": SECRET}), "embedder_refused"),
    "broken": (lambda *_: (500, {}, {"error": SECRET}), "embedder_refused"),
    "always bad": (lambda *_: (400, {}, {"error": SECRET}), "embedder_refused"),
    "limited": (lambda *_: (429, {"Retry-After": "7"}, {"error": SECRET}), "embedder_limited"),
    "overloaded": (lambda *_: (503, {"retry-after-ms": "7000"}, {"error": SECRET}), "embedder_limited"),
}


@pytest.mark.parametrize("kind", SPOILT)
async def test_a_sick_endpoint_is_temporary_and_not_quoted(
    service: Service, embedder: OpenAICompatibleEmbedder, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing wrong gets into an index, and neither texts nor the key into an error or a log."""
    service.spoil, code = SPOILT[kind]
    with caplog.at_level(logging.DEBUG), pytest.raises(Temporary) as caught:
        await embedder.embed([SECRET, "rule two", "rule three"])
    assert caught.value.code == code
    assert caught.value.after_s == 7.0 or code != "embedder_limited"
    told = "".join(traceback.format_exception(caught.value)) + repr(embedder) + _ours(caplog)
    assert "Kowalski" not in told
    assert KEY not in told


def _ours(caplog: pytest.LogCaptureFixture) -> str:
    return "\n".join(record.getMessage() for record in caplog.records)


async def test_one_that_hangs_is_not_waited_for(service: Service) -> None:
    """The whole call has a limit."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/v1"
        async with aclosing(made(service, base_url=url, timeout_s=0.2)) as embedder:
            with pytest.raises(Temporary, match="in time"):
                await embedder.embed(["rule"])


async def test_nobody_there(service: Service) -> None:
    """A closed port, and a host that has no address."""
    for url in ("http://127.0.0.1:9/v1", "http://no-such-host.invalid/v1"):
        async with aclosing(made(service, base_url=url)) as embedder:
            with pytest.raises(Temporary) as caught:
                await embedder.embed(["rule"])
            assert caught.value.code == "embedder_unavailable"


async def test_a_wrong_key_is_told_without_it(service: Service) -> None:
    """It is the operator's trouble, not the documents'."""
    async with aclosing(made(service, api_key=SecretStr("stolen-key"))) as embedder:
        with pytest.raises(Temporary) as caught:
            await embedder.embed(["rule"])
    assert "stolen-key" not in "".join(traceback.format_exception(caught.value))


async def test_one_text_that_is_refused_harms_no_other(service: Service, embedder: OpenAICompatibleEmbedder) -> None:
    """It is found by halving; while a plain word is taken the text is at fault, and is parked."""

    def picky(texts: list[str], right: dict[str, Any]) -> Any:
        return (400, {}, {"error": SECRET}) if any("long" in text for text in texts) else right

    service.spoil = picky
    with pytest.raises(Permanent) as caught:
        await embedder.embed(["a", "b", "a long text", "c"])
    assert caught.value.code == "text_not_embedded"
    assert (await embedder.embed(["a", "b"])).shape == (2, DIMENSION)


def test_chunks_are_measured_by_the_models_own_tokenizer(service: Service, tmp_path: Path) -> None:
    """Which is part of the name then: measured otherwise, texts are cut otherwise."""
    own = tmp_path / "tokenizer.json"
    own.write_text(json.dumps({
        "version": "1.0", "added_tokens": [], "normalizer": None, "pre_tokenizer": {"type": "Whitespace"}, "post_processor": None,
        "decoder": None, "model": {"type": "WordLevel", "vocab": {"[UNK]": 0}, "unk_token": "[UNK]"},
    }))  # fmt: skip
    plain, measured = made(service), made(service, tokenizer=own)
    assert (plain.name, measured.count_tokens("drei kurze Worte")) == (MODEL, 3)
    assert measured.name.startswith(f"{MODEL}+")
    own.write_text("{}")
    with pytest.raises(BelegError) as caught:
        made(service, tokenizer=own)
    assert caught.value.code == "bad_setting"
