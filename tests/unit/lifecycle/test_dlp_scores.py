"""Evaluations of the guard count in characters, and say what they count."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lifecycle.dlp_scores import score
from lifecycle.marked import NEITHER, Mark, MarkedText, read_marked
from rag.errors import Permanent
from rag.types import Finding


def marked(text: str, *marks: tuple[int, int, str]) -> MarkedText:
    return MarkedText(
        id=text, text=text, marks=tuple(Mark(start=a, end=b, entity=e) for a, b, e in marks), language="de", split="dev"
    )  # fmt: skip


def found(*spans: tuple[int, int, str]) -> list[Finding]:
    return [Finding(entity=e, start=a, end=b, score=1.0, recognizer="t") for a, b, e in spans]


def test_half_a_name_is_half_found() -> None:
    """`Anna Weber`, of which only the first name was masked, and a word too many elsewhere."""
    scores = score([marked("Anna Weber rief an.", (0, 10, "PERSON"))], [found((0, 4, "PERSON"), (11, 15, "PERSON"))])
    person = scores.by_type["PERSON"]
    assert (person.marked, person.found, person.masked, person.right) == (9, 4, 8, 4)
    assert (person.recall, person.precision) == (4 / 9, 0.5)
    assert person.f2 == pytest.approx(5 * 0.5 * (4 / 9) / (4 * 0.5 + 4 / 9))


def test_masked_under_another_type_is_masked_and_told() -> None:
    scores = score([marked("Am Markt 5", (0, 10, "ADDRESS"))], [found((3, 8, "PERSON"))])
    assert scores.by_type["ADDRESS"].found == 5
    assert scores.by_type["PERSON"].precision == 1.0
    assert scores.by_type["PERSON"].recall is None
    assert scores.confusion == {("ADDRESS", ""): 3, ("ADDRESS", "PERSON"): 5}


def test_what_nobody_asks_about_counts_for_nobody() -> None:
    scores = score([marked("Gestern in Ulm.", (11, 14, NEITHER))], [found((11, 14, "ADDRESS"))])
    assert (scores.overall.marked, scores.overall.masked, scores.clean) == (0, 0, 0)


def test_sentences_without_a_mark() -> None:
    text = "Die Pumpe läuft. Anna rief an.\nDer Filter ist neu."
    scores = score([marked(text, (17, 21, "PERSON"))], [found((4, 9, "PERSON"), (17, 21, "PERSON"))])
    assert (scores.clean, scores.touched, scores.false_positives) == (2, 1, 0.5)


_spans = st.lists(st.tuples(st.integers(0, 40), st.sampled_from(["PERSON", "ADDRESS"])), max_size=6).map(
    lambda starts: [(at * 5, at * 5 + 3, e) for at, e in sorted(dict(starts).items())]
)


@given(gold=_spans, seen=_spans)
def test_what_is_found_is_neither_more_than_marked_nor_than_masked(
    gold: list[tuple[int, int, str]], seen: list[tuple[int, int, str]]
) -> None:
    scores = score([marked("x" * 210, *gold)], [found(*seen)])
    whole = scores.overall
    assert whole.found == whole.right <= min(whole.marked, whole.masked)
    assert whole.marked == sum(t.marked for t in scores.by_type.values()) == 3 * len(gold)
    assert whole.masked == sum(t.masked for t in scores.by_type.values()) == 3 * len(seen)
    assert score([marked("x" * 210, *gold)], [found(*gold)]).overall.f2 in {None, 1.0}


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('{"id": "1", "text": "Anna", "spans": [{"start": 0, "end": 9, "entity": "PERSON"}], "language": "de"}', "span 0 to 9"),
        ('{"id": "1", "text": "Anna", "spans": [{"start": 2, "end": 2, "entity": "PERSON"}], "language": "de"}', "span 2 to 2"),
        ('{"id": "1", "text": "Anna", "spans": [], "language": "de", "colour": 1}', "colour"),
        ('{"id": "1", "text": "Anna", "spans": [], "language": "German"}', "language"),
        ('{"id": "1", "text": "Anna", "spans": [], "language": "de", "split": "train"}', "split"),
        ("[]", "line 1"), ("no json", "line 1"), ("", "holds no text"),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_without_its_text(tmp_path: Path, line: str, told: str) -> None:
    file = tmp_path / "marked.jsonl"
    file.write_text(line, encoding="utf-8")
    with pytest.raises(Permanent) as caught:
        read_marked(file)
    assert told in caught.value.message
    assert "Anna" not in str(caught.value)


def test_what_is_no_text_or_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "b.jsonl").write_bytes(b"\xff\xfe")
    for name in ("b.jsonl", "nowhere.jsonl", "."):
        with pytest.raises(Permanent, match="readable file"):
            read_marked(tmp_path / name)
