"""The evaluation set is sound: what it expects stands in the documents, and its test half was never seen."""

from __future__ import annotations

import json
import re
from collections import Counter
from difflib import SequenceMatcher
from typing import Any

import pytest
from sample_files import QUESTIONS, TODAY, Sample, folded, questions, words

from lifecycle.questions import read_questions
from rag.language import detect
from rag.types import Classification

Samples = dict[str, Sample]
Question = dict[str, Any]

ALL = questions()
ANSWERABLE = [q for q in ALL if q["answerable"]]
UNANSWERABLE = [q for q in ALL if not q["answerable"]]
TUNING = QUESTIONS.parents[1] / "benchmarks" / "answers" / "questions.jsonl"
WHY_NOT = {"near-miss", "other-tenant", "clearance", "expired", "redacted", "quarantined", "unreadable"}


def named(question: Question) -> str:
    return str(question["id"])


def half(split: str, of: list[Question] = ALL) -> list[Question]:
    return [q for q in of if q["split"] == split]


def may_read(question: Question, sample: Sample) -> bool:
    """The access rules, said once more: tenant, clearance, readers, validity."""
    assert sample.document is not None
    labels = sample.document.labels
    return (
        labels.tenant == question["tenant"]
        and labels.classification <= Classification[question["clearance"]]
        and (not labels.readers or bool(labels.readers & set(question["groups"])))
        and (labels.valid_from is None or labels.valid_from <= TODAY)
        and (labels.valid_until is None or labels.valid_until > TODAY)
    )


def is_near(one: str, other: str) -> bool:
    """Most words in common, or nearly the same letters."""
    a, b = set(words(one)), set(words(other))
    alike = SequenceMatcher(None, one.casefold(), other.casefold()).ratio()
    return len(a & b) >= 0.6 * len(a | b) or alike >= 0.8


# --- how many, of what ------------------------------------------------------------------------------------------


def test_the_door_takes_every_line() -> None:
    """Nothing is lost between the file and what the evaluation asks."""
    assert [item.id for item in read_questions(QUESTIONS)] == [q["id"] for q in ALL]


def test_there_are_enough_questions_of_every_kind() -> None:
    """At least 60, at least 12 of them without an answer; both halves hold both languages, with and without answers."""
    assert len(ALL) >= 60
    assert len(UNANSWERABLE) >= 12
    for kind in (ANSWERABLE, UNANSWERABLE):
        counted = Counter((q["split"], q["language"]) for q in kind)
        assert set(counted) == {(split, language) for split in ("dev", "test") for language in ("de", "en")}
        assert min(counted.values()) >= 6, counted
    assert abs(len(half("dev")) - len(half("test"))) <= len(ALL) / 10


def test_ids_are_unique() -> None:
    """An id names one question in every report."""
    assert max(Counter(q["id"] for q in ALL).values()) == 1


@pytest.mark.parametrize("question", ALL, ids=named)
def test_a_question_is_in_its_language(question: Question) -> None:
    """Follow-ups are judged together with what was said before."""
    said = " ".join([*(turn["content"] for turn in question["history"]), question["question"]])
    assert detect(said) == question["language"]


def test_every_format_is_asked_about(samples: Samples) -> None:
    """In both halves: a parser that loses a format must show in the figures."""
    for split in ("dev", "test"):
        asked = {
            samples[e["document"]].parsed.media_type  # type: ignore[union-attr]
            for q in half(split, ANSWERABLE) for e in q["expected"]
        }  # fmt: skip
        assert asked == {s.parsed.media_type for s in samples.values() if s.parsed is not None}, split


# --- what is expected -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("question", ANSWERABLE, ids=named)
def test_expected_passages_stand_in_the_documents(samples: Samples, question: Question) -> None:
    """Verbatim and once, in the text that the real parser reads, in a document that the asker may read."""
    for expected in question["expected"]:
        sample = samples[expected["document"]]
        assert sample.text.count(folded(expected["quote"])) == 1, "missing, or another row would count as right too"
        assert may_read(question, sample), expected["document"]


def around(sample: Sample, quote: str) -> str:
    """The quote with its neighbours: of a table's row the quote is often the first cell alone."""
    text = sample.text
    found = re.finditer(re.escape(folded(quote)), text)
    return " … ".join(text[max(0, match.start() - 60) : match.end() + 120] for match in found)


@pytest.mark.parametrize("question", ANSWERABLE, ids=named)
def test_what_an_answer_must_contain_stands_in_the_passage(samples: Samples, question: Question) -> None:
    """In one of its spellings, in the quote or right beside it: else a right answer would be called wrong."""
    stands = " ".join(around(samples[e["document"]], e["quote"]) for e in question["expected"]).casefold()
    for wanted in question["answer_contains"]:
        ways = [wanted] if isinstance(wanted, str) else wanted
        assert any(folded(way).casefold() in stands for way in ways), wanted


@pytest.mark.parametrize("question", UNANSWERABLE, ids=named)
def test_an_unanswerable_question_says_why(question: Question) -> None:
    """Exactly one reason, so that refusals can be counted by reason."""
    assert "unanswerable" in question["tags"]
    assert len(WHY_NOT & set(question["tags"])) == 1
    assert not question["expected"]
    assert not question["answer_contains"]


# --- who may have an answer -------------------------------------------------------------------------------------


@pytest.mark.parametrize("split", ["dev", "test"])
def test_some_questions_only_one_tenant_may_have_answered(split: str) -> None:
    """The same words asked by the other tenant have no answer, in both directions."""
    directions = Counter[tuple[str, str]]()
    for refused in half(split, UNANSWERABLE):
        if "other-tenant" in refused["tags"]:
            twins = [q for q in half(split, ANSWERABLE) if q["question"] == refused["question"]]
            assert [q["tenant"] != refused["tenant"] for q in twins] == [True], refused["id"]
            directions[twins[0]["tenant"], refused["tenant"]] += 1
    assert set(directions) == {("aurelia", "aurelia-klinik"), ("aurelia-klinik", "aurelia")}
    assert sum(directions.values()) >= 3


@pytest.mark.parametrize("question", [q for q in UNANSWERABLE if "other-tenant" in q["tags"]], ids=named)
def test_the_other_tenants_passage_is_out_of_reach(samples: Samples, question: Question) -> None:
    """The passage exists, and the one who asks here may not read it."""
    twin = next(q for q in ANSWERABLE if q["question"] == question["question"])
    assert not any(may_read(question, samples[e["document"]]) for e in twin["expected"])


# --- never seen -------------------------------------------------------------------------------------------------


def test_no_test_question_is_a_dev_question_in_other_words() -> None:
    """Tuning on dev must not have seen what test reports."""
    pairs = [(t["id"], d["id"]) for t in half("test") for d in half("dev") if is_near(t["question"], d["question"])]
    assert pairs == []


def test_no_test_question_is_tuned_on_in_other_words() -> None:
    """What the embedded endpoint is fitted on, beside dev, must not have seen the test half either."""
    tuned = [json.loads(line) for line in TUNING.read_text(encoding="utf-8").splitlines() if line.strip()]
    pairs = [(t["id"], d["id"]) for t in half("test") for d in tuned if is_near(t["question"], d["question"])]
    assert pairs == []


@pytest.mark.parametrize("name", ["held_out", "fresh"])
def test_no_held_out_question_is_known_in_other_words(name: str) -> None:
    """The later tests were seen by nobody: neither by dev, nor by what is tuned on."""
    held = [json.loads(line) for line in (TUNING.parent / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]
    known = [json.loads(line) for line in TUNING.read_text(encoding="utf-8").splitlines() if line.strip()] + half("dev")
    assert [
        (h["id"], k["id"])
        for h in held
        for k in known
        if h["tenant"] == k["tenant"] and is_near(h["question"], k["question"])
    ] == []


def test_no_passage_is_asked_for_in_both_halves() -> None:
    """A quote that dev expects is known; none of them is expected by test."""
    known = {(e["document"], folded(e["quote"])) for q in half("dev") for e in q["expected"]}
    asked = {(e["document"], folded(e["quote"])) for q in half("test") for e in q["expected"]}
    assert not known & asked


def test_nobody_is_asked_twice() -> None:
    """Within a half, the same asker has no two questions that are nearly the same."""
    for split in ("dev", "test"):
        asked = half(split)
        twice = [
            (a["id"], b["id"]) for n, a in enumerate(asked) for b in asked[n + 1 :]
            if a["tenant"] == b["tenant"] and not a["history"] and is_near(a["question"], b["question"])
        ]  # fmt: skip
        assert twice == []


@pytest.mark.parametrize(
    ("one", "other", "near"),
    [
        ("Was zahle ich selbst für das Jobticket?", "Wie viel zahle ich selbst für das Jobticket?", True),
        ("When will LabConnect 5.0 be released?", "On what date will LabConnect 5.0 be released?", True),
        ("Was bedeutet der Fehlercode E-45?", "Was bedeutet der Fehlercode E-52?", True),
        ("Wie viele Tage Urlaub habe ich?", "Wie lang ist die Probezeit?", False),
        ("What was the revenue in 2024?", "How many beds does ward 3 have?", False),
    ],
)
def test_nearness_tells_the_near_from_the_far(one: str, other: str, near: bool) -> None:
    """The measure that the tests above stand on."""
    assert is_near(one, other) is near
