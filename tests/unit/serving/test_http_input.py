"""Bad input, tried: each a clear error in the right form, nothing reaches the chain."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable

import pytest
from serving_scene import USER, Client, bearer

from serving.settings import Limits

JSON = {"content-type": "application/json"}


def chat(**other: object) -> bytes:
    body = {"model": "assistant", "messages": [{"role": "user", "content": "Hotel?"}], **other}
    return json.dumps({k: v for k, v in body.items() if v is not ...}).encode()


def said(content: object, role: str = "user") -> bytes:
    return chat(messages=[{"role": role, "content": content}])


BAD = {
    "no body": (b"", 400),
    "no JSON": (b"hello", 400),
    "half JSON": (b'{"model": "assistant", "messages": [', 400),
    "binary": (bytes(range(256)) * 4, 400),
    "invalid UTF-8": (b'{"model": "assistant", "messages": [{"role": "user", "content": "\xff\xfe"}]}', 400),
    "a lone surrogate": (b'{"model": "assistant", "messages": [{"role": "user", "content": "\\ud800"}]}', 400),
    "deep JSON": (b'{"a":' * 20_000 + b"1" + b"}" * 20_000, 400),
    "deep list": (b"[" * 100_000, 400),
    "a list": (b"[]", 400),
    "a number": (b"1e999", 400),
    "null": (b"null", 400),
    "no model": (chat(model=...), 400),
    "a model that is a number": (chat(model=7), 400),
    "an endless model": (chat(model="m" * 1000), 400),
    "an unknown use case": (chat(model="gpt-4o"), 404),
    "a path as a model": (chat(model="../../etc/passwd"), 404),
    "no messages": (chat(messages=[]), 400),
    "messages that are text": (chat(messages="Hotel?"), 400),
    "an unknown role": (said("Hotel?", role="root"), 400),
    "the last word to the assistant": (said("Hotel?", role="assistant"), 400),
    "only a system prompt": (said("Hotel?", role="system"), 400),
    "a tool's message": (chat(messages=[{"role": "tool", "content": "x"}, {"role": "user", "content": "y"}]), 400),
    "empty": (said(""), 400),
    "null content": (said(None), 400),
    "no parts": (said([]), 400),
    "blank": (said(" \n\t\u00a0 "), 400),
    "only NUL": (said("\0\0"), 400),
    "only what cannot be seen": (said("\u200b\ufeff\u202e\x07\x1b"), 400),
    "a number as content": (said(42), 400),
    "an image": (said([{"type": "image_url", "image_url": {"url": "http://169.254.169.254/"}}]), 400),
    "a text part without text": (said([{"type": "text"}]), 400),
    "huge question": (said("ä" * 8_001), 413),
    "huge conversation": (chat(messages=[{"role": "user", "content": "x" * 8_000}] * 9), 413),
    "endless conversation": (chat(messages=[{"role": "user", "content": "x"}] * 201), 413),
    "huge body": (said("x" * 300_000), 413),
    "two answers": (chat(n=2), 400),
    "tools": (chat(tools=[{"type": "function", "function": {"name": "f"}}]), 400),
    "functions": (chat(functions=[{"name": "f"}]), 400),
    "JSON mode": (chat(response_format={"type": "json_object"}), 400),
    "audio": (chat(modalities=["text", "audio"], audio={"voice": "x", "format": "mp3"}), 400),
    "logprobs": (chat(logprobs=True), 400),
    "stop words": (chat(stop=["\n"]), 400),
    "as of nothing": (chat(beleg={"as_of": ""}), 400),
    "as of a number": (chat(beleg={"as_of": 20260301}), 400),
    "as of a day that is none": (chat(beleg={"as_of": "2026-02-30"}), 400),
    "as of an endless day": (chat(beleg={"as_of": "2" * 10_000}), 400),
    "as of the future": (chat(beleg={"as_of": "2999-01-01"}), 400),
    "a field of ours that is none": (chat(beleg={"asof": "2026-03-01"}), 400),
    "ours as text": (chat(beleg="2026-03-01"), 400),
    "no tokens": (chat(max_tokens=0), 400),
    "negative tokens": (chat(max_completion_tokens=-5), 400),
    "a stream that is text": (chat(stream="maybe"), 400),
}


@pytest.mark.parametrize("name", BAD)
async def test_bad_input_is_refused_in_openais_form(client: Client, name: str) -> None:
    """Type, code and one sentence; the chain is not asked, nothing is reserved, the input is not repeated."""
    body, status = BAD[name]
    reply = await client.post("/v1/chat/completions", content=body, headers=bearer(USER) | JSON)
    error = reply.json()["error"]
    assert reply.status_code == status, error
    assert error["type"] == "invalid_request_error"
    assert error["code"]
    assert error["message"].endswith((".", "lists those that there are."))
    assert len(error["message"]) < 300
    assert "169.254" not in reply.text
    assert client.world.chain.asked == []
    assert client.world.budget.reserved == {}


async def test_what_clients_send_along_is_let_pass(client: Client) -> None:
    """Sampling settings, metadata and fields of tomorrow do not hurt an answer."""
    reply = await client.ask(
        "Hotel?", temperature=0.2, top_p=1, seed=1, user="u", metadata={"a": "b"}, store=False, n=1, tools=None, presence_penalty=0,
        parallel_tool_calls=True, response_format={"type": "text"}, logprobs=False, stop=None, field_of_tomorrow={"x": 1}, max_tokens=99,
    )  # fmt: skip
    assert reply.status_code == 200
    assert client.world.chain.asked[-1].max_tokens == 99


async def test_a_form_is_told_to_be_json(client: Client) -> None:
    """The commonest slip with curl has its own sentence."""
    reply = await client.post(
        "/v1/chat/completions",
        content=chat(),
        headers=bearer(USER) | {"content-type": "application/x-www-form-urlencoded"},
    )
    assert (reply.status_code, reply.json()["error"]["code"]) == (415, "not_json")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"query": ""}, 400),
        ({"query": "x" * 9000}, 413),
        ({"query": "x", "limit": 0}, 400),
        ({"query": "x", "limit": 51}, 400),
        ({"query": ["x"]}, 400),
        ({}, 400),
    ],
)
async def test_a_bad_search_is_refused(client: Client, body: dict, status: int) -> None:
    """The same rules hold for the evidence alone."""
    reply = await client.post("/v1/search", json={"model": "assistant", **body}, headers=bearer(USER))
    assert reply.status_code == status
    assert client.world.chain.asked == []


async def test_a_search_gives_passages_with_their_places(client: Client) -> None:
    """`limit` results, best first, each with the document's URI, text, score and citation."""
    reply = (
        await client.post("/v1/search", json={"model": "assistant", "query": "Hotel", "limit": 2}, headers=bearer(USER))
    ).json()
    assert len(reply["results"]) == 2
    first = reply["results"][0]
    assert first["document"] == first["citation"]["document"] == client.world.documents["policy"].document.uri
    assert first["score"] > reply["results"][1]["score"]
    assert (
        first["text"][first["citation"]["quote_start"] : first["citation"]["quote_end"]] == first["citation"]["quote"]
    )


async def test_a_body_without_announced_length_is_stopped_at_the_cap(client: Client) -> None:
    """Chunked bodies are counted, not believed."""
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(1_000):
            read += 65_536
            yield b"x" * 65_536

    reply = await client.post("/v1/chat/completions", content=endless(), headers=bearer(USER) | JSON)
    assert (reply.status_code, reply.json()["error"]["code"]) == (413, "body_too_large")
    assert read < 1_000_000


async def test_a_body_that_never_ends_is_given_up(opened: Callable) -> None:
    """A caller who trickles is not waited for."""
    client = await opened(limits=Limits(body_patience_s=0.05))

    async def trickle() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.sleep(30)
        yield b"}"

    reply = await client.post("/v1/chat/completions", content=trickle(), headers=bearer(USER) | JSON)
    assert reply.status_code == 408


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1@evil.example", "beleg.test\\evil", "", "x" * 3000, "[::1"])
@pytest.mark.parametrize(
    "path",
    ["/", "/v1/models", "/v1/models/", "/v1/search/", "//evil.example", "/static/..%2f..%2fapp.py", "/sources/a/b"],
)
async def test_a_hostile_host_bends_nothing(client: Client, host: str, path: str) -> None:
    """No redirect, no echo, no file from outside the page's folder, and never an answer without a key."""
    reply = await client.get(
        f"http://beleg.test{path}",
        headers={"host": host, "x-forwarded-host": "evil.example", "x-forwarded-user": "otto"},
    )
    assert reply.status_code in {200, 401, 404}
    assert "location" not in reply.headers
    assert "evil" not in reply.text
    assert "create_app" not in reply.text
    if path.startswith("/v1"):
        assert reply.status_code == 401
    known = await client.get(f"http://beleg.test{path}", headers={"host": host} | bearer(USER))
    assert "location" not in known.headers, "a redirect would be built from the Host header"


@pytest.mark.parametrize("path", ["/", "/docs", "/sources/a/b", "/static/chat.js", "/v1/models", "/nowhere"])
async def test_every_reply_has_the_headers_that_browsers_obey(client: Client, path: str) -> None:
    """No inline script, no framing, no sniffing, no referrer; also on errors."""
    reply = await client.get(path)
    policy = reply.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert (reply.headers["x-content-type-options"], reply.headers["referrer-policy"]) == ("nosniff", "no-referrer")
    assert reply.headers["cache-control"] == ("no-cache" if path.startswith("/static/") else "no-store")
    assert reply.headers["x-request-id"]


@pytest.mark.parametrize("name", ["chat.html", "source.html", "docs.html"])
def test_pages_call_nobody_and_hold_no_inline_script(name: str) -> None:
    """The page works on a machine that reaches nothing but this server."""
    import re

    from serving.pages import FOLDER

    files = [FOLDER / name, *(FOLDER / "static").glob("*.js"), *(FOLDER / "static").glob("*.css")]
    for file in files:
        text = file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://|//cdn|@import", text), file
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text), file
    html = (FOLDER / name).read_text(encoding="utf-8")
    assert not re.search(r"<script(?![^>]*src=)|\son\w+=|style=", html)


async def test_outside_v1_errors_are_problem_details(client: Client) -> None:
    """RFC 9457 for everybody who is no OpenAI client."""
    reply = await client.get("/healthz/no")
    assert reply.status_code == 401
    reply = await client.post("/healthz")
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json()["status"] == reply.status_code == 405


async def test_the_description_is_complete(client: Client) -> None:
    """Every operation has a summary, a tag and error forms; the questions have examples."""
    api = (await client.get("/openapi.json")).json()
    for path, item in api["paths"].items():
        for operation in item.values():
            assert operation["summary"], path
            assert operation["tags"], path
            if path.startswith("/v1"):
                assert operation["security"] == [{"HTTPBearer": []}], path
    for name in ("ChatRequest", "SearchRequest"):
        assert api["components"]["schemas"][name]["examples"]
