"""What is shown in Prefect: keys that no two zones share, tables with an end, words that are only text."""

from __future__ import annotations

import json
import re
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from state_values import NOON, entry, receipt, zone

from flows.artifacts import MOST_ROWS, key_of
from flows.report import text
from flows.standing import _ORDER, summary, table
from rag.ingest.report import Line, Report
from rag.ingest.standing import Fate, ZoneStatus, zone_status
from rag.types import State, SweepProgress

NAMES = st.text(min_size=1, max_size=90) | st.from_regex(r"[a-zA-Z0-9 ._-]{1,12}", fullmatch=True)


@given(NAMES, NAMES)
def test_two_zones_never_share_a_key(one: str, other: str) -> None:
    """Whatever their names; Prefect takes every key."""
    assert re.fullmatch(r"[a-z0-9-]+", key_of("status", one))
    assert (key_of("status", one) == key_of("status", other)) == (one == other)


def test_ordinary_names_stay_readable() -> None:
    """And a name that is made to look like another's key has a key of its own."""
    assert key_of("status", "handbuch-2026") == "status-handbuch-2026"
    taken = key_of("status", "Handbuch 2026")
    assert taken.startswith("status-handbuch-2026--")
    assert key_of("status", taken.removeprefix("status-")) != taken
    assert len({key_of("zone", name) for name in ("a b", "a-b", "A-b", "a_b", "a--b", "ä", "ö", "会社", "-")}) == 9


def test_the_standing_table_has_an_end_and_trouble_is_before_it() -> None:
    """Of a thousand files those that somebody has to act on are never cut off; how many are left out is told."""
    files = [entry(receipt(f"{n:04}.txt")) for n in range(1000)]
    files.append(entry(receipt("zz.pdf", state=State.blocked, code="unreadable", reason="Broken.", hint="Replace it.")))
    standing = stands(*files)
    rows = json.loads(table(standing))
    assert (len(rows), rows[0]["file"], rows[0]["what to do"]) == (MOST_ROWS, "zz.pdf", "Replace it.")
    assert "501 more: `beleg zone status handbuch --all`" in summary(standing)


def test_every_fate_has_its_place_in_the_table() -> None:
    """Also one that is thought of later."""
    assert sorted(_ORDER) == sorted(Fate)


def test_the_standing_table_does_not_change_by_itself() -> None:
    """It tells since when, not for how long: with nothing new, a later run writes the same."""
    files = [entry(), entry(receipt("b.pdf", state=State.quarantined))]
    assert table(stands(*files)) == table(stands(*files, later=timedelta(minutes=4)))
    assert summary(stands(*files)) == summary(stands(*files, later=timedelta(minutes=4)))


def stands(*files: object, later: timedelta = timedelta()) -> ZoneStatus:
    at = NOON + later
    sweep = SweepProgress(zone="handbuch", began_at=at, seen_at=at, ended_at=at, due=0)
    return zone_status(zone(), files, sweep=sweep, at=at, sweep_s=300)  # type: ignore[arg-type]


def test_a_reports_text_is_short_and_only_text() -> None:
    """Ten files of a kind and the number of the others; a name or a reason is no link, no head and no picture."""
    hostile = ("](javascript:alert(1))", "<img src=x onerror=alert(1)>", "a\n# b", "![x](http://elsewhere/a.png)")
    named = tuple(Line(path=name, at=NOON, reason=name) for name in (*hostile, *map(str, range(50))))
    told = text(report(new=named, stuck=named[:1]))
    assert told.count("\n- ") == 10 + 1 + 1
    assert "- and 44 more" in told
    page = MarkdownIt("commonmark", {"html": True}).render(told)
    assert [head for head in ("<a", "<img", 'javascript:alert(1)"') if head in page] == []
    assert page.count("<h1>") == 1
    assert page.count("<h2>") == 2


def report(*, new: tuple[Line, ...], stuck: tuple[Line, ...]) -> Report:
    return Report(
        zone="handbuch_[x]", since=NOON - timedelta(days=7), until=NOON, counts={}, new=new, changed=(), deleted=(),
        expiring=(), expired=(), never_retrieved=(), retrievals_since=NOON, stuck=stuck, held_back=(),
    )  # fmt: skip
