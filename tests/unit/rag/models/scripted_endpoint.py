"""A real HTTP server on the loopback that answers a chat request with whatever a test wants, however broken."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

Script = Callable[[asyncio.StreamWriter], Awaitable[None]]

STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nconnection: close\r\n\r\n"


@dataclass
class Endpoint:
    base_url: str
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


def event(content: str | None = None, *, finish: str | None = None, usage: dict[str, int] | None = None) -> bytes:
    choices = (
        []
        if content is None and finish is None
        else [{"index": 0, "delta": {"content": content}, "finish_reason": finish}]
    )
    chunk: dict[str, Any] = {"object": "chat.completion.chunk", "choices": choices}
    if usage is not None:
        chunk["usage"] = usage
    return f"data: {json.dumps(chunk)}\n\n".encode()


def says(*pieces: bytes) -> Script:
    """Sends these bytes, piece by piece, and closes."""

    async def script(writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)

    return script


def hangs_after(*pieces: bytes) -> Script:
    """Sends these bytes and then nothing, with the connection open."""

    async def script(writer: asyncio.StreamWriter) -> None:
        await says(*pieces)(writer)
        await asyncio.sleep(3600)

    return script


def dies_after(*pieces: bytes) -> Script:
    """Sends these bytes and resets the connection."""

    async def script(writer: asyncio.StreamWriter) -> None:
        await says(*pieces)(writer)
        await asyncio.sleep(0.05)  # let them arrive before the reset overtakes them
        writer.transport.abort()

    return script


@asynccontextmanager
async def endpoint(script: Script) -> AsyncIterator[Endpoint]:
    """The server, up while the block runs; every request gets the same script."""
    seen = Endpoint(base_url="")
    running: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            seen.headers.append({"request": head[0], **headers})
            seen.requests.append(json.loads(await reader.readexactly(int(headers["content-length"]))))
            await script(writer)
            writer.close()
        except (asyncio.CancelledError, ConnectionError, asyncio.IncompleteReadError):
            writer.transport.abort()
        finally:
            running.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    seen.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield seen
    finally:
        server.close()
        for task in list(running):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
