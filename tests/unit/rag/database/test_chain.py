"""The chain as arithmetic: any change shows, an honest chain never alarms."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from state_values import audit_row

from rag.adapters.database.chain import START, Check, Head, Stored, canonical, link


def chain_of(count: int) -> list[Stored]:
    stored, before = [], START
    for seq in range(1, count + 1):
        row = audit_row(seq)
        facts = canonical(row.facts)
        before = link(before, seq, row, facts)
        stored.append(Stored(seq=seq, row=row, facts=facts, hash=before))
    return stored


def report_of(rows: list[Stored], head: Head, copy: Head | None = None):
    check = Check()
    check.expect(copy)
    for row in rows:
        if not check.see(row):
            break
    return check.close(head, count=len(rows))


def head_of(rows: list[Stored]) -> Head:
    return Head(rows=len(rows), hash=rows[-1].hash if rows else START)


@given(count=st.integers(0, 12), lag=st.integers(0, 12))
def test_an_honest_chain_is_whole_under_any_older_copy(count: int, lag: int) -> None:
    """No false alarm, wherever the copy of the head lags."""
    rows = chain_of(count)
    copy = head_of(rows[: max(0, count - lag)])
    assert report_of(rows, head_of(rows), copy).ok


EDITS = {
    "id": lambda r: replace(r, id=r.id + "x"),
    "at": lambda r: replace(r, at=r.at.replace(microsecond=(r.at.microsecond + 1) % 1_000_000)),
    "actor": lambda r: replace(r, actor="mallory"),
    "tenant": lambda r: replace(r, tenant=None),
    "action": lambda r: replace(r, action="search"),
    "outcome": lambda r: replace(r, outcome="failed"),
}


@given(count=st.integers(1, 10), data=st.data())
def test_any_edited_field_shows_at_its_row(count: int, data: st.DataObject) -> None:
    """Each field is under the hash, facts included."""
    rows = chain_of(count)
    at = data.draw(st.integers(0, count - 1))
    what = data.draw(st.sampled_from([*EDITS, "facts"]))
    edited = (
        replace(rows[at], facts='{"hits":999}') if what == "facts" else replace(rows[at], row=EDITS[what](rows[at].row))
    )
    report = report_of([*rows[:at], edited, *rows[at + 1 :]], head_of(rows))
    assert (report.ok, report.bad_seq) == (False, at + 1)


@given(count=st.integers(2, 10), data=st.data())
def test_any_subset_or_order_but_the_whole_shows(count: int, data: st.DataObject) -> None:
    """Dropping rows anywhere, or swapping any, breaks the chain or its end."""
    rows = chain_of(count)
    other = data.draw(st.permutations(rows).flatmap(lambda p: st.integers(0, count).map(lambda n: p[:n])))
    assert report_of(other, head_of(rows)).ok == (other == rows)


def test_what_is_hashed_does_not_depend_on_key_order_or_zone() -> None:
    """The same facts are the same text; an instant is itself in any zone."""
    assert canonical({"b": 1, "a": "ü"}) == canonical({"a": "ü", "b": 1}) == '{"a":"\\u00fc","b":1}'
