"""An OpenAI-compatible endpoint, well and sick, over real HTTP."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator

import httpx
import pytest
from pydantic import SecretStr
from scripted_endpoint import STREAM, Script, dies_after, endpoint, event, hangs_after, says

from rag.adapters.models.openai_compatible import OpenAICompatibleLlm, Prices, Timeouts
from rag.errors import Temporary
from rag.types import Brief, Prompt, Turn, Usage

SECRET_QUESTION = "Wie hoch ist das Gehalt von Erika Mustermann?"
BRIEF = Brief(
    question=SECRET_QUESTION,
    turns=(Turn(role="user", content="Hallo"), Turn(role="assistant", content="Guten Tag.")),
    evidence=(),
    prompt=Prompt(name="p", version="1", template="Nur aus den Passagen."),
    language="de",
    max_tokens=50,
)
FAST = Timeouts(connect_s=1.0, first_token_s=0.3, between_tokens_s=0.3, total_s=5.0)
WELL = (
    event("Es sind "),
    event("30. [1]"),
    event(finish="stop"),
    event(usage={"prompt_tokens": 100, "completion_tokens": 7}),
)
DONE = b"data: [DONE]\n\n"


def llm(base_url: str, *, timeouts: Timeouts = FAST) -> OpenAICompatibleLlm:
    return OpenAICompatibleLlm(
        name="house", endpoint_class="local", model="tiny", base_url=base_url, prices=Prices(prompt=1.0, completion=10.0),
        api_key=SecretStr("sk-very-secret"), timeouts=timeouts, max_tokens=40,
    )  # fmt: skip


async def collect(stream: AsyncIterator[str | Usage], seen: list[str | Usage]) -> None:
    async for piece in stream:
        seen.append(piece)  # noqa: PERF401  what came before an error must be kept


async def drafted(script: Script, *, timeouts: Timeouts = FAST) -> list[str | Usage]:
    async with endpoint(script) as server:
        model = llm(server.base_url, timeouts=timeouts)
        try:
            return [piece async for piece in model.draft(BRIEF)]
        finally:
            await model.aclose()


async def test_a_stream_is_read_piece_by_piece_with_the_endpoints_own_count() -> None:
    """Text comes as it was sent, usage as the endpoint counted it, cost as the operator priced it."""
    pieces = await drafted(says(STREAM, *WELL, DONE))
    assert pieces == ["Es sind ", "30. [1]", Usage(prompt_tokens=100, completion_tokens=7)]
    assert llm("http://x/v1").cost_usd(Usage(prompt_tokens=100, completion_tokens=7)) == pytest.approx(0.00017)


@pytest.mark.parametrize("size", [1, 2, 7, 64])
async def test_it_does_not_matter_how_the_bytes_are_cut(size: int) -> None:
    """Lines and letters of several bytes may be split anywhere."""
    body = b": ping\r\n\r\n" + event("Größe ") + event("für 5 €") + event(finish="stop") + DONE
    pieces = await drafted(says(STREAM, *(body[at : at + size] for at in range(0, len(body), size))))
    assert pieces[:-1] == ["Größe ", "für 5 €"]


async def test_usage_is_estimated_where_the_endpoint_does_not_count() -> None:
    """An endpoint that does not count is not free."""
    usage = (await drafted(says(STREAM, event("x" * 40), event(finish="stop"), DONE)))[-1]
    assert isinstance(usage, Usage)
    assert usage.completion_tokens == 10
    assert usage.prompt_tokens > 20


@pytest.mark.parametrize("count", [10**30, -1, "7", None, 1.5])
async def test_a_count_that_is_none_is_not_believed(count: object) -> None:
    """What fits into no account is estimated instead."""
    absurd = event(usage={"prompt_tokens": 1, "completion_tokens": count})  # type: ignore[dict-item]  # rubbish on purpose
    usage = (await drafted(says(STREAM, event("x" * 40), event(finish="stop"), absurd, DONE)))[-1]
    assert isinstance(usage, Usage)
    assert usage.completion_tokens == 10


async def test_an_empty_answer_that_was_counted_is_told() -> None:
    """Thinking in silence costs too: the endpoint's own count comes before the error."""
    seen: list[str | Usage] = []
    async with endpoint(says(STREAM, event(finish="stop"), WELL[-1], DONE)) as server:
        model = llm(server.base_url)
        with pytest.raises(Temporary):
            await collect(model.draft(BRIEF), seen)
        await model.aclose()
    assert seen == [Usage(prompt_tokens=100, completion_tokens=7)]


async def test_the_request_is_what_the_brief_says() -> None:
    """Model, conversation, question, the smaller of both token limits, and the key as a bearer token."""
    async with endpoint(says(STREAM, *WELL, DONE)) as server:
        model = llm(server.base_url)
        _ = [piece async for piece in model.draft(BRIEF)]
        await model.aclose()
    (body,), (headers,) = server.requests, server.headers
    assert [message["role"] for message in body["messages"]] == ["system", "user", "assistant", "user"]
    assert body["messages"][-1]["content"] == SECRET_QUESTION
    assert (body["model"], body["max_tokens"], body["stream"]) == ("tiny", 40, True)
    assert headers["authorization"] == "bearer sk-very-secret"
    assert headers["request"] == "POST /v1/chat/completions HTTP/1.1"


def whole(status: str, body: bytes, kind: str = "text/html", extra: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\n{extra}content-length: {len(body)}\r\n\r\n".encode() + body


ECHO = SECRET_QUESTION.encode()
SICKNESSES = {
    "silence": (hangs_after(), "endpoint_timeout"),
    "silence after the head": (hangs_after(STREAM), "endpoint_timeout"),
    "only pings": (hangs_after(STREAM, b": ping\n\n", b": ping\n\n"), "endpoint_timeout"),
    "hangs in the middle": (hangs_after(STREAM, event("Es ")), "endpoint_timeout"),
    "reset in the middle": (dies_after(STREAM, event("Es ")), "endpoint_died"),
    "reset at once": (dies_after(), "endpoint_died"),
    "ends without an end": (says(STREAM, event("Es ")), "endpoint_died"),
    "done without a word": (says(STREAM, DONE), "endpoint_died"),
    "not HTTP": (says(b"SSH-2.0-OpenSSH_9.2\r\n"), "endpoint_died"),
    "web page": (says(whole("200 OK", b"<html>" + ECHO)), "endpoint_rubbish"),
    "no stream": (says(whole("200 OK", b"{}", "application/json")), "endpoint_rubbish"),
    "no JSON": (says(STREAM, b"data: {oops " + ECHO + b"\n\n"), "endpoint_rubbish"),
    "another JSON": (says(STREAM, b'data: ["choices"]\n\n'), "endpoint_rubbish"),
    "no choices": (says(STREAM, b'data: {"error": {"message": "' + ECHO + b'"}}\n\n'), "endpoint_rubbish"),
    "choices that are none": (says(STREAM, b'data: {"choices": [7]}\n\n'), "endpoint_rubbish"),
    "content that is no text": (
        says(STREAM, b'data: {"choices": [{"delta": {"content": 7}}]}\n\n'),
        "endpoint_rubbish",
    ),
    "half a character": (
        says(STREAM, b'data: {"choices": [{"delta": {"content": "\\ud83d"}}]}\n\n'),
        "endpoint_rubbish",
    ),
    "nested without end": (says(STREAM, b"data: " + b"[" * 200_000 + b"\n\n"), "endpoint_rubbish"),
    "no word": (says(STREAM, event(finish="stop"), DONE), "endpoint_empty"),
    "only blanks": (says(STREAM, event(" \n"), event(finish="stop"), DONE), "endpoint_empty"),
    "a tool call": (
        says(STREAM, b'data: {"choices": [{"delta": {"tool_calls": [{}]}, "finish_reason": "tool_calls"}]}\n\n'),
        "endpoint_empty",
    ),
    "more than it was asked for": (
        says(STREAM, *[event("und so fort ")] * 60, event(finish="stop"), DONE),
        "endpoint_endless",
    ),
    "a line without end": (says(STREAM, *[b"data: " + b"x" * 65536] * 20), "endpoint_rubbish"),
    "bad request": (says(whole("400 Bad Request", ECHO)), "endpoint_status"),
    "wrong key": (says(whole("401 Unauthorized", ECHO)), "endpoint_status"),
    "overloaded": (says(whole("503 Service Unavailable", ECHO, extra="retry-after: 20\r\n")), "endpoint_status"),
    "sent elsewhere": (
        says(whole("307 Temporary Redirect", b"", extra="location: http://127.0.0.1:1/\r\n")),
        "endpoint_status",
    ),
}


@pytest.mark.parametrize("name", SICKNESSES)
async def test_every_sickness_is_one_clear_error(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """`Temporary` with a stable code; not a word of the body, the question or the key in error or log."""
    caplog.set_level(logging.DEBUG)
    script, code = SICKNESSES[name]
    with pytest.raises(Temporary) as caught:
        await drafted(script)
    assert caught.value.code == code
    told = f"{caught.value} {caught.value!r} {caught.value.__cause__!r} {caplog.text}"
    assert "Mustermann" not in told
    assert "sk-very-secret" not in told


async def test_a_busy_endpoint_tells_when_to_come_back() -> None:
    """`Retry-After` is handed on, within bounds."""
    with pytest.raises(Temporary) as caught:
        await drafted(SICKNESSES["overloaded"][0])
    assert caught.value.after_s == 20


async def test_what_was_used_before_it_died_is_told() -> None:
    """A stream that dies half way still costs: the estimate comes before the error."""
    seen: list[str | Usage] = []
    async with endpoint(dies_after(STREAM, event("x" * 40))) as server:
        model = llm(server.base_url)
        with pytest.raises(Temporary):
            await collect(model.draft(BRIEF), seen)
        await model.aclose()
    assert isinstance(seen[-1], Usage)
    assert seen[-1].completion_tokens == 10


async def test_nobody_listens() -> None:
    """A closed port is an endpoint that cannot be reached."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, not listening
        model = llm(f"http://127.0.0.1:{taken.getsockname()[1]}/v1")
        with pytest.raises(Temporary) as caught:
            _ = [piece async for piece in model.draft(BRIEF)]
        await model.aclose()
    assert caught.value.code == "endpoint_unreachable"


async def test_a_drip_of_tokens_ends_at_the_limit_of_all() -> None:
    """An endpoint that always says a little more cannot hold a request for ever."""

    async def drips(writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM)
        while True:
            writer.write(event("x"))
            await writer.drain()
            await asyncio.sleep(0.02)

    with pytest.raises(Temporary) as caught:
        await drafted(drips, timeouts=Timeouts(connect_s=1, first_token_s=1, between_tokens_s=1, total_s=0.4))
    assert caught.value.code == "endpoint_timeout"


async def test_whoever_hangs_up_closes_the_connection() -> None:
    """When the asker is gone, the endpoint is told to stop."""
    gone = asyncio.Event()

    async def talks(writer: asyncio.StreamWriter) -> None:
        writer.write(STREAM)
        try:
            while True:
                writer.write(event("x"))
                await writer.drain()
                await asyncio.sleep(0.01)
        except ConnectionError:
            gone.set()

    async with endpoint(talks) as server:
        model = llm(server.base_url)
        stream = model.draft(BRIEF)
        assert await anext(stream) == "x"
        await stream.aclose()  # type: ignore[attr-defined]  # the generator behind the port
        await asyncio.wait_for(gone.wait(), 5)
        await model.aclose()


def test_the_key_is_in_no_repr() -> None:
    """Neither the adapter nor its client show the key."""
    model = llm("http://127.0.0.1:1/v1")
    assert "sk-very-secret" not in repr(model) + repr(model.__dict__)


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the operator's base URL says where evidence goes."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    client = llm("http://example.invalid/v1")._client
    assert isinstance(client, httpx.AsyncClient)
    assert not client._mounts
