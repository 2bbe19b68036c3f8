"""Nothing that anybody wrote, and no key, stands in a log: not at DEBUG, not in an exception."""

from __future__ import annotations

import logging

import pytest
from serving_scene import HOTEL, USER, Client, bearer

CANARY = "Kanarienvogel-4711"


async def test_no_text_and_no_key_in_any_log(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """Canaries in every field, through answers, refusals, bad input and crashes."""
    caplog.set_level(logging.DEBUG)
    for question in ("Hotel", "platzt", "bricht ab", "Patient", "wer", "hostile"):
        for stream in (True, False):
            await client.ask(f"{question} {CANARY}", stream=stream, user=CANARY)
    await client.ask([{"type": CANARY, "text": CANARY}])
    await client.ask(CANARY, model=CANARY)
    await client.ask(CANARY, token=f"blg_{CANARY}")
    await client.post("/v1/chat/completions", content=f'{{"model": "{CANARY}"'.encode(), headers=bearer(USER))
    await client.post("/v1/search", json={"model": "assistant", "query": CANARY, "limit": CANARY}, headers=bearer(USER))
    client.world.keys.fails_with = ValueError(CANARY)
    await client.ask(CANARY)
    told = [
        str(value)
        for record in caplog.records
        if record.name != "httpx"
        for value in (record.getMessage(), *vars(record).values(), record.exc_text)
    ]
    assert any("http.request" in line for line in told)
    assert any("http.failed" in line for line in told)
    for secret in (CANARY, USER, HOTEL):
        assert not [line for line in told if secret in line]


async def test_a_request_leaves_one_line_that_finds_it_again(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """Id, trace, route, status and time."""
    caplog.set_level(logging.INFO)
    headers = bearer(USER) | {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
    reply = await client.get("/v1/models/assistant", headers=headers)
    (line,) = [record for record in caplog.records if record.msg == "http.request"]
    assert (line.request, line.trace, line.status) == (reply.headers["x-request-id"], "a" * 32, 200)
    assert line.route == "/v1/models/{name}"


@pytest.mark.parametrize(
    "value",
    ["", "garbage", f"00-{'0' * 32}-{'b' * 16}-01", f"00-{'A' * 32}-{'b' * 16}-01", f"00-{'a' * 32}-{'b' * 16}-01-x\n"],
)
async def test_a_malformed_trace_is_none(client: Client, caplog: pytest.LogCaptureFixture, value: str) -> None:
    """What is not W3C's form is dropped, not logged."""
    caplog.set_level(logging.INFO)
    await client.get(
        "/v1/models", headers=[(b"authorization", f"Bearer {USER}".encode()), (b"traceparent", value.encode())]
    )
    (line,) = [record for record in caplog.records if record.msg == "http.request"]
    assert line.trace is None
