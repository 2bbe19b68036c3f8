"""One run of one zone in a process of its own: the entrypoint of deployments whose worker starts a container for each run.

`beleg up` does not use it: there the models stay warm (`flows/desk.py`). It opens the chain, sweeps, closes. Settings come
from the environment as everywhere.
"""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State

from flows.ingest import ingest_flow
from flows.sweep import Sweep
from rag.compose import open_rag
from rag.settings import read_settings


@flow(name="ingest", flow_run_name="{zone}: ingest", persist_result=False)
async def ingest(zone: str, retry: bool = False, confirm_deletions: bool = False) -> Sweep | State[Any]:
    """Compares the landing zone with what is indexed, takes in what is new and takes out what is gone."""
    async with open_rag(read_settings()) as rag:
        run = ingest_flow(rag, tell=print).fn
        ended: Sweep | State[Any] = await run(zone, retry=retry, confirm_deletions=confirm_deletions)
        return ended
