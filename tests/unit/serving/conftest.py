"""A world of twins behind the application, and a client that speaks ASGI to it without a socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import httpx
import pytest
from serving_scene import Client, world

from serving.app import create_app
from serving.settings import Limits


@pytest.fixture
async def opened() -> AsyncIterator[Callable]:
    """Opens a client on a world; several worlds in one test are fine."""
    async with AsyncExitStack() as stack:

        async def open_client(*, limits: Limits | None = None, **world_options: object) -> Client:
            scene = await world(**world_options)
            app = create_app(scene.open, limits=limits)
            await stack.enter_async_context(app.router.lifespan_context(app))
            transport = httpx.ASGITransport(app, raise_app_exceptions=True)
            client = await stack.enter_async_context(Client(transport=transport, base_url="http://beleg.test"))
            client.world = scene
            return client

        yield open_client


@pytest.fixture
async def client(opened: Callable) -> Client:
    return await opened()
