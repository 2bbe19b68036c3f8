"""What an owner is told of a file, before it is ingested and after: nothing that ingest would not do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from ingest_scene import ZONE, intake, sweep, taken_out

from rag.adapters.index.memory import InMemoryIndex
from rag.ingest.batch import Batch
from rag.ingest.ingest import survey
from rag.ingest.preview import previews
from rag.testing import MemoryLanding
from rag.types import ErasureRule

PAST, FUTURE = datetime(2020, 1, 1, tzinfo=UTC), datetime(2999, 1, 1, 8, tzinfo=UTC)


async def test_forgotten_bytes_are_foreseen_as_refused() -> None:
    """Under their own name and under another."""
    parts, writer = intake(MemoryLanding({"a.txt": b"holiday is long"})), InMemoryIndex()
    await sweep(parts, writer)
    await taken_out((await parts.ledger.entries(ZONE.name))["a.txt"], ErasureRule.request, parts, writer)
    parts.landing.files["copy.txt"] = b"holiday is long"  # type: ignore[attr-defined]
    seen = [(one.path, one.fate, one.error and one.error.code) async for one in previews(ZONE, intake=parts)]
    assert seen == [("a.txt", "quarantined", "forgotten"), ("copy.txt", "quarantined", "forgotten")]


@pytest.mark.parametrize(
    ("begins", "ends", "told"),
    [
        (None, None, ""),
        (PAST, None, ""),
        (None, PAST, "It answers questions until 2020-01-01 00:00 UTC."),
        (FUTURE, None, "It answers questions from 2999-01-01 08:00 UTC."),
        (PAST, FUTURE, "It answers questions until 2999-01-01 08:00 UTC."),
    ],
)
async def test_when_a_document_answers_is_said_of_it(begins: datetime | None, ends: datetime | None, told: str) -> None:
    """An owner who has mistyped a year sees it where the file stands, and beforehand."""
    of_zone = replace(ZONE, valid_from=begins, valid_until=ends)
    parts = intake(MemoryLanding({"a.txt": b"holiday is long"}))
    [foreseen] = [one.told async for one in previews(of_zone, intake=parts)]
    found = await survey(of_zone, intake=parts)
    [receipt] = await Batch(of_zone, found.due, intake=parts, writer=InMemoryIndex()).run()
    assert receipt.reason == told
    assert foreseen == "; ".join(filter(None, ("chunks: 1", told)))
