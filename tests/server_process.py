"""A real server as a child: waited for until it is healthy, ended whatever happens."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

_PATIENCE_S = 300


@contextmanager
def running(command: Sequence[str | Path], *, environment: Mapping[str, str], health: str, log: Path) -> Iterator[None]:
    """In the log's folder, its children in one group with it. `health`: address that answers 200 once it is up."""
    with log.open("wb") as said:
        server = subprocess.Popen(
            command, env=os.environ | environment, cwd=log.parent, stdout=said, stderr=said, start_new_session=True
        )
    try:
        _wait(health, server, log)
        yield
    finally:
        _end(server)


def _wait(health: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if httpx.get(health, timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"the server did not come up: {log.read_text(errors='replace')[-2000:]}")


def _end(server: subprocess.Popen[bytes]) -> None:
    if server.poll() is not None:
        return
    os.killpg(server.pid, signal.SIGTERM)
    try:
        server.wait(timeout=20)
    except subprocess.TimeoutExpired:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait()
