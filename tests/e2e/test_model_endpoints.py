"""A model endpoint that hangs, dies, talks rubbish or leaks, behind a whole running instance."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.e2e.besieged import WHARF, Besieged
from tests.e2e.instance import wait_until
from tests.e2e.scripted_model import LEAK

QUESTION = "Wie viel hebt der Hafenkran Nordstern?"
FACT = "Der Hafenkran Nordstern hebt höchstens 63 Tonnen."

SICK_AT_ONCE = (
    "hangs",
    "hangs_after_the_headers",
    "drips_without_a_token",
    "dies_at_once",
    "answers_with_a_page",
    "answers_without_json",
    "answers_with_another_schema",
    "answers_with_a_list_as_text",
    "answers_with_half_a_character",
    "answers_in_one_piece",
    "answers_deeply_nested",
    "answers_without_an_end_of_line",
    "answers_with_a_gzip_bomb",
    "answers_nothing",
    "answers_with_a_tool_call",
    "sends_an_error_in_the_stream",
    "fails_with_500",
    "fails_with_401",
    "is_busy",
    "redirects",
)
"""Before the first word: the next endpoint that the policy allows answers."""
SICK_IN_THE_MIDDLE = {
    "hangs_in_the_middle": "endpoint_timeout",
    "dies_in_the_middle": "endpoint_died",
    "dies_after_a_sentence": "endpoint_died",
    "answers_without_an_end": "endpoint_endless",
}
"""After it: an error, because two half drafts would be an answer that nobody gave."""


@dataclass
class Told:
    """What a caller got, whole or as a stream. `text` is what a chat window would show."""

    request_id: str
    status: int
    text: str
    error: dict[str, Any] | None
    receipt: dict[str, Any] | None


def ask(house: Besieged, *, model: str, stream: bool, question: str = QUESTION) -> Told:
    reply = house.ask(WHARF, question, model=model, stream=stream)
    request_id = reply.headers["x-request-id"]
    assert LEAK[:30] not in reply.text
    if not reply.headers["content-type"].startswith("text/event-stream"):
        body = reply.json()
        if "error" in body:
            return Told(request_id, reply.status_code, "", body["error"], None)
        return Told(request_id, reply.status_code, body["choices"][0]["message"]["content"], None, body["beleg"])
    events = [json.loads(line[6:]) for line in reply.text.splitlines() if line.startswith("data: {")]
    error = events[-1].get("error")
    assert (error is None) == reply.text.endswith("data: [DONE]\n\n"), "an error ends the stream, [DONE] an answer"
    text = "".join(e["choices"][0]["delta"].get("content") or "" for e in events if e.get("choices"))
    receipt = next((e["beleg"] for e in events if "beleg" in e), None)
    return Told(request_id, reply.status_code, text, error, receipt)


def require_error(error: dict[str, Any] | None, code: str) -> None:
    """OpenAI's shape, our code, and nothing of how the inside looks."""
    assert error is not None
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["code"], error["type"]) == (code, "server_error")
    assert "127.0.0.1" not in error["message"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_well_one_answers_with_citations(house: Besieged, *, stream: bool) -> None:
    """The model's own words, verified; its own count is what is paid."""
    house.model.behaves("well")
    before = house.money("model-only")
    told = ask(house, model="model-only", stream=stream)
    assert told.text.strip() == f"{FACT} [1]"
    assert told.receipt is not None
    assert told.receipt["endpoint"] == "local:scripted-1"
    assert told.receipt["citations"][0]["quote"] == FACT
    after = house.money("model-only")
    assert (after[0] - before[0], after[1:]) == (200_000, (0, 0))  # 1000 x 100 + 100 x 1000 dollars per million


@pytest.mark.parametrize("behaviour", SICK_AT_ONCE)
def test_one_that_is_sick_gives_way_to_the_next(house: Besieged, behaviour: str) -> None:
    """Whatever it does before its first word, the extractive endpoint answers, and the record says which one did."""
    house.model.behaves(behaviour)
    told = ask(house, model="modelled", stream=False)
    assert (told.status, told.text.strip()) == (200, f"{FACT} [1]")
    assert len(house.model.asked) == 1
    assert house.model.elsewhere == [], "a redirect was followed"
    outcome, facts = house.audited(told.request_id)
    assert (outcome, facts["endpoint"]) == ("answered", "extractive:extractive-1")
    assert house.money("modelled")[1:] == (0, 0)


@pytest.mark.parametrize("behaviour", SICK_AT_ONCE)
def test_one_that_is_sick_and_alone_is_a_clear_error(house: Besieged, behaviour: str) -> None:
    """503 in OpenAI's shape, also where a stream was asked for; nothing stays reserved, and a row tells it."""
    house.model.behaves(behaviour)
    told = ask(house, model="model-only", stream=True)
    assert told.status == 503
    require_error(told.error, "no_endpoint")
    outcome, facts = house.audited(told.request_id)
    assert (outcome, facts["error"]) == ("failed", "no_endpoint")
    assert house.money("model-only")[1:] == (0, 0)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("behaviour", SICK_IN_THE_MIDDLE)
def test_one_that_breaks_off_is_an_error(house: Besieged, behaviour: str, *, stream: bool) -> None:
    """No half sentence is shown as a claim, no other model goes on; what was used is paid, nothing stays reserved."""
    house.model.behaves(behaviour)
    before = house.money("modelled")
    told = ask(house, model="modelled", stream=stream)
    require_error(told.error, SICK_IN_THE_MIDDLE[behaviour])
    assert told.text.strip() == (f"{FACT} [1]" if stream and behaviour == "dies_after_a_sentence" else "")
    assert told.status == (200 if told.text else 503)
    outcome, facts = house.audited(told.request_id)
    assert (outcome, facts["error"], facts["endpoint"]) == ("failed", SICK_IN_THE_MIDDLE[behaviour], "local:scripted-1")
    after = house.money("modelled")
    assert after[0] - before[0] >= round(facts["cost_usd"] * 1_000_000) > 0
    assert after[1:] == (0, 0)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("behaviour", ["invents_citations", "leaks"])
def test_what_no_document_says_is_not_said(house: Besieged, behaviour: str, *, stream: bool) -> None:
    """Invented sentences and personal data that no passage holds are dropped; a true sentence gets its true number."""
    house.model.behaves(behaviour)
    told = ask(house, model="model-only", stream=stream)
    assert told.text.strip() == f"{FACT} [1]"
    assert told.receipt is not None
    assert [c["number"] for c in told.receipt["citations"]] == [1]
    assert house.audited(told.request_id)[1]["dropped_claims"] >= 2


def test_a_caller_who_leaves_ends_the_models_work(house: Besieged) -> None:
    """In mid-stream: the endpoint's connection is closed, the reservation settled, the row written."""
    house.model.behaves("talks_for_ever")
    body = {"model": "model-only", "stream": True, "messages": [{"role": "user", "content": QUESTION}]}
    with httpx.stream(
        "POST", f"{house.url}/v1/chat/completions", headers=house.header(WHARF), json=body, timeout=30
    ) as reply:
        request_id = reply.headers["x-request-id"]
        next(reply.iter_bytes())
    assert house.model.was_left.wait(10)
    wait_until(lambda: house.money("model-only")[1:] == (0, 0))
    assert house.audited(request_id)[0] == "failed"


def test_nothing_that_the_model_said_is_kept(house: Besieged) -> None:
    """Neither the personal data that it let slip nor the rest of its rubbish stands in any file of the instance."""
    assert house.kept() == []
