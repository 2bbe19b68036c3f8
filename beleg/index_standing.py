"""What a new index would cost, and how every index is. Called by `beleg index`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from beleg.home import here
from beleg.ingesting import quiet_prefect
from rag.compose import Rag, open_rag
from rag.errors import Permanent
from rag.ingest.rebuild import behind
from rag.ports import Embedder
from rag.types import Build, IndexRecord, IndexState, State, now

_SAMPLE = 64
"""Passages that are embedded to tell how long all will take."""
_RATE_OVER = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a rebuild would do. `minutes` from a trial; `megabytes` from the leading index, `None` in a server."""

    embedder: str
    changes: tuple[str, ...]
    documents: int
    chunks: int
    minutes: float
    megabytes: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How an index is. `behind`: documents that it does not hold as the ledger knows them.

    Attributes:
        read_by: use cases whose live release reads it. goes_at: when it is dropped, if nobody reads it again.
        minutes_left: `None` while nothing can be said.
    """

    name: str
    state: str
    leads: bool
    embedder: str
    profile: str
    is_current: bool
    has_embedder: bool
    documents: int
    behind: int
    chunks_per_s: float
    minutes_left: float | None
    read_by: tuple[str, ...]
    goes_at: datetime | None
    megabytes: float | None


async def plan(model: Path | None, *, glossed: bool | None) -> Plan:
    """Changes nothing. Raises `Permanent`: `model_missing`."""
    async with open_rag(here()) as rag:
        build = build_of(rag, model, glossed)
        documents, texts = 0, list[str]()
        chunks = 0
        for zone in await rag.ledger.zones():
            entries = (await rag.ledger.entries(zone.name)).values()
            for entry in (one for one in entries if one.receipt.state is State.indexed):
                documents += 1
                chunks += entry.receipt.chunks
                if len(texts) < _SAMPLE and entry.receipt.version:
                    kept = await rag.state.library.cleared(entry.receipt.document_id, entry.receipt.version)
                    texts += [] if kept is None else [kept.text[at : at + 600] for at in range(0, len(kept.text), 600)]
        lead = rag.indexes.lead
        size = rag.indexes.opened(lead).size()
        share = build.dimension / lead.build.dimension
        return Plan(
            embedder=build.embedder, changes=tuple(_changes(lead.build, build)), documents=documents, chunks=chunks,
            minutes=await _minutes(rag.indexes.model(build).ingest, texts[:_SAMPLE], chunks),
            megabytes=None if size is None else size * max(1.0, share) / 2**20,
        )  # fmt: skip


async def _minutes(embedder: Embedder, texts: list[str], chunks: int) -> float:
    if not texts:
        return 0.0
    await embedder.embed(["warm"])
    began = time.monotonic()
    await embedder.embed(texts)
    return chunks * (time.monotonic() - began) / len(texts) / 60


def _changes(before: Build, after: Build) -> list[str]:
    names = ("embedder", "dimension", "rules", "keywords", "parser")
    pairs = {name: (getattr(before, name) or "unknown", getattr(after, name)) for name in names}
    return [f"{name}: {was} → {becomes}" for name, (was, becomes) in pairs.items() if was != becomes]


def build_of(rag: Rag, model: Path | None, glossed: bool | None) -> Build:
    """Of the model in this folder, or of the settings' own. Without a word about it, only the packaged one is glossed."""
    chosen = rag.default_model if model is None else str(model.expanduser().resolve())
    return rag.build(chosen, not chosen if glossed is None else glossed)


async def status() -> list[Standing]:
    """Every index, oldest first."""
    settings = here()
    quiet_prefect(settings)
    async with open_rag(settings) as rag:
        return [await _standing(rag, record) for record in await rag.indexes.refresh()]


async def _standing(rag: Rag, record: IndexRecord) -> Standing:
    from flows.rebuild import index_reading

    zones = await rag.ledger.zones()
    intake, catalog = rag.intake_of(record), rag.indexes.catalog
    waiting = [await behind(zone, record=record, intake=intake, catalog=catalog) for zone in zones]
    due, chunks = sum(len(one.due) for one in waiting), sum(one.chunks for one in waiting)
    done = await catalog.progress(record.name, since=now() - _RATE_OVER)
    window = min(_RATE_OVER.total_seconds(), max(1.0, (now() - record.started_at).total_seconds()))
    rate = done.lately / window
    size, reading = rag.indexes.opened(record).size(), await index_reading(rag, record)
    entries = [entry for zone in zones for entry in (await rag.ledger.entries(zone.name)).values()]
    total = sum(entry.receipt.state is State.indexed for entry in entries)
    keep = timedelta(days=rag.state.settings.keep_index_days)
    return Standing(
        name=record.name, state=record.state.value, leads=record.leads, embedder=record.build.embedder,
        profile=record.build.profile, is_current=_is_current(rag, record),
        has_embedder=rag.indexes.has_model(record.build),
        documents=total if record.leads else total - due, behind=0 if record.leads else due,
        chunks_per_s=0.0 if record.leads else rate,
        minutes_left=chunks / rate / 60 if rate and due and not record.leads else None,
        read_by=reading.read_by if reading else (),
        goes_at=reading.until + keep if reading and not reading.read_by else None,
        megabytes=None if size is None else size / 2**20,
    )  # fmt: skip


def _is_current(rag: Rag, record: IndexRecord) -> bool:
    try:
        return rag.current(record.build) == record.build
    except Permanent:
        return False


async def watch(name: str, *, tell: Callable[[str], None], every_s: float = 2.0) -> None:
    """One line whenever something has changed, until it is ready."""
    told = ""
    while True:
        found = next((one for one in await status() if one.name == name), None)
        if found is None or found.state == IndexState.ready.value:
            return
        line = line_of(found)
        if line != told:
            tell(line)
        told = line
        await asyncio.sleep(every_s)


def line_of(one: Standing) -> str:
    """An index in one line, for people."""
    facts = [f"{one.name}  {one.state}", one.embedder]
    if one.read_by:
        facts.append(f"answers for {', '.join(one.read_by)}")
    if one.leads:
        facts.append("leads")
    elif one.state == IndexState.building.value or one.behind:
        facts.append(f"{one.documents} of {one.documents + one.behind} documents, {one.chunks_per_s:.0f} chunks/s")
        if one.minutes_left is not None:
            facts.append(f"about {one.minutes_left:.1f} min left")
    if not one.has_embedder:
        facts.append("its embedder is no longer there: it is searched by keywords alone")
    elif not one.is_current:
        facts.append("built by earlier rules or words")
    if one.goes_at is not None:
        facts.append(f"dropped after {one.goes_at:%Y-%m-%d}")
    if one.megabytes is not None:
        facts.append(f"{one.megabytes:.0f} MB")
    return "; ".join(facts)
