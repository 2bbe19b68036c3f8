"""A real Prefect server for tests, with the settings that `beleg up` gives it: one for a process, started by the first test
that asks for it. Prefect keeps one worker for events per process, so that a second server there would miss some.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from prefect.events.worker import EventsWorker
from prefect.settings import PREFECT_API_URL, temporary_settings

from beleg.up import environment
from rag.settings import Settings
from tests.e2e.instance import free_ports


@pytest.fixture(scope="session")
def prefect_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of its API."""
    with _server(tmp_path_factory.mktemp("prefect") / "home") as url:
        yield url


@pytest.fixture
async def prefect_server(prefect_url: str) -> AsyncIterator[None]:
    """What runs in this test runs there."""
    with temporary_settings({PREFECT_API_URL: prefect_url}):
        yield


@contextmanager
def _server(home: Path) -> Iterator[str]:
    ports = free_ports(3)
    settings = Settings(home=home, port=ports[0], prefect_port=ports[1], mlflow_port=ports[2])
    told = environment(settings)
    command = [
        Path(sys.executable).parent / "prefect",
        "server",
        "start",
        "--host",
        "127.0.0.1",
        "--port",
        str(ports[1]),
    ]
    home.mkdir(parents=True, exist_ok=True)
    with (home / "prefect.log").open("wb") as log:
        server = subprocess.Popen(command, env=os.environ | told, stdout=log, stderr=log, start_new_session=True)
        try:
            _wait(f"{told['PREFECT_API_URL']}/health", server)
            yield told["PREFECT_API_URL"]
        finally:
            EventsWorker.drain_all(timeout=60)
            os.killpg(server.pid, signal.SIGTERM)
            try:
                server.wait(timeout=20)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()


def _wait(url: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(3000):
        assert server.poll() is None, "the Prefect server ended"
        try:
            if httpx.get(url, timeout=2).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError("the Prefect server did not come up")
