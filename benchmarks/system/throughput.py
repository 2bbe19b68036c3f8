"""Does the whole way in keep the embedder busy, and does its memory stay where it is?

`python -m benchmarks.system.throughput --files 2000`: a made-up zone of mixed files (`benchmarks.system.mixed`) through the whole
flow under a Prefect server, from listing to publish, in two halves; after each half the embedder alone, with all cores, on the
very texts that were indexed. Both rates come from the same machine with the same cores, in turn, so that neighbours weigh on both.

`python -m benchmarks.system.throughput --small 10000`: as many files of one line each, a fifth first; the memory of all processes.

On a machine whose cores all compute for the embedder anyway, whatever else has to be computed takes time from it: the ceiling is
the embedder's own processor seconds as a share of all. The share of Prefect is that of the same number of its tasks with
nothing in them, one after the other; in the flow, half of them overlap with work.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread

from benchmarks.report import write_table
from benchmarks.system.corpus import _alone, _free_port, _texts
from benchmarks.system.mixed import write
from benchmarks.system.processes import processor_s, resident_mib

_STEPS = 5
_EVERY_S = 5.0
"""A look at all processes takes processor time, too."""
_ZONE = "mixed"


@dataclass(slots=True)
class Run:
    """One sweep. Memory in MiB at its highest: of this process alone, and with its children."""

    wall_s: float = 0.0
    processor_s: float = 0.0
    tasks: int = 0
    own_mib: float = 0.0
    all_mib: float = 0.0
    told: list[str] = field(default_factory=list)


@contextmanager
def watched(run: Run) -> Iterator[None]:
    """Fills in what a sweep takes."""
    ended, group = Event(), os.getpgrp()

    def look() -> None:
        while not ended.wait(_EVERY_S):
            run.own_mib = max(run.own_mib, _own_mib())
            run.all_mib = max(run.all_mib, resident_mib([group]))
            run.processor_s = max(run.processor_s, processor_s([group]) - before)

    before, began, watching = processor_s([group]), time.perf_counter(), Thread(target=look)
    watching.start()
    try:
        yield
    finally:
        run.wall_s = time.perf_counter() - began
        ended.set()
        watching.join()


def _own_mib() -> float:
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


async def swept() -> Run:
    """The zone, once; the models are loaded and the server is up before the clock runs, as they are in an instance."""
    from beleg.home import here
    from flows.worker import sweep_all
    from rag.compose import open_rag

    run = Run()
    async with open_rag(here()) as rag:
        await rag.warm()
        await empty_tasks_s(1)
        zones = [await rag.zone(_ZONE)]
        with watched(run):
            sweeps = await sweep_all(rag, zones, tell=run.told.append)
    assert sweeps, run.told[-1]
    assert not sweeps[0].failed, run.told
    run.tasks = sum(": parse " in line for line in run.told) * _STEPS
    return run


async def empty_tasks_s(number: int) -> float:
    """As many tasks as the flow has, which do nothing."""
    from prefect import flow

    from flows.steps import step

    async def nothing() -> None:
        pass

    @flow(name="nothing")
    async def nothings() -> float:
        began = time.perf_counter()
        for _ in range(number):
            await step("nothing", nothing)
        return time.perf_counter() - began

    return await nothings()


async def mixed(number: int, home: Path) -> list[dict[str, object]]:
    from beleg.home import here, prepared_home
    from beleg.ingesting import quiet_prefect
    from beleg.zones import add_zone

    made, docs = home / "made", home / "docs"
    write(made, number)
    docs.mkdir()
    shutil.copy(made / "zone.yaml", docs)
    prepared_home(here())
    quiet_prefect(here())
    await add_zone(docs, name=_ZONE)
    rows: list[dict[str, object]] = []
    half = -(-number // 2)
    files = sorted(path for path in made.rglob("*.*") if path.name != "zone.yaml")
    for name, part in (("first half", files[:half]), ("second half", files[half:])):
        for path in part:
            (docs / path.parent.name).mkdir(exist_ok=True)
            path.rename(docs / path.parent.name / path.name)
        run = await swept()
        texts = await _texts(_ZONE, names=frozenset(path.name for path in part))
        rows.append(await _row(name, len(part), run, texts))
    return rows


async def _row(name: str, files: int, run: Run, texts: list[str]) -> dict[str, object]:
    group = [os.getpgrp()]
    before = processor_s(group)
    alone_s = await _alone(texts)
    alone_processor_s = processor_s(group) - before
    prefect_s = await empty_tasks_s(run.tasks)
    cores = os.cpu_count() or 1
    return {
        "what": name, "files": files, "chunks": len(texts), "flow": f"{run.wall_s:.0f} s",
        "embedder alone": f"{alone_s:.0f} s", "flow's rate / embedder's own": f"{alone_s / run.wall_s:.0%}",
        "ceiling": f"{alone_processor_s / max(run.processor_s, alone_processor_s):.0%}",
        "cores in use": f"{run.processor_s / run.wall_s:.2f} of {cores}",
        "Prefect": f"{run.tasks} tasks, {prefect_s:.1f} s, {prefect_s / run.wall_s:.1%}",
        "memory": f"{run.own_mib:.0f} MiB, {run.all_mib:.0f} with children",
    }  # fmt: skip


async def small(number: int, home: Path) -> list[dict[str, object]]:
    from beleg.home import here, prepared_home
    from beleg.ingesting import quiet_prefect
    from beleg.zones import add_zone

    docs = home / "docs"
    docs.mkdir()
    (docs / "zone.yaml").write_text("tenant: acme\nowner: benchmark\n", encoding="utf-8")
    prepared_home(here())
    quiet_prefect(here())
    await add_zone(docs, name=_ZONE)
    rows: list[dict[str, object]] = []
    for begin, end in ((0, number // 5), (number // 5, number)):
        for at in range(begin, end):
            (docs / f"{at:05}.txt").write_text(
                f"Hinweis {at}: Der Filter {at % 977} wird gewechselt.\n", encoding="utf-8"
            )
        run = await swept()
        rows.append(
            {
                "what": f"files {begin + 1} to {end}",
                "flow": f"{run.wall_s:.0f} s",
                "highest memory": f"{run.own_mib:.0f} MiB",
                "with children": f"{run.all_mib:.0f} MiB",
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=2000)
    parser.add_argument("--small", type=int, default=0)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["BELEG_HOME"], os.environ["BELEG_PREFECT_PORT"] = f"{folder}/home", str(_free_port())
        os.environ["PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS"] = "180"
        if chosen.small:
            rows = asyncio.run(small(chosen.small, Path(folder)))
        else:
            rows = asyncio.run(mixed(chosen.files, Path(folder)))
    write_table("throughput_memory" if chosen.small else "throughput", rows, note=__doc__ or "")


if __name__ == "__main__":
    main()
