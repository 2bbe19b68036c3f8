"""What every reader of retrievals promises."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from state_values import NOON, audit_row

from rag.adapters.database.audit import DatabaseAudit
from rag.adapters.database.engine import Database
from rag.adapters.database.retrievals import DatabaseRetrievals
from rag.ports import AuditLog, Retrievals
from rag.testing import MemoryAudit
from rag.testing_records import MemoryRetrievals
from rag.types import Retrieved

Opened = tuple[AuditLog, Retrievals]


class RetrievalsContract:
    """Subclass with a fixture `opened`: an audit log, and what reads it."""

    async def test_what_was_found_or_opened_counts_for_its_tenant(self, opened: Opened) -> None:
        """Each document once; other tenants, other actions and rows of before this was told are passed by."""
        audit, retrievals = opened
        await audit.append(audit_row(1))
        await audit.append(audit_row(2, documents=["a", "b"]))
        await audit.append(replace(audit_row(3, documents=["b", "c"]), action="search"))
        opening = audit_row(4)
        await audit.append(replace(opening, action="source.open", facts={"document_id": "d"}))
        await audit.append(replace(audit_row(5, documents=["x"]), tenant="other"))
        await audit.append(replace(audit_row(6, document_id="y"), action="document.review"))
        found = await retrievals.of_tenant("aurelia", since=NOON)
        assert found == Retrieved(documents=frozenset("abcd"), since=NOON + timedelta(seconds=2))

    async def test_what_lies_before_is_not_known(self, opened: Opened) -> None:
        """And a tenant that never asked has nothing."""
        audit, retrievals = opened
        await audit.append(audit_row(1, documents=["a"]))
        nothing = Retrieved(documents=frozenset(), since=None)
        assert await retrievals.of_tenant("aurelia", since=NOON + timedelta(seconds=2)) == nothing
        assert await retrievals.of_tenant("nobody", since=NOON) == nothing


class TestMemoryRetrievals(RetrievalsContract):
    @pytest.fixture
    def opened(self) -> Opened:
        audit = MemoryAudit()
        return audit, MemoryRetrievals(audit)


class TestDatabaseRetrievals(RetrievalsContract):
    @pytest.fixture
    async def opened(self, database: Database) -> Opened:
        return DatabaseAudit(database), DatabaseRetrievals(database)

    async def test_more_rows_than_a_page_are_all_read(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """None is lost or read twice where a page ends."""
        monkeypatch.setattr("rag.adapters.database.retrievals._PAGE", 3)
        audit = DatabaseAudit(database)
        for number in range(1, 9):
            await audit.append(audit_row(number, documents=[f"d{number}"]))
        found = await DatabaseRetrievals(database).of_tenant("aurelia", since=NOON)
        assert found.documents == {f"d{number}" for number in range(1, 9)}
