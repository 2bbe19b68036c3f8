"""Landing zone → published generation, as a Prefect flow. Called by `flows.worker` and `beleg ingest`.

Tasks pass names and counts, never texts. What a step does is decided in `rag.ingest`; here is only order, retry, name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from prefect import flow, task
from prefect.artifacts import acreate_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import TaskRun
from prefect.flows import Flow
from prefect.states import State as PrefectState
from prefect.tasks import Task

from rag.compose import Rag
from rag.errors import Temporary
from rag.ingest.ingest import Survey, ingest_one, remove, survey
from rag.ports import IndexWriter
from rag.types import Receipt, State, Zone

Tell = Callable[[str], None]
"""Takes one line of progress for people; the caller decides where it goes."""

_BATCH = 8
"""Files per task: small enough that a retry repeats little, large enough that Prefect's 20 ms per task do not show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """What one run did to one zone."""

    zone: str
    receipts: tuple[Receipt, ...]
    unchanged: int
    generation: str | None

    @property
    def failed(self) -> int:
        """Files that wait for the next sweep because something was temporarily out of reach."""
        return sum(r.state is State.discovered for r in self.receipts)


async def _only_temporary(_task: Task[..., Any], _run: TaskRun, state: PrefectState[Any]) -> bool:
    return isinstance(await state.aresult(raise_on_failure=False), Temporary)


def ingest_flow(rag: Rag, *, tell: Tell) -> Flow[[str], Any]:
    """The flow, bound to an opened `Rag` so that models stay warm from run to run."""
    retrying = task(retries=3, retry_delay_seconds=[1, 5, 20], retry_condition_fn=_only_temporary, cache_policy=NO_CACHE)

    @retrying(task_run_name="list zone {name}", persist_result=False)
    async def look(name: str) -> Survey:
        return await survey(await rag.zone(name), intake=rag.intake)

    @retrying(task_run_name="files {first} to {last} of {total}", persist_result=False)
    async def files(name: str, first: int, last: int, total: int, paths: Sequence[str]) -> list[Receipt]:
        return await _ingest_batch(rag, await rag.zone(name), paths, tell)

    @retrying(task_run_name="remove {count} deleted files", persist_result=False)
    async def clean(name: str, count: int, paths: Sequence[str]) -> list[Receipt]:
        return await _remove_batch(rag, await rag.zone(name), paths, tell)

    @retrying(task_run_name="publish", persist_result=False)
    async def publish() -> str:
        return await rag.writer.publish()

    @flow(name="ingest", flow_run_name="{zone}: ingest", persist_result=False, validate_parameters=False)
    async def ingest(zone: str) -> Sweep:
        async with rag.writing():
            found = await look(zone)
            receipts: list[Receipt] = []
            paths = [s.path for s in found.due]
            for start in range(0, len(paths), _BATCH):
                batch = paths[start : start + _BATCH]
                receipts += await files(zone, start + 1, start + len(batch), len(paths), batch)
            if found.gone:
                receipts += await clean(zone, len(found.gone), [r.path for r in found.gone])
            sweep = Sweep(zone=zone, receipts=tuple(receipts), unchanged=found.unchanged, generation=await publish())
        if receipts:
            await _show(sweep)
        return sweep

    return ingest


async def _ingest_batch(rag: Rag, zone: Zone, paths: Sequence[str], tell: Tell) -> list[Receipt]:
    """Sees the zone again, so that a retry works on what lies there now."""
    wanted = set(paths)
    due = [s for s in (await survey(zone, intake=rag.intake)).due if s.path in wanted]
    receipts = []
    for sighting in due:
        receipt = await ingest_one(zone, sighting, intake=rag.intake, writer=rag.writer)
        tell(line(receipt))
        receipts.append(receipt)
    return receipts


async def _remove_batch(rag: Rag, zone: Zone, paths: Sequence[str], tell: Tell) -> list[Receipt]:
    wanted = set(paths)
    gone = [r for r in (await survey(zone, intake=rag.intake)).gone if r.path in wanted]
    receipts = []
    for old in gone:
        receipt = await remove(zone, old, intake=rag.intake, writer=rag.writer)
        tell(line(receipt))
        receipts.append(receipt)
    return receipts


def line(receipt: Receipt) -> str:
    """One file's fate in one line, for a terminal."""
    what = f"{receipt.chunks} chunks" if receipt.state is State.indexed else receipt.code
    return f"  {receipt.zone}/{receipt.path}: {receipt.state.value} ({what}) {receipt.reason}".rstrip()


async def _show(sweep: Sweep) -> None:
    """The table of what happened, in Prefect's UI."""
    rows = [
        {"file": r.path, "state": r.state.value, "code": r.code, "chunks": r.chunks, "reason": r.reason, "hint": r.hint}
        for r in sweep.receipts
    ]
    await acreate_table_artifact(rows, key=f"zone-{_slug(sweep.zone)}", description=f"What became of zone {sweep.zone}")


def _slug(name: str) -> str:
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in name.lower()).strip("-") or "zone"
