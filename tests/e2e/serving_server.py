"""The application on a real socket, in a thread of the test's own process."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn
from instance import free_ports
from serving_scene import World, world

from rag.adapters.page_image import PdfPages
from serving.app import create_app


@dataclass
class Server:
    url: str
    world: World


@contextmanager
def serve(**world_options: object) -> Iterator[Server]:
    """Up when entered, down when left."""
    with ThreadPoolExecutor(1) as other:  # in this thread a browser's loop may run already
        scene = other.submit(asyncio.run, world(page_images=PdfPages(), **world_options)).result()
    (port,) = free_ports(1)
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(scene.open), host="127.0.0.1", port=port, log_config=None, timeout_graceful_shutdown=2
        )
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server ended while starting"
        threading.Event().wait(0.02)
    try:
        yield Server(f"http://127.0.0.1:{port}", scene)
    finally:
        server.should_exit = True
        thread.join(timeout=10)
