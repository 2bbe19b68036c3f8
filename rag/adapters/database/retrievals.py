"""What questions have found, from the audit log's facts. Port `Retrievals`."""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import select

from rag.adapters.database.engine import Database
from rag.adapters.database.schema import audit
from rag.types import Retrieved

_ACTIONS = ("answer", "search", "source.open")
_PAGE = 1000


class DatabaseRetrievals:
    """See `rag.ports.Retrievals`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_tenant(self, tenant: str, *, since: datetime) -> Retrieved:
        """Pages through the rows, so that a year of them takes no memory. Rows of before this was told are passed by."""
        documents: set[str] = set()
        known_since: datetime | None = None
        last = -1
        while True:
            wanted = (
                select(audit.c.seq, audit.c.at, audit.c.facts)
                .where(audit.c.tenant == tenant, audit.c.action.in_(_ACTIONS), audit.c.at >= since, audit.c.seq > last)
                .order_by(audit.c.seq)
                .limit(_PAGE)
            )
            async with self._database.read() as connection:
                rows = (await connection.execute(wanted)).all()
            for row in rows:
                facts = json.loads(row.facts)
                if "documents" in facts:
                    documents.update(facts["documents"])
                    known_since = row.at if known_since is None else min(known_since, row.at)
                elif "document_id" in facts:
                    documents.add(facts["document_id"])
            if len(rows) < _PAGE:
                return Retrieved(documents=frozenset(documents), since=known_since)
            last = rows[-1].seq
