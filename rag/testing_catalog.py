"""The twin of the port `Catalog`, as those in `rag.testing`."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from rag.types import IndexRecord, Progress, now


class MemoryCatalog:
    """Indexes by name, and of each the documents that it holds."""

    def __init__(self) -> None:
        self._indexes: dict[str, IndexRecord] = {}
        self._marks: dict[tuple[str, str], tuple[str, str, int, datetime]] = {}

    async def indexes(self) -> list[IndexRecord]:
        return sorted(self._indexes.values(), key=lambda record: record.number)

    async def keep(self, record: IndexRecord) -> None:
        if record.leads:
            self._indexes = {name: replace(other, leads=False) for name, other in self._indexes.items()}
        self._indexes[record.name] = record

    async def drop(self, index: str) -> None:
        self._indexes.pop(index, None)
        self._marks = {key: value for key, value in self._marks.items() if key[0] != index}

    async def marks(self, index: str, zone: str) -> dict[str, str]:
        return {key[1]: value[1] for key, value in self._marks.items() if key[0] == index and value[0] == zone}

    async def mark(self, index: str, zone: str, document_id: str, *, made_from: str | None, chunks: int = 0) -> None:
        if made_from is None:
            self._marks.pop((index, document_id), None)
        else:
            self._marks[index, document_id] = (zone, made_from, chunks, now())

    async def progress(self, index: str, *, since: datetime) -> Progress:
        known = [value for key, value in self._marks.items() if key[0] == index]
        lately = sum(chunks for _, _, chunks, at in known if at >= since)
        return Progress(documents=len(known), chunks=sum(value[2] for value in known), lately=lately)
