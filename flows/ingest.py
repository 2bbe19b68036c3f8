"""Landing zone → published generation, as a Prefect flow. Called by `flows.worker` and `beleg ingest`.

Tasks pass names and counts, never texts. What a step does is decided in `rag.ingest`; here is only order, retry, name.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State as PrefectState
from prefect.flows import Flow
from prefect.states import Cancelled

from flows.offers import INGEST
from flows.rebuild import others_follow
from flows.standing import Standing
from flows.steps import step
from flows.stopping import Stop
from flows.sweep import Sweep, show
from rag.compose import Rag
from rag.errors import BelegError, Temporary
from rag.ingest.batch import Batch, Steps
from rag.ingest.erase import attest, erase, verify
from rag.ingest.follow import Follow, followed
from rag.ingest.ingest import Survey, held_words, portions, refreshed, removable, survey
from rag.ports import IndexWriter
from rag.types import Entry, ErasureRule, Receipt, State, Zone

Tell = Callable[[str], None]
"""Takes one line of progress for people; the caller decides where it goes."""

_AHEAD = 2
"""So many batches may lie between read and written: a slow one, of scans, then leaves the model in work."""
Turns = defaultdict[str, asyncio.Lock]
"""By step: one batch at a time takes it, and none overtakes another."""
_IMPATIENT = (1.0,)
"""Seconds before a retry. A zone that is away or a full disk must not keep the others waiting: both come again soon."""


def ingest_flow(rag: Rag, *, tell: Tell) -> Flow[..., Any]:
    """The flow, bound to an opened `Rag` so that models stay warm from run to run."""
    standing = Standing()

    @flow(name=INGEST, flow_run_name="{zone}: ingest", persist_result=False, validate_parameters=False)
    async def ingest(zone: str, *, retry: bool = False, confirm_deletions: bool = False) -> Sweep | PrefectState[Any]:
        current = await rag.zone(zone)
        try:
            async with rag.writer() as writer, followed(zone, sweeps=rag.state.sweeps) as follow:
                current = await refreshed(current, intake=rag.intake)
                sweep = await _sweep(
                    rag, current, writer, follow, tell, retry=retry, confirm_deletions=confirm_deletions
                )
                await follow.ended(held=sweep.held, trouble=_cancelled(sweep))
        except BelegError as error:  # what the zone suffers from stands there too
            await standing.show(rag, current, ended=error.code, is_changed=False)
            raise
        if sweep.left is None:
            await others_follow(rag, current, tell=tell)
        await show(sweep, address=rag.state.settings.address)
        await standing.show(rag, current, ended=f"{sweep.held} {sweep.left}", is_changed=bool(sweep.receipts))
        return sweep if sweep.left is None else Cancelled(message=_cancelled(sweep))

    return ingest


def _cancelled(sweep: Sweep) -> str:
    """Why it did not come to all; empty if it did."""
    if sweep.left is None:
        return ""
    return f"A person has cancelled the sweep with {sweep.left:,} files left. The next one goes on there."


def verify_flow(rag: Rag, *, tell: Tell) -> Flow[..., Any]:
    """Looks through every store for documents that were taken out, and at every signature; its value is how many receipts do
    not hold.
    """

    @flow(name="verify erasures", flow_run_name="all zones: verify erasures", persist_result=False)
    async def verify_erasures() -> int:
        async with rag.writer() as writer:
            found = await verify(intake=rag.intake, writer=writer)
        for erasure in found.kept:
            tell(f"  {erasure.zone}/{erasure.path}: was taken out and is still there. See `beleg document verify`.")
        for erasure in found.forged:
            tell(
                f"  {erasure.zone}/{erasure.path}: its receipt was changed since it was signed. See `beleg document verify`."
            )
        return len(found.kept) + len(found.forged)

    return verify_erasures


async def _sweep(
    rag: Rag, zone: Zone, writer: IndexWriter, follow: Follow, tell: Tell, *, retry: bool, confirm_deletions: bool
) -> Sweep:
    found = await step("list zone", lambda: survey(zone, intake=rag.intake, retry=retry), delays=_IMPATIENT)
    await follow.found(len(found.due), found.unchanged)
    stop = Stop()
    receipts = await _bring_in(rag, zone, writer, found, follow, tell, stop)
    held = 0
    if not await stop.asked():  # before all that is due is in, a file that was moved would look like a deletion
        gone = found.gone if confirm_deletions else await removable(zone, found, intake=rag.intake)
        out = [(entry, ErasureRule.deleted) for entry in gone] + [(e, ErasureRule.retention) for e in found.outlived]
        held = len(found.gone) - len(gone)
        if out:
            receipts += await step(f"remove {len(out)} files", lambda: _remove(rag, zone, writer, out, tell, stop))
    if held:
        tell(f"  {zone.name}: {held_words(zone, held, found.known)}")
    generation = await step("publish", writer.publish, delays=_IMPATIENT)
    if unsigned := await rag.intake.erasures.unsigned():
        await step("attest", lambda: attest(unsigned, intake=rag.intake, writer=writer, generation=generation))
    return Sweep(
        zone=zone.name, receipts=tuple(receipts), unchanged=found.unchanged, generation=generation, held=held,
        new=frozenset(due.path for due in found.due if due.is_new),
        left=_left(found, receipts, held) if stop.is_asked else None,
    )  # fmt: skip


def _left(found: Survey, receipts: Sequence[Receipt], held: int) -> int | None:
    """Files that a cancelled run did not come to; `None` if it was done before it looked."""
    return len(found.due) + len(found.gone) + len(found.outlived) - held - len(receipts) or None


async def _bring_in(
    rag: Rag, zone: Zone, writer: IndexWriter, found: Survey, follow: Follow, tell: Tell, stop: Stop
) -> list[Receipt]:
    """The next files are read, and those before written, while these are embedded. Cancelled, it finishes what was read."""
    receipts: list[Receipt] = []
    turns, writing, start = Turns(asyncio.Lock), deque[asyncio.Task[None]](), 0
    try:
        for due in portions(found.due):
            if await stop.asked():
                break
            files = f"files {start + 1} to {start + len(due)} of {len(found.due)}"
            start += len(due)
            batch = Batch(zone, due, intake=rag.intake, writer=writer)
            await _take(batch, batch.reading, zone, files, tell)
            while len(writing) >= _AHEAD:
                await writing.popleft()
            writing.append(asyncio.create_task(_written(batch, zone, files, turns, follow, tell, receipts)))
    finally:
        ended = await asyncio.gather(*writing, return_exceptions=True)
    for error in filter(None, ended):
        raise error
    return receipts


async def _written(
    batch: Batch, zone: Zone, files: str, turns: Turns, follow: Follow, tell: Tell, receipts: list[Receipt]
) -> None:
    for name, work in batch.writing.items():
        async with turns[name]:  # handed on in the order of asking
            await _take(batch, {name: work}, zone, files, tell)
    await follow.done(len(batch.receipts))
    for receipt in batch.receipts:
        tell(line(receipt))
    receipts += batch.receipts


async def _take(batch: Batch, steps: Steps, zone: Zone, files: str, tell: Tell) -> None:
    """Every step a task of its own. What is out of reach for longer waits for the next sweep; the others go on."""
    for name, work in steps.items():
        tell(f"  {zone.name}: {name} {files}")
        try:
            await step(f"{name} {files}", work)
        except Temporary:
            await batch.park()


async def _remove(
    rag: Rag, zone: Zone, writer: IndexWriter, out: Sequence[tuple[Entry, ErasureRule]], tell: Tell, stop: Stop
) -> list[Receipt]:
    removed = []
    for entry, rule in out:
        if await stop.asked():
            break
        await erase(entry, zone=zone, rule=rule, intake=rag.intake, writer=writer)
        removed.append(entry.receipt.path)
    now_known = await rag.ledger.entries(zone.name)
    receipts = [now_known[path].receipt for path in removed]
    for receipt in receipts:
        tell(line(receipt))
    return receipts


def line(receipt: Receipt) -> str:
    """One file's fate in one line, for a terminal: a file's name must not move its cursor or colour it."""
    what = f"{receipt.chunks} chunks" if receipt.state is State.indexed else receipt.code
    told = f"  {receipt.zone}/{receipt.path}: {receipt.state.value} ({what}) {receipt.reason}".rstrip()
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in told)
