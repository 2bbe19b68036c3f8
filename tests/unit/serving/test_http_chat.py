"""OpenAI's chat shapes: whole and streamed, with citations, usage and errors where clients look for them."""

from __future__ import annotations

import json

import pytest
from serving_scene import BILL, HOTEL, USER, Client, bearer

from rag.errors import Permanent, Refused, Temporary
from serving.errors import BadRequest

QUESTION = "Wie hoch sind Hotelkosten?"


def events(body: str) -> list[dict | str]:
    lines = [line.removeprefix("data: ") for line in body.split("\n") if line.startswith("data: ")]
    return [line if line == "[DONE]" else json.loads(line) for line in lines]


async def test_a_whole_answer_has_openais_shape_and_points_at_its_passages(client: Client) -> None:
    """Annotations cut the claim out of the content; `beleg` has the quote, its span, page and boxes."""
    reply = (await client.ask(QUESTION)).json()
    message = reply["choices"][0]["message"]
    assert (reply["object"], reply["model"], reply["choices"][0]["finish_reason"]) == (
        "chat.completion",
        "assistant",
        "stop",
    )
    cut = [
        message["content"][a["url_citation"]["start_index"] : a["url_citation"]["end_index"]]
        for a in message["annotations"]
    ]
    assert cut[0] == HOTEL
    assert cut[2] == BILL
    third = reply["beleg"]["citations"][2]
    policy = client.world.documents["policy"]
    assert third["quote"] == policy.text[third["quote_start"] : third["quote_end"]] == BILL
    assert (third["number"], third["page"], third["document"]) == (3, 2, policy.document.uri)
    assert third["places"][0]["box"]["right"] > third["places"][0]["box"]["left"]
    assert reply["usage"]["total_tokens"] == reply["usage"]["prompt_tokens"] + reply["usage"]["completion_tokens"]
    assert set(reply["beleg"]) >= {
        "outcome",
        "release",
        "recipe",
        "epoch",
        "endpoint",
        "decisions",
        "language",
        "request_id",
        "dropped_claims",
        "cost_usd",
    }


async def test_what_is_streamed_is_what_is_returned(client: Client) -> None:
    """Content, annotations, receipt and usage of the stream equal those of the whole answer."""
    whole = (await client.ask(QUESTION)).json()
    reply = await client.ask(QUESTION, stream=True, stream_options={"include_usage": True})
    assert reply.headers["content-type"].startswith("text/event-stream")
    *chunks, last, done = events(reply.text)
    assert done == "[DONE]"
    assert last["choices"] == []
    assert last["usage"] == whole["usage"]
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert "".join(d.get("content", "") for d in deltas) == whole["choices"][0]["message"]["content"]
    assert deltas[0]["role"] == "assistant"
    assert deltas[-1]["annotations"] == whole["choices"][0]["message"]["annotations"]
    assert [c["choices"][0]["finish_reason"] for c in chunks] == [None] * (len(chunks) - 1) + ["stop"]
    assert all(chunk["usage"] is None for chunk in chunks)
    drop = lambda beleg: {k: v for k, v in beleg.items() if k != "request_id"}  # noqa: E731
    assert drop(chunks[-1]["beleg"]) == drop(whole["beleg"])


async def test_usage_comes_only_when_asked_for(client: Client) -> None:
    """Without `stream_options` no chunk knows usage, and each has a choice."""
    reply = await client.ask(QUESTION, stream=True)
    assert all(chunk["choices"] and "usage" not in chunk for chunk in events(reply.text)[:-1])


async def test_the_request_id_is_the_questions_id(client: Client) -> None:
    """A caller's own `x-request-id` is not taken over; ours is on the reply, in the receipt and in the chain."""
    body = {"model": "assistant", "messages": [{"role": "user", "content": QUESTION}]}
    headers = bearer(USER) | {"x-request-id": "mine", "traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
    reply = await client.post("/v1/chat/completions", json=body, headers=headers)
    assert (
        reply.headers["x-request-id"]
        == reply.json()["beleg"]["request_id"]
        == client.world.chain.asked[-1].id
        != "mine"
    )


async def test_follow_ups_carry_the_conversation(client: Client) -> None:
    """Earlier turns reach the chain in order; parts are joined, developer counts as system."""
    messages = [
        {"role": "developer", "content": "Kurz."},
        {"role": "user", "content": [{"type": "text", "text": "Hotel?"}]},
        {"role": "assistant", "content": "130 Euro [1]"},
        {"role": "user", "content": [{"type": "text", "text": "Und in"}, {"type": "text", "text": "Berlin?"}]},
    ]
    await client.post("/v1/chat/completions", json={"model": "assistant", "messages": messages}, headers=bearer(USER))
    turns = client.world.chain.asked[-1].turns
    assert [turn.role for turn in turns] == ["system", "user", "assistant", "user"]
    assert turns[-1].content == "Und in\nBerlin?"


@pytest.mark.parametrize(
    ("asked", "outcome", "finish"),
    [("Wer gewinnt?", "not_answered", "stop"), ("Was hat der Patient?", "blocked_input", "content_filter")],
)
async def test_an_outcome_without_an_answer_is_told(client: Client, asked: str, outcome: str, finish: str) -> None:
    """Not answered ends like any answer; what the guard withheld ends as OpenAI's content filter."""
    reply = (await client.ask(asked)).json()
    assert (reply["beleg"]["outcome"], reply["choices"][0]["finish_reason"]) == (outcome, finish)
    assert reply["beleg"]["citations"] == []


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (Refused("policy", "No endpoint may see this."), 403, "permission_error"),
        (Refused("audit.unavailable", "No record can be written."), 503, "server_error"),
        (Temporary("no_endpoint", "No endpoint answers.", after_s=2.1), 503, "server_error"),
        (BadRequest("odd_input", "This cannot be asked."), 400, "invalid_request_error"),
        (Permanent("library.unreadable", "A stored text is damaged."), 500, "server_error"),
        (Permanent("index_profile_mismatch", "The index was built with another embedder."), 503, "server_error"),
    ],
)
async def test_an_error_before_the_first_piece_has_its_own_status(
    client: Client, error: Exception, status: int, kind: str, stream: bool
) -> None:
    """Streaming or not, the caller sees a status and OpenAI's error form; nothing is charged."""
    client.world.chain.fails_with = error
    reply = await client.ask(QUESTION, stream=stream)
    assert (reply.status_code, reply.json()["error"]["type"], reply.json()["error"]["code"]) == (
        status,
        kind,
        error.code,
    )
    assert reply.headers.get("retry-after") == ("3" if isinstance(error, Temporary) else None)
    assert list(client.world.budget.settled.values()) == [0.0]


async def test_an_error_in_mid_stream_is_an_event(client: Client) -> None:
    """The pieces, then one error event, no [DONE]; the reservation is settled in full because the bill is unknown."""
    found = events((await client.ask("Das bricht ab", stream=True)).text)
    assert found[-1]["error"]["code"] == "no_endpoint"
    assert HOTEL in found[1]["choices"][0]["delta"]["content"]
    assert "[DONE]" not in found
    assert list(client.world.budget.settled.values()) == [0.01]


@pytest.mark.parametrize("stream", [False, True])
async def test_what_nobody_foresaw_says_nothing_of_its_cause(client: Client, stream: bool) -> None:
    """A vendor's exception that repeats the question does not reach the caller."""
    reply = await client.ask("platzt mit Geheimnis-4711", stream=stream)
    error = events(reply.text)[-1]["error"] if stream else reply.json()["error"]
    assert error["code"] == "internal_error"
    assert "4711" not in reply.text.split("error")[-1]
    assert list(client.world.budget.settled.values()) == [0.01]
