"""How long the services take to start, alone and together, and what they hold: `python -m benchmarks.system.start`

Each service alone on an instance that has been up before, from its start to its first healthy answer; then the whole
`beleg demo --once` a second time (everything up, five zones swept, three questions answered, everything down). The
baseline of the ratios is a bare Python process that only imports sentence-transformers and Presidio, in the same run.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from beleg.services import Instance, Service
from beleg.up import environment, services
from benchmarks.report import write_table
from benchmarks.system.processes import processor_s, resident_mib
from rag.settings import Settings, read_settings

_BARE = "import sentence_transformers, presidio_analyzer"


def timed(command: Sequence[str], settings: Settings) -> float:
    """Seconds until the command has ended well."""
    started = time.perf_counter()
    subprocess.run(
        command, env=os.environ | environment(settings), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    return time.perf_counter() - started


def alone(service: Service, settings: Settings, bare_s: float) -> dict[str, object]:
    instance = Instance(settings.home / "logs")
    started = time.perf_counter()
    try:
        instance.start(service)
        instance.wait_until_up(service)
        taken = time.perf_counter() - started
        pids = instance.pids()
        row = _row(service.name, taken, bare_s)
        return row | {"processor": f"{processor_s(pids):.1f} s", "resident": f"{resident_mib(pids):.0f} MiB"}
    finally:
        instance.stop()


def _row(what: str, taken: float, bare_s: float) -> dict[str, object]:
    return {"what": what, "seconds": f"{taken:.1f}", "ratio to bare imports": f"{taken / bare_s:.1f}"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.parse_args()
    beleg = str(Path(sys.executable).with_name("beleg"))
    with tempfile.TemporaryDirectory() as folder:
        settings = read_settings(home=Path(folder) / "home")
        first = timed([beleg, "demo", "--once"], settings)
        second = timed([beleg, "demo", "--once"], settings)
        bare = timed([sys.executable, "-c", _BARE], settings)
        rows = [_row("bare imports", bare, bare), _row("beleg --help", timed([beleg, "--help"], settings), bare)]
        rows += [alone(service, settings, bare) for service in services(settings) if service.health]
        rows += [_row("demo, first start", first, bare), _row("demo, second start", second, bare)]
    write_table("start", rows, note=__doc__ or "")


if __name__ == "__main__":
    main()
