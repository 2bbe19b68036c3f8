"""In-memory twins of what people look at: sweeps and retrievals. As `rag.testing`, under the same contracts."""

from __future__ import annotations

from datetime import datetime

from rag.testing import MemoryAudit
from rag.types import Retrieved, SweepProgress


class MemorySweeps:
    """The last one of every zone, and all that were told, in their order."""

    def __init__(self) -> None:
        self.told: list[SweepProgress] = []

    async def record(self, progress: SweepProgress) -> None:
        self.told.append(progress)

    async def last(self) -> dict[str, SweepProgress]:
        return {progress.zone: progress for progress in self.told}


class MemoryRetrievals:
    """From the rows of a `MemoryAudit`."""

    def __init__(self, audit: MemoryAudit) -> None:
        self._audit = audit

    async def of_tenant(self, tenant: str, *, since: datetime) -> Retrieved:
        actions = {"answer", "search", "source.open"}
        rows = [r for r in self._audit.rows if r.tenant == tenant and r.action in actions and r.at >= since]
        found = [(r.at, r.facts["documents"]) for r in rows if isinstance(r.facts.get("documents"), list)]
        opened = {str(r.facts["document_id"]) for r in rows if "document_id" in r.facts}
        documents = opened.union(*(ids for _, ids in found if isinstance(ids, list)))
        return Retrieved(documents=frozenset(documents), since=min((at for at, _ in found), default=None))
