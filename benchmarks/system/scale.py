"""What do two workers bring? The same zone by the flow of one process, and with its reading and embedding on Dask.

`python -m benchmarks.system.scale --files 400`, after `pip install prefect-dask==0.3.7` into the environment. Each Dask worker
is a process with models of its own and one thread for them; it takes portions of files and gives back vectors. The index has
one writer, so writing stays where it is, in the process of the flow. The flow of one process lets the model have all cores.
Both fill an empty home; models are loaded before the clock runs. What is counted last must be the same in both: the chunks.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from benchmarks.report import write_table
from benchmarks.system.corpus import _free_port
from benchmarks.system.mixed import write
from benchmarks.system.throughput import swept

if TYPE_CHECKING:
    pass

_ZONE = "mixed"
_INSTALL = "prefect-dask is missing: pip install prefect-dask==0.3.7"

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """Seconds from listing to publish, and what was indexed."""

    wall_s: float
    chunks: int


async def in_one_process() -> Done:
    run = await swept()
    return Done(wall_s=run.wall_s, chunks=await _chunks())


async def on_dask(workers: int) -> Done:
    """List, then portions on the workers in any order, each written as it comes back, then publish."""
    try:
        from prefect_dask import DaskTaskRunner
    except ImportError:
        raise SystemExit(_INSTALL) from None

    from beleg.home import here
    from benchmarks.system.scale_flow import OPENED, ingest
    from rag.compose import open_rag

    cluster = {"n_workers": workers, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    on_cluster = ingest.with_options(task_runner=DaskTaskRunner(cluster_kwargs=cluster))
    async with open_rag(here()) as rag:
        await rag.warm()
        OPENED.append(rag)
        wall_s = await on_cluster(await rag.zone(_ZONE), workers)
    return Done(wall_s=wall_s, chunks=await _chunks())


# --- both -----------------------------------------------------------------------------------------------------


async def _chunks() -> int:
    from beleg.home import here
    from rag.compose import open_state

    async with open_state(here()) as state:
        return sum(entry.receipt.chunks for entry in (await state.ledger.entries(_ZONE)).values())


async def _fresh(home: Path, files: int) -> None:
    from beleg.home import here, prepared_home
    from beleg.ingesting import quiet_prefect
    from beleg.zones import add_zone

    os.environ["BELEG_HOME"] = str(home / "home")
    docs = home / "docs"
    write(docs, files)
    prepared_home(here())
    quiet_prefect(here())
    await add_zone(docs, name=_ZONE)


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=400)
    parser.add_argument("--workers", type=int, default=2)
    chosen = parser.parse_args()
    os.environ["BELEG_PREFECT_PORT"] = str(_free_port())
    os.environ["PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS"] = "180"
    done: dict[str, Done] = {}
    for name, way in (("one process", in_one_process()), (f"Dask, {chosen.workers} workers", on_dask(chosen.workers))):
        home = Path(tempfile.mkdtemp(prefix="beleg-scale-"))
        try:
            await _fresh(home, chosen.files)
            done[name] = await way
        finally:
            shutil.rmtree(home)
    alone, *_ = done.values()
    rows: list[dict[str, object]] = [
        {"way": name, "files": chosen.files, "chunks": one.chunks, "wall": f"{one.wall_s:.0f} s",
         "rate to one process": f"{alone.wall_s / one.wall_s:.2f}"}
        for name, one in done.items()
    ]  # fmt: skip
    if len({one.chunks for one in done.values()}) != 1:
        sys.exit(f"The two ways did not index the same: {done}")
    write_table("scale", rows, note=__doc__ or "")


if __name__ == "__main__":
    asyncio.run(main())
