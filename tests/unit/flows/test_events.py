"""A process ends, also when the workflow server has gone before it."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future
from typing import cast

from prefect.events.utilities import emit_event
from prefect.events.worker import EventsWorker
from prefect.settings import PREFECT_API_URL, temporary_settings
from websockets.asyncio.server import ServerConnection, serve

from flows.events import never_wait_for_a_server_that_has_gone

EVENTS = 200
"""Prefect's own patience with these is 23 minutes."""


async def test_events_for_a_server_that_has_gone_do_not_hold_up_the_end() -> None:
    heard = asyncio.Event()

    async def listens(connection: ServerConnection) -> None:
        await connection.recv()
        await connection.send('{"type": "auth_success"}')
        await connection.recv()
        heard.set()
        await connection.wait_closed()

    def emit(count: int) -> None:
        for number in range(count):
            emit_event(event="beleg.test", resource={"prefect.resource.id": f"beleg.test.{number}"})

    await asyncio.to_thread(
        EventsWorker.drain_all, timeout=60
    )  # a process has one, and another test may have opened it
    async with serve(listens, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with temporary_settings({PREFECT_API_URL: f"http://127.0.0.1:{port}/api"}):
            never_wait_for_a_server_that_has_gone()
            try:
                await asyncio.to_thread(emit, 1)
                await asyncio.wait_for(heard.wait(), timeout=60)
                server.close()
                await server.wait_closed()
                await asyncio.to_thread(emit, EVENTS)
                ended = await asyncio.to_thread(EventsWorker.drain_all, timeout=120)
            finally:
                EventsWorker.set_client_override(None)
    _, waiting = cast(tuple[set[Future[bool]], set[Future[bool]]], ended)
    assert not waiting
