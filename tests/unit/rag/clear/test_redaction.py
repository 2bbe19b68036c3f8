"""Masking moves everything behind it, exactly."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from rag.redaction import Moved, cut_out, placeholder, redact
from rag.types import Finding


def finding(start: int, end: int, entity: str = "PERSON") -> Finding:
    return Finding(entity=entity, start=start, end=end, score=1.0, recognizer="test")


@st.composite
def texts_with_findings(draw: st.DrawFn) -> tuple[str, list[Finding]]:
    """A text and findings in it, sorted and apart."""
    text = draw(st.text(alphabet="abcäöü \n", min_size=1, max_size=60))
    edges = sorted(set(draw(st.lists(st.integers(0, len(text)), max_size=10))))
    pairs = zip(edges[::2], edges[1::2], strict=False)
    return text, [finding(a, b, draw(st.sampled_from(["PERSON", "X", "EMAIL_ADDRESS"]))) for a, b in pairs]


@given(texts_with_findings(), st.data())
def test_spans_move_with_the_text(case: tuple[str, list[Finding]], data: st.DataObject) -> None:
    """A span that no finding touches holds the same text afterwards; any other lies within the new text, in order."""
    text, findings = case
    masked, moved = redact(text, findings), Moved(findings)
    edges = sorted(data.draw(st.lists(st.integers(0, len(text)), min_size=2, max_size=8)))
    spans = list(pairwise(edges))
    last = 0
    for start, end in spans:
        new_start, new_end = moved.span(start, end)
        assert last <= new_start <= new_end <= len(masked)
        last = new_end
        if not any(f.start < end and start < f.end for f in findings):
            assert masked[new_start:new_end] == text[start:end]
            assert not moved.touches(start, end)
        elif start < end:
            assert moved.touches(start, end)


@given(texts_with_findings())
def test_the_whole_stays_the_whole(case: tuple[str, list[Finding]]) -> None:
    """Nothing is lost at either end, and text between findings is unchanged."""
    text, findings = case
    masked = redact(text, findings)
    assert Moved(findings).span(0, len(text)) == (0, len(masked))
    between = [
        text[a.end : b.start]
        for a, b in zip([finding(0, 0), *findings], [*findings, finding(len(text), len(text))], strict=True)
    ]
    assert masked == "".join(
        x for pair in zip(between, [*(placeholder(f.entity) for f in findings), ""], strict=True) for x in pair
    )


@given(texts_with_findings(), st.data())
def test_cutting_a_text_cuts_its_findings(case: tuple[str, list[Finding]], data: st.DataObject) -> None:
    """Findings of a slice are those of the whole, clipped and counted from the slice's start."""
    text, findings = case
    start, end = sorted(data.draw(st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))))
    covered = {i for f in findings for i in range(f.start, f.end)}
    cut = cut_out(findings, start, end)
    assert {i + start for f in cut for i in range(f.start, f.end)} == covered & set(range(start, end))


def test_a_finding_over_a_border_belongs_to_where_it_begins() -> None:
    """Two lines that a finding spans do not overlap afterwards; the second keeps what follows."""
    moved = Moved([finding(6, 12)])
    text = redact("Frau Ka\nrina kommt", [finding(6, 12)])
    assert text == "Frau K<PERSON> kommt"
    first, second = moved.span(0, 7), moved.span(8, 18)
    assert (text[slice(*first)], text[slice(*second)]) == ("Frau K<PERSON>", " kommt")
