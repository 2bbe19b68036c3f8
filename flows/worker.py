"""The long-lived ingest process: looks for zones, hints and due runs, and hands them to `flows.desk`.

Every zone is swept at the start, on file and storage events, by Prefect's schedules, and when a person starts a run.
Events are hints and the sweep is the truth: a lost event costs at most `sweep_s`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, cast

from prefect.client.orchestration import get_client
from prefect.exceptions import CancelledRun, ExternalSignal

from flows.desk import Desk
from flows.events import never_wait_for_a_server_that_has_gone
from flows.ingest import Tell, ingest_flow, verify_flow
from flows.rebuild import rebuild_when_due
from flows.report import report_flow
from flows.runs import BEAT_S, Runs
from flows.stopping import is_set_within
from flows.sweep import Sweep
from flows.watching import hints
from rag.compose import Rag
from rag.errors import BelegError, Temporary
from rag.types import Zone, now

log = logging.getLogger(__name__)

_IDLE_S = 2.0
"""Between two looks for zones and runs: who starts a run in Prefect's UI waits this long."""
_SOON_S = 0.25
"""The same while an event is about to become a run: a dropped file shall not wait."""
_SERVER_PATIENCE_S = 300.0
_LAST_REQUEST_S = 5.0
_VERIFY_EVERY_S = 86_400.0
_VERIFY_AFTER_START_S = 600.0


async def sweep_all(
    rag: Rag, zones: list[Zone], *, tell: Tell, retry: bool = False, confirm_deletions: bool = False,
    flow: Callable[..., Any] = ingest_flow,
) -> list[Sweep]:  # fmt: skip
    """One run per zone, one after the other; a zone in trouble does not stop the next.

    `retry`: also what is blocked. `confirm_deletions`: however many documents have vanished. `flow` makes the run.
    """
    never_wait_for_a_server_that_has_gone()
    run = flow(rag, tell=tell)
    sweeps = []
    for zone in zones:
        try:
            sweeps.append(
                await cast(Awaitable[Sweep], run(zone.name, retry=retry, confirm_deletions=confirm_deletions))
            )
        except CancelledRun:
            tell(f"  {zone.name}: a person has cancelled the sweep. The next one goes on there.")
        except BelegError as error:
            # No traceback: what caused it may carry a vendor's words.
            log.error("ingest.zone_failed", extra={"zone": zone.name, "code": error.code})  # noqa: TRY400
            tell(f"  {zone.name}: {error}")
        except Exception as error:  # noqa: BLE001 - the workflow server may restart, and we go on after it
            log.error("ingest.zone_failed", extra={"zone": zone.name, "code": type(error).__name__})  # noqa: TRY400
            tell(
                f"  {zone.name}: something unforeseen went wrong ({type(error).__name__}). The next sweep goes on there."
            )
    return sweeps


async def verify_receipts(rag: Rag, *, tell: Tell) -> None:
    """Are the documents that were taken out still out? A failure is told, and tried again a day later."""
    try:
        await cast(Awaitable[int], verify_flow(rag, tell=tell)())
    except Exception as error:  # noqa: BLE001 - whatever it is, files must go on being ingested
        log.error("erasure.not_verified", extra={"kind": type(error).__name__})  # noqa: TRY400


async def verify_in_s(rag: Rag) -> float:
    """From the start of a process: a day after the oldest receipt was last verified, so that one that is started anew every
    night verifies too; and not at once, when documents wait.
    """
    try:
        standing = await rag.state.erasures.standing()
    except Temporary as error:
        log.warning("erasure.not_looked_up", extra={"code": error.code})
        return _VERIFY_AFTER_START_S
    verified = [one.verified_at for one in standing if one.verified_at is not None]
    left_s = _VERIFY_EVERY_S - (now() - min(verified)).total_seconds() if verified else _VERIFY_EVERY_S
    return max(left_s, _VERIFY_AFTER_START_S)


async def work(
    rag: Rag, *, tell: Tell, stop: asyncio.Event, sweep_s: float, after_sweep: Tell,
    flow: Callable[..., Any] = ingest_flow,
) -> None:  # fmt: skip
    """Until `stop` is set. `after_sweep` is told each zone's name when a sweep of it has ended, well or not.

    Raises `Temporary("prefect_unreachable")` if the workflow server does not come up beside us.
    """
    never_wait_for_a_server_that_has_gone()
    await _server_is_up(stop)
    clock = asyncio.get_running_loop().time
    changed: asyncio.Queue[str] = asyncio.Queue()
    folders: dict[str, Path] = {}
    zones: dict[str, Zone] = {}
    verify_at = clock() + await verify_in_s(rag)
    async with get_client() as client, AsyncExitStack() as stack:
        desk = Desk(
            client, [flow(rag, tell=tell), report_flow(rag)], tell=tell, sweep_s=sweep_s, after_sweep=after_sweep
        )
        watcher = await stack.enter_async_context(_background(_watch(folders, changed, stop), stop))
        await stack.enter_async_context(_background(_beat(desk.runs, stop), stop))
        await stack.enter_async_context(_background(rebuild_when_due(rag, tell=tell, stop=stop), stop))
        while not stop.is_set():
            known = await _zones(rag, tell)
            zones = zones if known is None else known
            folders.clear()
            folders.update(
                {name: Path(zone.url.removeprefix("file://")) for name, zone in zones.items() if zone.is_folder}
            )
            if watcher.done():
                await watcher  # raises what ended it
            hinted = await _told(rag) | {changed.get_nowait() for _ in range(changed.qsize())}
            try:
                has_run = await desk.serve(zones, hinted)
            except ExternalSignal:  # during a run the signal is Prefect's, who has told the server that it ended
                stop.set()
                break
            if verify_at <= clock():
                await verify_receipts(rag, tell=tell)
                verify_at = clock() + _VERIFY_EVERY_S
            if not has_run:
                await _pause(changed, stop, longest_s=_SOON_S if desk.is_waiting else _IDLE_S)


@asynccontextmanager
async def _background(work: Coroutine[Any, Any, None], stop: asyncio.Event) -> AsyncIterator[asyncio.Task[None]]:
    """Beside us until `stop`, which is set when we leave. What has not ended soon after is cancelled.

    Not at once: a request that is cancelled half-way leaves the workflow server's own database locked for a minute.
    """
    task = asyncio.create_task(work)
    try:
        yield task
    finally:
        stop.set()
        await asyncio.wait([task], timeout=_LAST_REQUEST_S)
        task.cancel()


async def _beat(runs: Runs, stop: asyncio.Event) -> None:
    """Also while a run takes hours."""
    while not await is_set_within(stop, BEAT_S):
        try:
            await runs.beat()
        except Exception as error:  # noqa: BLE001 - the server may restart; the next beat tells it again
            log.info("ingest.no_beat", extra={"kind": type(error).__name__})


async def _zones(rag: Rag, tell: Tell) -> dict[str, Zone] | None:
    """By name; `None` while the ledger is out of reach, which is no reason to end.

    Held zones are none of ours: no deployment, so that nobody can start a run, no watcher, no schedule, no hints.
    """
    try:
        return {zone.name: zone for zone in await rag.ledger.zones() if not zone.held}
    except Temporary as error:
        log.error("ingest.ledger_unreachable", extra={"code": error.code})  # noqa: TRY400
        tell(f"  {error}")
        return None


async def _told(rag: Rag) -> frozenset[str]:
    """Hints of storage events; none while they are out of reach."""
    try:
        return await rag.state.hints.take()
    except Temporary as error:
        log.warning("ingest.hints_unreachable", extra={"code": error.code})
        return frozenset()


async def _server_is_up(stop: asyncio.Event) -> None:
    """Waits for it: the server starts when we start, and may take longer."""
    deadline = asyncio.get_running_loop().time() + _SERVER_PATIENCE_S
    async with get_client() as client:
        while not stop.is_set() and await client.api_healthcheck() is not None:
            if asyncio.get_running_loop().time() > deadline:
                hint = "See logs/prefect.log in BELEG_HOME."
                raise Temporary("prefect_unreachable", "The Prefect server does not answer.", hint=hint)
            await asyncio.sleep(0.2)


async def _pause(changed: asyncio.Queue[str], stop: asyncio.Event, *, longest_s: float) -> None:
    """Until a hint, a stop, or time to look for new zones."""
    waiting = [asyncio.create_task(changed.get()), asyncio.create_task(stop.wait())]
    done, pending = await asyncio.wait(waiting, timeout=longest_s, return_when=asyncio.FIRST_COMPLETED)
    for item in pending:
        item.cancel()
    if waiting[0] in done:
        changed.put_nowait(waiting[0].result())  # type: ignore[arg-type]  # the first task yields the zone's name


async def _watch(folders: Mapping[str, Path], changed: asyncio.Queue[str], stop: asyncio.Event) -> None:
    async for names in hints(lambda: folders, stop):
        for name in names:
            changed.put_nowait(name)
