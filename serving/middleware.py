"""What every request passes, outermost first: `Envelope` (id, headers, the unforeseen) and `BodyLimit`. Pure ASGI."""

from __future__ import annotations

import asyncio
import logging
import re
import time
import traceback
import uuid
from collections.abc import MutableMapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag.errors import BelegError, Permanent, Temporary
from serving.errors import internal, problem_of
from serving.settings import Limits

log = logging.getLogger(__name__)

_TRACEPARENT = re.compile(rb"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}\Z")

_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = [
    (b"content-security-policy", _CSP.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
]


class Envelope:
    """Gives the request its id, the reply its headers, and the log one line; answers 500 for what nobody foresaw.

    The id is also the question's id in audit and logs. It is ours: a caller's `x-request-id` is not taken over.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = scope["beleg.request_id"] = str(uuid.uuid4())
        scope["beleg.trace_id"] = _trace_id(scope)
        began = time.perf_counter()
        status = 0

        async def enveloped(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), *_reply_headers(scope, message)]
            await send(message)

        try:
            await self._app(scope, receive, enveloped)
        except Exception as error:  # noqa: BLE001 - the last door: its message may carry text, so only its kind is told
            log.error("http.failed", extra=_where(error) | {"request": request_id})  # noqa: TRY400 - see above
            if not status:
                await internal(request_id).response(path=scope["path"], request_id=request_id)(
                    scope, receive, enveloped
                )
        finally:
            log.info(
                "http.request",
                extra={
                    "request": request_id,
                    "trace": scope["beleg.trace_id"],
                    "method": scope["method"],
                    "route": getattr(scope.get("route"), "path", None),
                    "status": status,
                    "ms": round((time.perf_counter() - began) * 1000, 1),
                },
            )


class BodyLimit:
    """Reads the whole body before anything parses it: too large or too slow is refused on the spot."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            async with asyncio.timeout(self._limits.body_patience_s):
                body = await self._body(scope, receive)
        except (BelegError, TimeoutError) as error:
            if isinstance(error, TimeoutError):
                error = Temporary("body_too_slow", "The request body came too slowly.")
            response = problem_of(error).response(path=scope["path"], request_id=scope["beleg.request_id"])
            await response(scope, receive, send)
            return
        if body is None:  # the caller has hung up
            return
        pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replayed() -> Message:
            return pending.pop() if pending else await receive()

        await self._app(scope, replayed, send)

    async def _body(self, scope: Scope, receive: Receive) -> bytes | None:
        limit = self._limits.body_bytes
        announced = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if announced.isdigit() and int(announced[:20]) > limit:
            raise _too_large(limit)
        parts: list[bytes] = []
        size = 0
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            parts.append(message.get("body", b""))
            more = message.get("more_body", False)
            size += len(parts[-1])
            if size > limit:
                raise _too_large(limit)
        return b"".join(parts)


def _too_large(limit: int) -> Permanent:
    return Permanent("body_too_large", f"The request body is larger than {limit // 1024} KB.")


def _trace_id(scope: Scope) -> str | None:
    """W3C trace context: the caller's trace, if it is well formed and not all zeros."""
    value = next((value for name, value in scope["headers"] if name == b"traceparent"), b"")
    match = _TRACEPARENT.match(value)
    return match[1].decode() if match and match[1].strip(b"0") and match[2].strip(b"0") else None


def _reply_headers(scope: Scope, message: MutableMapping[str, Any]) -> list[tuple[bytes, bytes]]:
    headers = [*_HEADERS, (b"x-request-id", scope["beleg.request_id"].encode())]
    if not any(name == b"cache-control" for name, _ in message.get("headers", [])):
        # Files of the page are asked for anew by ETag; everything else is somebody's own.
        headers.append((b"cache-control", b"no-cache" if scope["path"].startswith("/static/") else b"no-store"))
    return headers


def _where(error: BaseException) -> dict[str, object]:
    """Kind and place of an error, without its message."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    return {
        "kind": type(error).__name__,
        "at": [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in frames],
    }
