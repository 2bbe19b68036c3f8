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
from collections.abc import Mapping, Sequence
from pathlib import Path

from beleg.services import Instance, Service
from beleg.up import environment, services
from benchmarks.report import write_table
from benchmarks.system.processes import processor_s, resident_mib
from rag.settings import Settings, read_settings

_SIGNS = {"ready for questions": "ready for questions", "third answer": "Done after"}
"""Moment → what the demo prints then."""
_BARE = "import sentence_transformers, presidio_analyzer"


def timed(command: Sequence[str], settings: Settings) -> float:
    """Seconds until the command has ended well."""
    return max(moments(command, settings, {}).values())


def moments(command: Sequence[str], settings: Settings, signs: Mapping[str, str]) -> dict[str, float]:
    """Seconds until the command first printed each sign, by the sign's name, and until it has ended well."""
    started, found = time.perf_counter(), dict[str, float]()
    child = subprocess.Popen(
        command, env=os.environ | environment(settings), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert child.stdout is not None
    for line in child.stdout:
        for name, sign in signs.items():
            if sign in line:
                found.setdefault(name, time.perf_counter() - started)
    if child.wait():
        raise subprocess.CalledProcessError(child.returncode, command)
    return found | {"everything stopped again": time.perf_counter() - started}


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
        first = moments([beleg, "demo", "--once"], settings, _SIGNS)
        second = moments([beleg, "demo", "--once"], settings, _SIGNS)
        bare = timed([sys.executable, "-c", _BARE], settings)
        rows = [_row("bare imports", bare, bare), _row("beleg --help", timed([beleg, "--help"], settings), bare)]
        rows += [alone(service, settings, bare) for service in services(settings) if service.health]
        rows += [_row(f"demo, first start: {what}", taken, bare) for what, taken in first.items()]
        rows += [_row(f"demo, second start: {what}", taken, bare) for what, taken in second.items()]
    write_table("start", rows, note=__doc__ or "")


if __name__ == "__main__":
    main()
