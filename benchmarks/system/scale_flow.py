"""The flow that `benchmarks.system.scale` puts on Dask: reading and embedding in the workers, writing where the flow is.

A module of its own: workers import it by name, and Prefect has to be imported after its settings are made.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack

import torch
from prefect import flow, task

from beleg.home import here
from rag.compose import Rag, open_rag
from rag.ingest.batch import Batch, File
from rag.ingest.ingest import Due, portions, survey
from rag.types import Vectors, Zone

OPENED: list[Rag] = []
"""This process's own: of the flow's process opened by the caller, of a worker's at its first task."""
_LOOP = asyncio.new_event_loop()


def prepared(zone: Zone, due: Sequence[Due]) -> list[File]:
    """How far each file has come: embedded, or out of the way with its receipt."""
    return _LOOP.run_until_complete(_prepared(zone, due))


prepare = task(name="read and embed", persist_result=False)(prepared)
"""Under a name of its own, so that workers find the function by its name; as a value it would carry the loop along."""


def opened() -> Rag:
    """Through a function, because what a flow names travels to the workers with it."""
    return OPENED[0]


@flow(name="ingest on Dask", validate_parameters=False, persist_result=False)
async def ingest(zone: Zone, workers: int) -> float:
    """Seconds from listing to publish; the workers load their models before."""
    for future in [prepare.submit(zone, ()) for _ in range(2 * workers)]:
        await asyncio.to_thread(future.result)
    rag, began = opened(), time.perf_counter()
    async with rag.writer() as writer:
        found = await survey(zone, intake=rag.intake)
        waiting = [(due, prepare.submit(zone, due)) for due in portions(found.due)]
        for due, future in waiting:
            batch = Batch(zone, due, intake=rag.intake, writer=writer)
            batch.files = await asyncio.to_thread(future.result)
            await batch.index()
        await writer.publish()
    return time.perf_counter() - began


async def _prepared(zone: Zone, due: Sequence[Due]) -> list[File]:
    if not OPENED:
        OPENED.append(await AsyncExitStack().enter_async_context(open_rag(here())))  # open until the worker ends
        await OPENED[0].warm()
        torch.set_num_threads(1)
    batch = Batch(zone, due, intake=opened().intake, writer=_Nowhere())  # type: ignore[arg-type]  # asked for vectors alone
    for step in batch.reading.values():
        await step()
    await batch.embed()
    return batch.files


class _Nowhere:
    """A writer of an index that holds no vectors yet."""

    async def vectors(self, texts: Sequence[str]) -> dict[str, Vectors]:  # noqa: ARG002
        return {}
