"""The HTTP application, put together. Opened by `beleg serve`; each worker process opens its own `Front`."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import Response

from rag.errors import BelegError
from serving import allowing, chat, events, health, models, pages, reviews, search, sources, zones
from serving.errors import Problem, problem_of, problem_of_status, problem_of_validation
from serving.front import Front
from serving.identity import Authentication
from serving.middleware import BodyLimit, Envelope
from serving.settings import Limits

log = logging.getLogger(__name__)

_ABOUT = """Cited answers from your own documents, under your own rules.

Works with OpenAI's clients: set `base_url` to `/v1` and name a use case as `model`. Every claim of an answer carries a
marker `[n]`; where it stands is in `message.annotations` and, in full, in `beleg`."""


class ErrorDetail(BaseModel):
    """OpenAI's."""

    message: str
    type: str
    param: str | None
    code: str


class ErrorOut(BaseModel):
    """OpenAI's error form."""

    error: ErrorDetail


_ERRORS: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorOut, "description": "The request is at fault."},
    401: {"model": ErrorOut, "description": "No valid API key."},
    403: {"model": ErrorOut, "description": "Refused by access or policy."},
    404: {"model": ErrorOut, "description": "Not there, or not for this key."},
    413: {"model": ErrorOut, "description": "Too large."},
    429: {"model": ErrorOut, "description": "Rate or budget used up; see `Retry-After`."},
    503: {"model": ErrorOut, "description": "Come back later; see `Retry-After`."},
}


class ProblemOut(BaseModel):
    """Problem details, RFC 9457."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    instance: str


_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": ProblemOut, "description": told}
    for status, told in {
        400: "The request is at fault.", 401: "No valid API key.", 403: "Not for this key.",
        404: "Not there, or not for this key.", 409: "It has changed since you looked.",
        429: "Too much at once; see `Retry-After`.", 503: "Come back later; see `Retry-After`.",
    }.items()
}  # fmt: skip


def create_app(
    open_front: Callable[[], AbstractAsyncContextManager[Front]], *, limits: Limits | None = None
) -> FastAPI:
    """The application; `open_front` is entered at start-up and left at shut-down of the process that serves."""
    limits = limits or Limits()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with open_front() as front:
            app.state.front = front
            yield

    app = FastAPI(
        title="Beleg", version="0.1.0", summary="Cited answers from your own documents.", description=_ABOUT,
        lifespan=lifespan, docs_url=None, redoc_url=None,
        redirect_slashes=False,  # its redirect is built from the Host header, which anybody may write
        strict_content_type=False,  # a missing one may pass, a wrong one is told
    )  # fmt: skip
    for routes in (chat.router(limits), models.routes, search.router(limits), sources.router(limits)):
        app.include_router(routes, responses=_ERRORS)
    for ours in (zones.routes, reviews.routes, allowing.routes):
        app.include_router(ours, responses=_PROBLEMS)
    app.include_router(events.routes)
    app.include_router(health.routes)
    app.include_router(pages.routes)
    app.mount("/static", pages.static, name="static")
    app.add_middleware(BodyLimit, limits=limits)
    app.add_middleware(Authentication)
    app.add_middleware(Envelope)  # the last added is the outermost
    app.add_exception_handler(BelegError, _told)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    return app


async def _told(request: Request, error: Exception) -> Response:
    assert isinstance(error, BelegError)  # noqa: S101 - registered for it
    log.info("http.refused", extra={"request": request.scope["beleg.request_id"], "code": error.code})
    return _respond(request, problem_of(error))


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it
    is_json = "json" in request.headers.get("content-type", "json")  # curl's -d says it were a form
    return _respond(request, problem_of_validation(error.errors()) if is_json else problem_of_status(415))


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
    return _respond(request, problem_of_status(error.status_code))


def _respond(request: Request, problem: Problem) -> Response:
    return problem.response(path=request.url.path, request_id=request.scope["beleg.request_id"])
