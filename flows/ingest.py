"""Landing zone → published generation, as a Prefect flow. Called by `flows.worker` and `beleg ingest`.

Tasks pass names and counts, never texts. What a step does is decided in `rag.ingest`; here is only order, retry, name.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State as PrefectState
from prefect.client.schemas.objects import TaskRun
from prefect.flows import Flow
from prefect.tasks import Task

from flows.rebuild import others_follow
from flows.sweep import Sweep, show
from rag.compose import Rag
from rag.errors import BelegError, Permanent, Temporary
from rag.ingest.batch import Batch, Steps
from rag.ingest.erase import attest, erase
from rag.ingest.follow import Follow, followed
from rag.ingest.ingest import Survey, held_words, portions, refreshed, removable, survey
from rag.ports import IndexWriter
from rag.types import Entry, ErasureRule, Receipt, State, Zone

log = logging.getLogger(__name__)

T = TypeVar("T")

Tell = Callable[[str], None]
"""Takes one line of progress for people; the caller decides where it goes."""

_AHEAD = 2
"""So many batches may have been read before they are embedded: a slow one, of scans, then leaves the model in work."""
_PATIENT = (1.0, 5.0, 20.0)
_IMPATIENT = (1.0,)
"""Seconds before each retry. A zone that is away or a full disk must not keep the others waiting: both come again soon."""


async def _only_temporary(_task: Task[..., Any], _run: TaskRun, state: PrefectState[Any]) -> bool:
    return isinstance(await state.aresult(raise_on_failure=False), Temporary)


async def _step(name: str, work: Callable[[], Awaitable[T]], *, delays: Sequence[float] = _PATIENT) -> T:
    """One task under this name, retried while the trouble is temporary. Takes no parameters, so none are stored."""

    @task(
        name=name.split(" ", maxsplit=1)[0], task_run_name=lambda: name, retries=len(delays), retry_delay_seconds=list(delays),
        retry_condition_fn=_only_temporary, cache_policy=NO_CACHE, persist_result=False,
    )  # fmt: skip
    async def step() -> T:
        try:
            return await work()
        except BelegError:
            raise
        except Exception as error:  # noqa: BLE001 - Prefect stores and logs what it sees, and this may carry text
            raise _unforeseen(error) from None

    return await step()


def _unforeseen(error: Exception) -> Permanent:
    """Kind and place, without its words."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    at = [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in frames]
    log.error("ingest.unforeseen", extra={"kind": type(error).__name__, "at": at})
    hint = f"Tell those who look after Beleg: {type(error).__name__} at {', '.join(at)}."
    return Permanent("unforeseen", "Something unforeseen went wrong on our side.", hint=hint)


class _WithoutTraceback(logging.Filter):
    """Prefect logs a traceback for each error, also for those that are no defect: a zone that is away, a full disk."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.exc_info = record.exc_text = None
        return True


for _name in ("prefect.flow_runs", "prefect.task_runs"):
    logging.getLogger(_name).addFilter(_WithoutTraceback())


def ingest_flow(rag: Rag, *, tell: Tell) -> Flow[..., Any]:
    """The flow, bound to an opened `Rag` so that models stay warm from run to run."""

    @flow(name="ingest", flow_run_name="{zone}: ingest", persist_result=False, validate_parameters=False)
    async def ingest(zone: str, *, retry: bool = False, confirm_deletions: bool = False) -> Sweep:
        async with rag.writer() as writer, followed(zone, sweeps=rag.state.sweeps) as follow:
            current = await refreshed(await rag.zone(zone), intake=rag.intake)
            sweep = await _sweep(rag, current, writer, follow, tell, retry=retry, confirm_deletions=confirm_deletions)
            await follow.ended(held=sweep.held)
        await others_follow(rag, current, tell=tell)
        await show(sweep, address=rag.state.settings.address)
        return sweep

    return ingest


def verify_flow(rag: Rag, *, tell: Tell) -> Flow[..., Any]:
    """Looks through every store for documents that were taken out; its value is how many were found."""

    @flow(name="verify erasures", flow_run_name="all zones: verify erasures", persist_result=False)
    async def verify() -> int:
        async with rag.writer() as writer:
            standing = await rag.intake.erasures.standing()
            _, kept = await attest(standing, intake=rag.intake, writer=writer)
        for erasure in kept:
            tell(f"  {erasure.zone}/{erasure.path}: was taken out and is still there. See `beleg document verify`.")
        return len(kept)

    return verify


async def _sweep(
    rag: Rag, zone: Zone, writer: IndexWriter, follow: Follow, tell: Tell, *, retry: bool, confirm_deletions: bool
) -> Sweep:
    found = await _step("list zone", lambda: survey(zone, intake=rag.intake, retry=retry), delays=_IMPATIENT)
    await follow.found(len(found.due), found.unchanged)
    receipts = await _bring_in(rag, zone, writer, found, follow, tell)
    gone = found.gone if confirm_deletions else await removable(zone, found, intake=rag.intake)
    out = [(entry, ErasureRule.deleted) for entry in gone] + [(e, ErasureRule.retention) for e in found.outlived]
    if out:
        receipts += await _step(f"remove {len(out)} files", lambda: _remove(rag, zone, writer, out, tell))
    held = len(found.gone) - len(gone)
    if held:
        tell(f"  {zone.name}: {held_words(zone, held, found.known)}")
    generation = await _step("publish", writer.publish, delays=_IMPATIENT)
    if unsigned := await rag.intake.erasures.unsigned():
        await _step("attest", lambda: attest(unsigned, intake=rag.intake, writer=writer, generation=generation))
    return Sweep(
        zone=zone.name, receipts=tuple(receipts), unchanged=found.unchanged, generation=generation, held=held,
        new=frozenset(due.path for due in found.due if due.is_new),
    )  # fmt: skip


async def _bring_in(
    rag: Rag, zone: Zone, writer: IndexWriter, found: Survey, follow: Follow, tell: Tell
) -> list[Receipt]:
    """The next files are read, on another core, while these are embedded."""
    receipts: list[Receipt] = []
    turn, writing, start = asyncio.Lock(), deque[asyncio.Task[None]](), 0
    try:
        for due in portions(found.due):
            files = f"files {start + 1} to {start + len(due)} of {len(found.due)}"
            start += len(due)
            batch = Batch(zone, due, intake=rag.intake, writer=writer)
            await _take(batch, batch.reading, zone, files, tell)
            while len(writing) >= _AHEAD:
                await writing.popleft()
            writing.append(asyncio.create_task(_written(batch, zone, files, turn, follow, tell, receipts)))
    finally:
        ended = await asyncio.gather(*writing, return_exceptions=True)
    for error in filter(None, ended):
        raise error
    return receipts


async def _written(
    batch: Batch, zone: Zone, files: str, turn: asyncio.Lock, follow: Follow, tell: Tell, receipts: list[Receipt]
) -> None:
    async with turn:  # handed on in the order of asking
        await _take(batch, batch.writing, zone, files, tell)
    await follow.done(len(batch.receipts))
    for receipt in batch.receipts:
        tell(line(receipt))
    receipts += batch.receipts


async def _take(batch: Batch, steps: Steps, zone: Zone, files: str, tell: Tell) -> None:
    """Every step a task of its own. What is out of reach for longer waits for the next sweep; the others go on."""
    for name, step in steps.items():
        tell(f"  {zone.name}: {name} {files}")
        try:
            await _step(f"{name} {files}", step)
        except Temporary:
            await batch.park()


async def _remove(
    rag: Rag, zone: Zone, writer: IndexWriter, out: Sequence[tuple[Entry, ErasureRule]], tell: Tell
) -> list[Receipt]:
    for entry, rule in out:
        await erase(entry, zone=zone, rule=rule, intake=rag.intake, writer=writer)
    now_known = await rag.ledger.entries(zone.name)
    receipts = [now_known[entry.receipt.path].receipt for entry, _ in out]
    for receipt in receipts:
        tell(line(receipt))
    return receipts


def line(receipt: Receipt) -> str:
    """One file's fate in one line, for a terminal: a file's name must not move its cursor or colour it."""
    what = f"{receipt.chunks} chunks" if receipt.state is State.indexed else receipt.code
    told = f"  {receipt.zone}/{receipt.path}: {receipt.state.value} ({what}) {receipt.reason}".rstrip()
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in told)
