"""A real Prefect server for tests, with the settings that `beleg up` gives it: one for a process, started by the first test
that asks for it. Prefect keeps one worker for events per process, so that a second server there would miss some.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from prefect.events.worker import EventsWorker
from prefect.settings import PREFECT_API_URL, temporary_settings

from beleg.up import environment
from rag.settings import Settings
from tests.e2e.instance import free_ports
from tests.server_process import running


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
    url = told["PREFECT_API_URL"]
    with running(command, environment=told, health=f"{url}/health", log=home / "prefect.log"):
        try:
            yield url
        finally:
            EventsWorker.drain_all(timeout=60)
