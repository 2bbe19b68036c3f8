"""An audit row in words: everything that decided is named, nothing is invented."""

from __future__ import annotations

from dataclasses import replace

import pytest
from state_values import NOON

from rag.explain import explain
from rag.types import AuditRow

ANSWERED = AuditRow(
    id="req_1",
    at=NOON,
    actor="anna",
    tenant="aurelia",
    action="answer",
    outcome="answered",
    facts={
        "use_case": "assistant",
        "release": "assistant-3",
        "recipe": "abcdef0123456789",
        "epoch": 7,
        "generation": "000004",
        "decisions": [
            {
                "step": "input",
                "action": "redact",
                "rule": "dlp.pii",
                "reason": "Personal data was found.",
                "policy": "pol1",
            },
            {"step": "route", "action": "allow", "rule": "routing.confidential", "reason": "Only local endpoints."},
        ],
        "route": ["local", "embedded"],
        "endpoint": "embedded:extractive",
        "hits": 8,
        "citations": ["chunk-a", "chunk-b"],
        "dropped_claims": 2,
        "prompt_tokens": 400,
        "completion_tokens": 40,
        "cost_usd": 0.00012,
        "timings_ms": {"retrieve": 12.4, "route": 0.6},
        "language": "de",
    },
)
NAMED = [
    "req_1", "anna", "aurelia", "2026-03-14 12:00:00", "assistant-3", "abcdef012345", "7", "pol1", "000004", "dlp.pii",
    "Personal data was found.", "routing.confidential", "local, embedded", "embedded:extractive", "8", "chunk-a, chunk-b", "400",
    "40", "0.00012", "retrieve 12 ms", "13 ms",
]  # fmt: skip


@pytest.mark.parametrize(("language", "words"), [("en", "it was answered"), ("de", "sie wurde beantwortet")])
def test_everything_that_decided_is_named(language: str, words: str) -> None:
    """In both languages: who, when, which release, which rules, which endpoint, which passages, at what cost."""
    told = explain(ANSWERED, language=language)
    assert words in told
    assert [name for name in NAMED if name not in told] == []


def test_the_language_is_the_readers() -> None:
    """The two texts share no sentence, except the policy's own reasons."""
    english, german = explain(ANSWERED).splitlines(), explain(ANSWERED, language="de").splitlines()
    assert len(english) == len(german)
    assert not set(english) & set(german)


def test_a_request_that_was_stopped_early_claims_nothing_further() -> None:
    """Blocked at the door: no search, no endpoint, no cost is mentioned."""
    facts = {
        "use_case": "assistant",
        "decisions": ANSWERED.facts["decisions"][:1],
        "route": [],
        "hits": 0,
        "generation": None,
    }  # type: ignore[index]
    told = explain(replace(ANSWERED, outcome="blocked_input", facts=facts))
    assert "the question was blocked" in told
    assert not [word for word in ("endpoint", "passage", "tokens", "release", "Time") if word in told]


def test_no_allowed_endpoint_is_said_plainly() -> None:
    """The rule that refused is named too."""
    told = explain(
        replace(ANSWERED, outcome="refused", facts=ANSWERED.facts | {"route": [], "endpoint": None, "citations": []})
    )
    assert "No endpoint class was allowed." in told
    assert "Nothing was cited." in told
    assert "routing.confidential" in told


def test_a_failure_names_its_code() -> None:
    """An operator can look it up."""
    assert "endpoint.down" in explain(
        replace(ANSWERED, outcome="failed", facts=ANSWERED.facts | {"error": "endpoint.down"})
    )


def test_an_administrative_act_is_told_by_its_facts() -> None:
    """A promotion, a key: who, when, what."""
    row = replace(
        ANSWERED,
        id="key:create:1",
        action="key.create",
        outcome="done",
        tenant=None,
        facts={"key": "1", "roles": ["user"]},
    )
    told = explain(row)
    assert "key.create" in told
    assert "- roles: ['user']" in told


def test_a_row_without_facts_is_told_without_them() -> None:
    """Old rows may know less; nothing is guessed."""
    assert "anna" in explain(replace(ANSWERED, facts={}))
