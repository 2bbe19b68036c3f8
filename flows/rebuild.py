"""A new index beside the one that is read: built from the ledger and the stored texts, and kept up to date, as a Prefect flow.

Called by `flows.worker` for what is waiting to be built, by `beleg index start` when no instance is up, and after every
sweep for the indexes that follow. It holds a following index's lock for a batch at a time, never that of the leading one.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State as PrefectState
from prefect.exceptions import CancelledRun, ExternalSignal
from prefect.flows import Flow
from prefect.states import Cancelled

from flows.stopping import Stop, is_set_within
from lifecycle.compose import open_store
from lifecycle.reading import Reading, reading_of
from rag.compose import Rag
from rag.errors import BelegError, Permanent, Refused, Temporary
from rag.ingest.ingest import Intake, done_with
from rag.ingest.rebuild import Behind, behind, catch_up
from rag.ports import Ledger
from rag.types import IndexRecord, IndexState, Receipt, State, Zone, index_for, now

log = logging.getLogger(__name__)

T = TypeVar("T")
Tell = Callable[[str], None]

_RATE_OVER = timedelta(seconds=60)
_TELL_EVERY_S = 2.0
_TELL_SHARE = 20
"""So many times as long as it took to say, nothing more is said: of very many documents it takes seconds."""
_LOOK_EVERY_S = 2.0
_DAY_S = 86_400.0
_AGAIN_AFTER_S = 30.0
"""After a build that could not end, because some documents were out of reach."""
_REST_S = 3600.0
"""After a build that a person has cancelled."""


async def progress_line(rag: Rag, record: IndexRecord) -> str:
    """How much of it is built, how fast, and how long it still takes: for people."""
    done = await rag.indexes.catalog.progress(record.name, since=now() - _RATE_OVER)
    waiting = [await _behind(rag, record, zone) for zone in await rag.ledger.zones()]
    due, chunks = sum(len(one.due) for one in waiting), sum(one.chunks for one in waiting)
    window = min(_RATE_OVER.total_seconds(), max(1.0, (now() - record.started_at).total_seconds()))
    rate = done.lately / window
    left = f", about {chunks / rate / 60:.1f} min left" if rate and due else ""
    return (
        f"{record.name}: {done.documents} of {done.documents + due} documents, {done.chunks} chunks, "
        f"{rate:.0f} chunks/s{left}"
    )


async def _behind(rag: Rag, record: IndexRecord, zone: Zone) -> Behind:
    return await behind(zone, record=record, intake=rag.intake_of(record), catalog=rag.indexes.catalog)


def rebuild_flow(rag: Rag, *, tell: Tell) -> Flow[..., Any]:
    """Builds the index to its end; its value is how many documents could not come along. Gone on with after a crash.

    Raises `Temporary("rebuild_running")`, `Permanent("no_such_index")`.
    """

    @flow(name="rebuild index", flow_run_name="{index}: rebuild", persist_result=False, validate_parameters=False)
    async def rebuild(index: str) -> int | PrefectState[Any]:
        record, stop = await rag.indexes.named(index), Stop()
        with rag.indexes.building(record):
            waiting = await _build(rag, record, tell, stop)
            if stop.is_asked:
                return Cancelled(message="A person has cancelled the build. The next one goes on there.")
            if waiting:
                tell(f"  {index}: {waiting} documents could not come along yet; they are tried again.")
                return waiting
            async with rag.indexes.writing(record) as writer:
                generation = await _step("publish", writer.publish)
                if record.state is IndexState.building:
                    await rag.indexes.catalog.keep(replace(record, state=IndexState.ready, ready_at=now()))
                    await rag.indexes.refresh()
        for zone in await rag.ledger.zones():  # what came in while it was published
            await others_follow(rag, zone, tell=tell)
        tell(f"  {index} is ready (generation {generation}). Next: `beleg index evaluate {index}`.")
        return 0

    return rebuild


async def built(rag: Rag, record: IndexRecord, *, tell: Tell) -> bool | None:
    """Runs the flow. Whether the index is ready; `None` = a person has cancelled it."""
    try:
        return await cast(Awaitable[int], rebuild_flow(rag, tell=tell)(record.name)) == 0
    except CancelledRun:
        tell(f"  {record.name}: a person has cancelled its build. `beleg index drop {record.name} --yes` gives it up.")
        return None


async def _build(rag: Rag, record: IndexRecord, tell: Tell, stop: Stop) -> int:
    """Portion by portion until nothing is due, also not what came in meanwhile; or until a person has cancelled it. One look at
    a zone serves all its portions.
    """
    failed: set[tuple[str, str]] = set()
    is_done, tell_at = False, float("-inf")
    while not is_done:
        is_done = True
        for zone in await rag.ledger.zones():
            left = frozenset(path for of, path in failed if of == zone.name)
            for portion in (await _behind(rag, record, zone)).portions(leave=left):
                if await stop.asked():
                    return len(failed)
                is_done = False
                failed |= _failed(await _batch(rag, record, zone, portion))
                if time.monotonic() >= tell_at:
                    began = time.monotonic()
                    tell(f"  {await progress_line(rag, record)}")
                    tell_at = time.monotonic() + max(_TELL_EVERY_S, _TELL_SHARE * (time.monotonic() - began))
    return len(failed)


def _failed(receipts: tuple[Receipt, ...]) -> set[tuple[str, str]]:
    return {(r.zone, r.path) for r in receipts if r.state in {State.discovered, State.blocked}}


async def _batch(rag: Rag, record: IndexRecord, zone: Zone, portion: Behind) -> tuple[Receipt, ...]:
    async def work() -> tuple[Receipt, ...]:
        async with rag.indexes.writing(record) as writer:
            return await catch_up(
                zone, portion, record=record, intake=rag.intake_of(record), catalog=rag.indexes.catalog, writer=writer
            )

    return await _step(f"build {zone.name}", work)


async def others_follow(rag: Rag, zone: Zone, *, tell: Tell) -> None:
    """After a sweep: every other index that is ready holds what the leading one does. One in trouble stops nobody, and
    is gone on with after the next sweep.
    """
    for record in await rag.indexes.refresh():
        if record.leads or record.state is not IndexState.ready:
            continue
        try:
            await _follow(rag, record, zone)
        except BelegError as error:
            log.error("index.not_followed", extra={"index": record.name, "code": error.code})  # noqa: TRY400
            tell(f"  {record.name} could not follow zone {zone.name}: {error}")


async def _follow(rag: Rag, record: IndexRecord, zone: Zone) -> None:
    if not (await _behind(rag, record, zone)).portions():
        return
    intake, left = rag.intake_of(record), frozenset[str]()
    async with rag.indexes.writing(record) as writer:
        while portions := (await _behind(rag, record, zone)).portions(leave=left):
            for portion in portions:
                receipts = await catch_up(
                    zone, portion, record=record, intake=intake, catalog=rag.indexes.catalog, writer=writer
                )
                left |= {path for _, path in _failed(receipts)}
        await writer.publish()


def outdated(rag: Rag, records: list[IndexRecord]) -> IndexRecord | None:
    """The newest index, if today's code would build it otherwise: an upgrade changed chunk rules, words or the model."""
    newest = records[-1].build
    try:
        return records[-1] if rag.current(newest) != newest else None
    except Permanent:  # its model is gone: nothing to build with, and the health says so
        return None


async def rebuild_when_due(rag: Rag, *, tell: Tell, stop: asyncio.Event) -> None:
    """Until `stop` is set: begins a new index when an upgrade asks for one, and builds what waits to be built."""
    again_at: dict[str, float] = {}
    drop_at = 0.0
    while not stop.is_set():
        try:
            await _look(rag, tell, again_at)
            if drop_at <= time.monotonic():
                drop_at = time.monotonic() + _DAY_S
                await drop_outlived(rag, tell=tell)
        except ExternalSignal:  # during a run the signal is Prefect's
            stop.set()
        except Exception as error:  # noqa: BLE001 - the workflow server or the database may restart; files must go on
            log.error("index.rebuild_failed", extra={"kind": type(error).__name__})  # noqa: TRY400
        await is_set_within(stop, _LOOK_EVERY_S)


async def _look(rag: Rag, tell: Tell, again_at: dict[str, float]) -> None:
    records = await rag.indexes.refresh()
    old = outdated(rag, records)
    if old is not None:
        begun = await rag.indexes.begin(rag.current(old.build))
        tell(f"  {begun.name} is built beside {old.name}: {', '.join(differences(old, begun))} changed.")
        records = await rag.indexes.refresh()
    for record in records:
        if record.state is IndexState.building and again_at.get(record.name, 0.0) <= time.monotonic():
            again_at[record.name] = time.monotonic() + _AGAIN_AFTER_S
            if await built(rag, record, tell=tell) is None:
                again_at[record.name] = time.monotonic() + _REST_S


async def drop_outlived(rag: Rag, *, tell: Tell) -> list[str]:
    """What no release has read for as long as the settings keep it for a rollback goes, and its name is told."""
    keep = timedelta(days=rag.state.settings.keep_index_days)
    dropped = []
    records = await rag.indexes.refresh()
    for record in records:
        idle = await _idle_since(rag, record, newest=records[-1])
        if idle is None or idle + keep > now():
            continue
        await drop(rag, record)
        tell(f"  {record.name} was dropped: no release has read it since {idle:%Y-%m-%d}.")
        dropped.append(record.name)
    return dropped


async def _idle_since(rag: Rag, record: IndexRecord, *, newest: IndexRecord) -> datetime | None:
    """`None` = it is read, or is still to be. One that was never read and has a newer beside it has missed its time."""
    reading = await index_reading(rag, record)
    if reading is None:
        return None if record.leads or record.name == newest.name else record.ready_at or record.started_at
    return None if reading.read_by else reading.until


async def index_reading(rag: Rag, record: IndexRecord) -> Reading | None:
    """Which use cases are answered from it, or until when one was; `None` = never."""
    records = await rag.indexes.records()
    return await reading_of(
        lambda profile: index_for(profile, records).name == record.name,
        list(rag.use_cases),
        store=open_store(rag.state),
    )


async def drop(rag: Rag, record: IndexRecord) -> None:
    """If it leads, another that holds all the same leads from now on. Raises `Refused("index_alone")`."""
    if record.leads:
        others = [one for one in await rag.indexes.refresh() if not one.leads and one.state is IndexState.ready]
        if not others:
            hint = "Build another first: `beleg index start`."
            raise Refused("index_alone", f"{record.name} is the only index that holds every document.", hint=hint)
        await hand_over(rag, others[-1])
    await rag.indexes.drop(record)
    log.info("index.dropped", extra={"index": record.name})


async def _refingerprint(ledger: Ledger, zone: Zone, *, old: Intake, new: Intake) -> None:
    """What was done with the one pipeline is done with the other, also where the allow-list has left its mark."""
    before, after, allowed = old.fingerprints(zone), new.fingerprints(zone), await old.allowed(zone)
    found = [(entry.receipt.state, entry.receipt.counts) for entry in (await ledger.entries(zone.name)).values()]
    marks = {
        done_with(before.of(state), zone, allowed, counts): done_with(after.of(state), zone, allowed, counts)
        for state, counts in found
    }
    for was, becomes in marks.items():
        await ledger.refingerprint(zone.name, was, becomes)


async def hand_over(rag: Rag, to: IndexRecord) -> None:
    """Files go into this one first from now on. It holds all that the ledger knows, so nothing is due because of it."""
    lead = rag.indexes.lead
    async with rag.writer():  # no sweep in between
        for zone in await rag.ledger.zones():
            await _follow(rag, to, zone)
        for zone in await rag.ledger.zones():
            await _refingerprint(rag.ledger, zone, old=rag.intake_of(lead), new=rag.intake_of(to))
        await rag.indexes.catalog.keep(replace(to, leads=True))
        await rag.indexes.refresh()


def differences(before: IndexRecord, after: IndexRecord) -> list[str]:
    """What of the build is another."""
    names = ("embedder", "dimension", "rules", "keywords", "parser")
    return [name for name in names if getattr(before.build, name) != getattr(after.build, name)]


async def _step(name: str, work: Callable[[], Awaitable[T]]) -> T:
    """One task under this name. Nothing of it is stored; an error's words are ours or left out."""

    @task(name=name.split(" ", maxsplit=1)[0], task_run_name=lambda: name, cache_policy=NO_CACHE, persist_result=False)
    async def step() -> T:
        try:
            return await work()
        except BelegError:
            raise
        except Exception as error:  # noqa: BLE001 - Prefect stores and logs what it sees, and this may carry text
            kind = type(error).__name__
            raise Temporary("unforeseen", f"Something unforeseen went wrong on our side ({kind}).") from None

    return await step()
