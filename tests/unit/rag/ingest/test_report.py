"""A zone's week: every file under the heads where it belongs, and nothing said that is not known."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from state_values import NOON, cleared, entry, receipt, zone

from rag.ingest.report import Report, report, rows, summary
from rag.ingest.reporting import report_of
from rag.testing import MemoryAudit, MemoryLedger, MemoryLibrary
from rag.testing_records import MemoryRetrievals, MemorySweeps
from rag.types import Entry, History, Retrieved, State, SweepProgress

AT = NOON + timedelta(days=60)
SWEEP = SweepProgress(zone="handbuch", began_at=AT, seen_at=AT, ended_at=AT, due=0)
KNOWN = Retrieved(documents=frozenset(), since=NOON)


def days(number: float) -> datetime:
    """So many before the report."""
    return AT - timedelta(days=number)


def place(
    path: str, *, added: float = 50, changed: float | None = None, since: float = 50, **receipt_of: object
) -> Entry:
    made = receipt(path, **receipt_of)  # type: ignore[arg-type]
    history = History(
        added_at=days(added), changed_at=days(added if changed is None else changed), since=days(since), version="v1"
    )
    return entry(made, history=history, recorded_at=days(since))


def week(*entries: Entry, retrieved: Retrieved = KNOWN, retention: int | None = None, **ends: datetime) -> Report:
    of = replace(zone(), retention_days=retention)
    found = {f"doc-{path}": end for path, end in ends.items()}
    return report(of, entries, ends=found, retrieved=retrieved, sweep=SWEEP, at=AT, sweep_s=300)


def heads(made: Report, path: str) -> set[str]:
    return {head for head, lines in made.heads.items() if path in {line.path for line in lines}}


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (place("x", added=3), {"new"}),
        (place("x", changed=2), {"changed", "never retrieved"}),
        (place("x", added=3, changed=1), {"new"}),
        (place("x"), {"never retrieved"}),
        (place("x", state=State.deleted, since=2), {"deleted"}),
        (place("x", state=State.deleted, since=9), set()),
        (place("x", state=State.forgotten, since=1), {"deleted"}),
        (place("x", state=State.quarantined, code="empty_file"), {"quarantined"}),
        (place("x", state=State.blocked), {"stuck"}),
        (place("x", state=State.discovered), {"stuck"}),
        (place("x", added=0.001, state=State.discovered, since=0.001), {"new"}),
    ],
)
def test_every_file_stands_where_it_belongs(made: Entry, expected: set[str]) -> None:
    """New is not changed; what is out or held back was not to be retrieved; what waits its turn is not stuck."""
    assert heads(week(made), "x") == expected


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (-31, set()),
        (-30, {"expires within 30 days"}),
        (-1, {"expires within 30 days"}),
        (0, {"expired"}),
        (9, {"expired"}),
    ],
)
def test_what_ends_is_told_before_and_after(end: float, expected: set[str]) -> None:
    """Thirty days ahead; on the hour itself it has ended."""
    made = week(place("x"), retrieved=replace(KNOWN, documents=frozenset({"doc-x"})), x=days(end))
    assert heads(made, "x") == expected


def test_retention_ends_a_file_too() -> None:
    """Whichever comes first."""
    one = place("x")
    assert heads(week(one, retention=70), "x") >= {"expires within 30 days"}
    assert heads(week(one, retention=70, x=days(1)), "x") >= {"expired"}
    assert heads(week(one, retention=365), "x") == {"never retrieved"}


def test_never_is_only_said_when_it_is_known() -> None:
    """Without a record of what was found nothing is said, and that is said."""
    made = week(place("x"), retrieved=Retrieved(documents=frozenset(), since=None))
    assert made.never_retrieved == ()
    assert summary(made).endswith("nothing to tell; what was retrieved is not known yet")
    told = week(place("x"))
    assert "1 never retrieved" in summary(told)
    assert "not known" not in summary(told)


def test_the_table_has_a_row_for_every_line() -> None:
    """With reason and remedy; the one line above names no file."""
    made = week(
        place("geheim.pdf", added=1, state=State.quarantined, code="empty_file", reason="Leer.", hint="Ersetzen.")
    )
    assert [(row["what"], row["file"], row["reason"], row["what to do"]) for row in rows(made)] == [
        ("new", "geheim.pdf", "Leer.", "Ersetzen."), ("quarantined", "geheim.pdf", "Leer.", "Ersetzen."),
    ]  # fmt: skip
    assert "geheim" not in summary(made)


async def test_the_stores_are_read_as_they_are() -> None:
    """The end of validity comes from the stored document's labels, retrievals from the audit log."""
    ledger, library, audit = MemoryLedger(zone()), MemoryLibrary(), MemoryAudit()
    ended = cleared("doc-a", "v1")
    labels = replace(ended.document.labels, valid_until=days(1))
    await library.keep(replace(ended, document=replace(ended.document, labels=labels)))
    await ledger.record(entry(receipt("a"), recorded_at=days(20)))
    made = await report_of(
        zone(), ledger=ledger, library=library, sweeps=MemorySweeps(), retrievals=MemoryRetrievals(audit), at=AT,
        sweep_s=300,
    )  # fmt: skip
    assert [line.path for line in made.expired] == ["a"]
    assert made.retrievals_since is None
