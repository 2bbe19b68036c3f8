"""`POST /v1/chat/completions`: OpenAI's request → our question → OpenAI's answer, in one piece or as a stream."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import aclosing
from typing import Any, cast

import orjson
from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from rag.errors import BelegError
from rag.types import Answer, Question
from serving import shapes
from serving.accounting import accounted
from serving.errors import internal, problem_of
from serving.front import Front
from serving.identity import Asker
from serving.models import use_case_for
from serving.settings import Limits
from serving.wire import ChatRequest, question

log = logging.getLogger(__name__)

_STREAM_DOC = (
    "With `stream: true`: server-sent events of `chat.completion.chunk`. The last chunk with a choice carries "
    "`delta.annotations` and `beleg`; `data: [DONE]` ends the stream. An error in mid-stream is one event "
    '`data: {"error": {...}}`, and then the stream ends.'
)


def router(limits: Limits) -> APIRouter:
    """Its one route."""
    routes = APIRouter(tags=["OpenAI"])

    @routes.post(
        "/v1/chat/completions",
        summary="Ask",
        description=f"A cited answer from the documents that the asker may read. {_STREAM_DOC}",
        response_model=shapes.Completion,
    )
    async def chat(body: ChatRequest, request: Request, asker: Asker) -> Response:
        front: Front = request.app.state.front
        asked = question(
            body, request_id=request.scope["beleg.request_id"], asker=asker,
            use_case=use_case_for(body.model, asker, front), limits=limits,
        )  # fmt: skip
        parts = cast("AsyncGenerator[str | Answer]", accounted(asked, front))
        if body.stream:
            wants_usage = bool(body.stream_options and body.stream_options.include_usage)
            return await _stream(parts, asked, wants_usage=wants_usage)
        async with aclosing(parts):
            answer = await _last(parts)
        whole = shapes.completion(answer, model=asked.use_case.name, created=int(time.time()))
        return Response(whole.model_dump_json(), media_type="application/json")

    return routes


async def _last(parts: AsyncIterator[str | Answer]) -> Answer:
    answer: Answer | None = None
    async for part in parts:
        if isinstance(part, Answer):
            answer = part
    if answer is None:
        raise AssertionError("the chain ended without an answer")
    return answer


async def _stream(parts: AsyncGenerator[str | Answer], asked: Question, *, wants_usage: bool) -> Response:
    """Waits for the first part, so that what fails before it still gets its own status."""
    try:
        first = await anext(parts)
    except BaseException:
        await parts.aclose()
        raise
    return EventStream(_events(first, parts, asked, wants_usage=wants_usage), parts.aclose)


async def _events(
    first: str | Answer, parts: AsyncIterator[str | Answer], asked: Question, *, wants_usage: bool
) -> AsyncGenerator[bytes]:
    chunks = _Chunks(asked, wants_usage=wants_usage)
    yield chunks.event({"role": "assistant", "content": ""})
    try:
        part: str | Answer | None = first
        while part is not None:
            if isinstance(part, Answer):
                for event in chunks.end(part):
                    yield event
            else:
                yield chunks.event({"content": part})
            part = await anext(parts, None)
    except BelegError as error:
        yield _data(problem_of(error).openai())
        return
    except Exception as error:  # noqa: BLE001 - the status is long sent: the stream itself must say that it broke
        log.error("chat.broke_off", extra={"request": asked.id, "kind": type(error).__name__})  # noqa: TRY400
        yield _data(internal(asked.id).openai())
        return
    yield b"data: [DONE]\n\n"


class _Chunks:
    """OpenAI's `chat.completion.chunk`s of one answer."""

    def __init__(self, asked: Question, *, wants_usage: bool) -> None:
        self._wants_usage = wants_usage
        self._frame: dict[str, Any] = {
            "id": shapes.completion_id(asked.id),
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": asked.use_case.name,
        }

    def event(self, delta: dict[str, Any], *, finish_reason: str | None = None, **beside: object) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason, "logprobs": None}
        usage = {"usage": None} if self._wants_usage else {}
        return _data({**self._frame, "choices": [choice], **usage, **beside})

    def end(self, answer: Answer) -> list[bytes]:
        """Citations come last because a claim is cited only once it is verified whole."""
        delta = {"content": "", "annotations": [_plain(a) for a in shapes.url_citations(answer)]}
        events = [self.event(delta, finish_reason=shapes.finish_reason(answer), beleg=_plain(shapes.beleg(answer)))]
        if self._wants_usage:
            events.append(_data({**self._frame, "choices": [], "usage": _plain(shapes.usage_out(answer.usage))}))
        return events


def _plain(model: BaseModel) -> dict[str, Any]:
    return model.model_dump(mode="json")


def _data(value: dict[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(value) + b"\n\n"


class EventStream(Response):
    """Server-sent events that end at once, and clean up, when the caller hangs up.

    Starlette's own streaming leaves the generator to the garbage collector; a reservation must not wait for that.
    """

    def __init__(self, events: AsyncGenerator[bytes], close: Callable[[], Coroutine[Any, Any, None]]) -> None:
        super().__init__(media_type="text/event-stream; charset=utf-8", headers={"X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._events = events
        self._close = close

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        sending = asyncio.ensure_future(self._send(send))
        leaving = asyncio.ensure_future(_hung_up(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            if not sending.done():
                log.info("chat.caller_left", extra={"request": scope.get("beleg.request_id")})
                sending.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)
            await self._events.aclose()
            await asyncio.shield(asyncio.ensure_future(self._close()))
        if not sending.cancelled():
            sending.result()

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async for event in self._events:
            await send({"type": "http.response.body", "body": event, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
