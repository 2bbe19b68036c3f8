"""Scores of items and measures of sets, on figures that can be checked by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from attempts import answer, chunk, citation, hit, item, refusal
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.metrics import measures_of, scores_of, worst_scores
from lifecycle.passages import agrees, carries
from lifecycle.types import Attempt, Expected, Result

QUOTE = "Die Tagespauschale im Inland beträgt 28 Euro."
WANTED = Expected(document="handbuch/reise.pdf", quote=QUOTE)


def scored(*texts: str, expected: tuple[Expected, ...] = (WANTED,)) -> dict[str, float]:
    hits = tuple(hit(chunk(text, path="reise.pdf")) for text in texts)
    return scores_of(item(expected=expected), Attempt(answer=refusal(), hits=hits))


@pytest.mark.parametrize(
    ("text", "is_there"),
    [
        (f"Vorher. {QUOTE} Nachher.", True),
        ("Die  Tagespauschale\nim Inland beträgt\u00a028 Euro.", True),
        ("DIE TAGESPAUSCHALE IM INLAND | BETRÄGT | 28 EURO", True),
        ("Die Tages\u00adpauschale im Inland beträgt 28 Euro", True),
        ("Die Tagespauschale im Inland beträgt", True),
        ("Tagespauschale im Inland", False),
        ("Die Pauschale je Tag ist hoch. Im Inland sind es 28 Euro.", False),
        ("", False),
    ],
)
def test_a_passage_counts_if_most_of_the_quote_stands_there_in_one_piece(text: str, is_there: bool) -> None:
    """White space, case, table bars and hyphens do not matter; a paraphrase is not the passage."""
    assert carries(chunk(text, path="reise.pdf"), WANTED) is is_there


def test_the_right_words_in_another_document_are_not_the_passage() -> None:
    """Zone and path must both fit."""
    assert not carries(chunk(QUOTE, path="anders.pdf"), WANTED)
    assert not carries(chunk(QUOTE, path="reise.pdf", zone="vertrieb"), WANTED)
    assert not agrees(citation(QUOTE, path="anders.pdf"), WANTED)


def test_ranks_are_those_of_the_text_books() -> None:
    """Found at rank two: reciprocal rank a half, nDCG 1/log2(3)."""
    scores = scored("Anderes.", QUOTE, "Noch etwas.")
    assert (scores["recall_at_1"], scores["recall_at_5"], scores["mrr_at_10"]) == (0.0, 1.0, 0.5)
    assert scores["ndcg_at_10"] == pytest.approx(1 / math.log2(3))


def test_nothing_found_is_zero_not_missing() -> None:
    """An empty result list is a result."""
    assert {name: scored()[name] for name in ("recall_at_5", "mrr_at_10", "ndcg_at_10")} == {
        "recall_at_5": 0.0,
        "mrr_at_10": 0.0,
        "ndcg_at_10": 0.0,
    }


def test_a_passage_found_twice_counts_once() -> None:
    """Overlapping chunks do not make recall of one passage recall of two."""
    other = Expected(document="handbuch/reise.pdf", quote="Übernachtungen werden nach Beleg erstattet.")
    scores = scored(QUOTE, QUOTE, "Nichts.", expected=(WANTED, other))
    assert (scores["recall_at_1"], scores["recall_at_10"]) == (0.5, 0.5)
    both = scored(f"{QUOTE} {other.quote}", expected=(WANTED, other))
    assert both["recall_at_5"] == 1.0


def test_the_eleventh_rank_does_not_count() -> None:
    """`@10` means ten."""
    assert scored(*["Nichts."] * 10, QUOTE)["mrr_at_10"] == 0.0


def test_citations_are_right_by_passage() -> None:
    """One of two is right, and one of two passages is cited."""
    other = Expected(document="handbuch/reise.pdf", quote="Übernachtungen werden nach Beleg erstattet.")
    given = answer(
        "28 Euro [1]. Ein Auto [2].",
        citation("beträgt 28 Euro", support=1.0),
        citation("Ein Auto darf.", number=2, support=0.5),
    )
    scores = scores_of(item(expected=(WANTED, other)), Attempt(answer=given, hits=()))
    assert scores["citation_precision"] == 0.5
    assert scores["citation_recall"] == 0.5
    assert scores["citation_support"] == 0.75


@pytest.mark.parametrize(
    ("text", "wanted", "is_there"),
    [
        ("Es sind\n28\u00a0EURO je Tag.", (("28 Euro",),), True),
        ("Es sind 1,5 g.", (("5 g",),), False),
        ("Der Code E-14 heißt: warten.", (("E-1",),), False),
        ("Nach 30 Tagen.", (("30 Tage",),), True),
        ("Nach dreißig Tagen.", (("30 Tage", "dreißig Tage"),), True),
        ("28 Euro.", (("28 Euro",), ("Inland",)), False),
    ],
)
def test_containment_is_by_words(text: str, wanted: tuple[tuple[str, ...], ...], is_there: bool) -> None:
    """All must be there, each in one of its forms; a number is never part of another."""
    given = Attempt(answer=answer(text, citation(QUOTE)), hits=())
    assert scores_of(item(expected=(WANTED,), answer_contains=wanted), given)["answer_containment"] == float(is_there)


def test_a_question_that_was_wrongly_refused_scores_nothing() -> None:
    """Its standard message is no answer, whatever words it has; precision does not apply to it."""
    scores = scores_of(
        item(expected=(WANTED,), answer_contains=(("nicht",),)), Attempt(answer=refusal("nicht"), hits=())
    )
    assert (scores["answered"], scores["answer_containment"], scores["token_f1"], scores["citation_recall"]) == (
        0.0,
    ) * 4
    assert "citation_precision" not in scores


def test_on_an_unanswerable_question_only_the_refusal_counts() -> None:
    """An answer to it is a false one, however well cited."""
    nothing = item(answerable=False, expected=())
    assert scores_of(nothing, Attempt(answer=refusal(), hits=())) == {"correct_refusal": 1.0, "false_answer": 0.0}
    false = Attempt(answer=answer(QUOTE, citation(QUOTE)), hits=())
    assert scores_of(nothing, false) == {"correct_refusal": 0.0, "false_answer": 1.0}


def result(scores: dict[str, float], *, failure: str = "", latency_ms: float = 10.0) -> Result:
    return Result(
        item="q",
        language="de",
        answerable=True,
        failure=failure,
        outcome="answered",
        latency_ms=latency_ms,
        scores=scores,
    )


def test_shares_have_wilsons_interval() -> None:
    """Nine of ten: Wilson's 95 % interval is .596 to .982."""
    (measure, *_) = measures_of([result({"answered": float(n < 9)}) for n in range(10)])
    assert (measure.name, measure.value, measure.items) == ("answered", 0.9, 10)
    assert (measure.low, measure.high) == (pytest.approx(0.5958, abs=1e-3), pytest.approx(0.9821, abs=1e-3))


@given(values=st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_an_interval_holds_its_value(values: list[float]) -> None:
    """Also for one item, and for items that are all alike."""
    for measure in measures_of([result({"token_f1": value}, latency_ms=value) for value in values]):
        assert measure.low - 1e-9 <= measure.value <= measure.high + 1e-9


@given(done=st.lists(st.floats(0, 1), min_size=1, max_size=10), failed=st.integers(1, 5))
def test_a_failure_never_helps(done: list[float], failed: int) -> None:
    """Failed items stay in every mean with the worst score: higher-is-better falls, lower-is-better rises."""
    good = [result({"token_f1": value, "false_answer": value}) for value in done]
    bad = [result({"token_f1": 0.0, "false_answer": 1.0}, failure="timeout") for _ in range(failed)]
    before = {m.name: m for m in measures_of(good)}
    after = {m.name: m for m in measures_of([*good, *bad])}
    assert after["token_f1"].value <= before["token_f1"].value
    assert after["false_answer"].value >= before["false_answer"].value
    assert (after["token_f1"].failed, after["token_f1"].items) == (failed, len(done) + failed)


def test_the_worst_covers_every_metric_that_could_have_applied() -> None:
    """Otherwise a failure would vanish from the mean that it should spoil."""
    full = Attempt(answer=answer(QUOTE, citation(QUOTE)), hits=(hit(chunk(QUOTE, path="reise.pdf")),))
    for one in (item(expected=(WANTED,)), replace(item(expected=()), answerable=False)):
        assert set(worst_scores(one)) == set(scores_of(one, full))


def test_no_items_no_measures() -> None:
    """Nothing was measured, and nothing is claimed."""
    assert measures_of([]) == ()
