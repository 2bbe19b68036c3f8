"""`GET /v1/sources/...`: opens what a citation points at. Access is decided anew for every request, and on record.

Served is the cleared text and, for a PDF, its page with personal data painted over; never the original file.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel
from starlette.responses import Response

from rag.errors import BelegError, Permanent, Refused
from rag.types import AuditRow, Box, Cleared, Place, Principal, now
from serving.front import Front
from serving.identity import Asker, may_read
from serving.settings import Limits
from serving.shapes import PlaceOut, passage_digest, place_out
from serving.wire import as_of as parsed_as_of

PDF = "application/pdf"
AsOf = Annotated[str | None, Query(max_length=40, description="As the question was asked; default: now.")]
_LONGEST = 100
"""Characters of an id that a caller made up; ours are shorter."""


class ElementOut(BaseModel):
    """A typed piece of the text, by span."""

    kind: str
    start: int
    end: int
    level: int | None = None
    header_end: int | None = None


class MarkOut(BaseModel):
    """From `start` on, the text stands on this page, slide, sheet or attachment."""

    start: int
    page: int | None = None
    slide: int | None = None
    sheet: str | None = None
    part: str | None = None


class HighlightOut(BaseModel):
    """The cited span and where it stands; boxes for the page image. `of`: digest of its text."""

    start: int
    end: int
    of: str
    places: list[PlaceOut]


class Source(BaseModel):
    """A document version as cleared. All spans count code points of the whole text.

    `text` begins at `text_start`: a window around the passage where the whole is more than the server sends at once.
    """

    document_id: str
    version: str
    document: str
    zone: str
    path: str
    title: str
    media_type: str
    language: str
    pages: int | None
    is_redacted: bool
    has_page_images: bool
    length: int
    text_start: int
    text: str
    elements: list[ElementOut]
    marks: list[MarkOut]
    highlight: HighlightOut | None


def router(limits: Limits) -> APIRouter:
    """Text and page images."""
    routes = APIRouter(tags=["Evidence"])

    @routes.get("/v1/sources/{document_id}/{version}", summary="Open a source")
    async def source(
        document_id: str,
        version: str,
        request: Request,
        asker: Asker,
        start: Annotated[int, Query(ge=0, description="First code point of the passage.")] = 0,
        end: Annotated[int, Query(ge=0, description="After its last; 0 = no passage.")] = 0,
        of: Annotated[
            str, Query(max_length=40, description="Digest of the passage, as the citation's URL has it.")
        ] = "",
        as_of: AsOf = None,
    ) -> Source:
        """The cleared text with its structure, and the passage's place. 404 if the asker may not read it."""
        front: Front = request.app.state.front
        at = parsed_as_of(as_of, "as_of", now())
        async with _on_record(document_id, version, asker, front, request, page=None):
            cleared = _with(of, start, end, await _readable(document_id, version, asker, front, at))
        return _source(cleared, start, min(end, len(cleared.text)), limits)

    @routes.get(
        "/v1/sources/{document_id}/{version}/page/{page}.png",
        summary="A PDF page as a picture",
        response_class=Response,
        responses={200: {"content": {"image/png": {}}}},
    )
    async def page_image(
        document_id: str, version: str, page: int, request: Request, asker: Asker, as_of: AsOf = None
    ) -> Response:
        """Personal data is painted over. 404 if that cannot be done, or if the file has changed since."""
        front: Front = request.app.state.front
        at = parsed_as_of(as_of, "as_of", now())
        async with _on_record(document_id, version, asker, front, request, page=page):
            cleared, *_ = await _readable(document_id, version, asker, front, at)
            readings = await front.library.readings(document_id, version)  # what any parser has found is painted over
            masks = [box for one in readings for box in _masks(one, page)]
            png = await front.page_images.png(await _original(cleared, front), page, masked=masks)
        return Response(png, media_type="image/png")

    return routes


async def _readable(
    document_id: str, version: str, asker: Principal, front: Front, at: datetime | None
) -> list[Cleared]:
    """Its readings, one at least. One answer for what is not there and for what is not the asker's: nobody learns which."""
    readings = await front.library.readings(document_id, version)
    readable = [cleared for cleared in readings if may_read(asker, cleared.document.labels, at=at)]
    if not readable:
        raise Refused(
            "source_not_found", "There is no such source for this key.", hint="It may have been replaced or removed."
        )
    return readable


def _with(of: str, start: int, end: int, readings: list[Cleared]) -> Cleared:
    """The reading in which the passage stands; the first if it stands in none."""
    return next((one for one in readings if passage_digest(one.text[start:end]) == of), readings[0])


@asynccontextmanager
async def _on_record(
    document_id: str, version: str, asker: Principal, front: Front, request: Request, *, page: int | None
) -> AsyncIterator[None]:
    """No record, no reading: the row stands before anything is sent, and a refused opening leaves one too."""
    await front.audit.ready()
    facts: dict[str, object] = {"document_id": document_id[:_LONGEST], "version": version[:_LONGEST], "page": page}
    row = AuditRow(
        id=request.scope["beleg.request_id"], at=now(), actor=asker.subject, tenant=asker.tenant,
        action="source.open", outcome="opened", facts=facts,
    )  # fmt: skip
    try:
        yield
    except BelegError as error:
        await front.audit.append(replace(row, outcome="refused", facts={**facts, "error": error.code}))
        raise
    await front.audit.append(row)


def _masks(cleared: Cleared, page: int) -> list[Box]:
    """What to paint over on a page. Raises `Refused` where not every finding is known by page and box."""
    if not _has_page_images(cleared):
        raise Refused(
            "page_not_shown", "Pages of this document are not shown as pictures.", hint="Its text is available."
        )
    on_page = [place for place in cleared.masked if place.page == page]
    if any(place.box is None for place in on_page):
        raise Refused("page_not_shown", "This page is not shown as a picture.", hint="Its text is available.")
    return [place.box for place in on_page if place.box is not None]


def _has_page_images(cleared: Cleared) -> bool:
    masked = cleared.masked
    if cleared.media_type != PDF or any(place.page is None for place in masked):
        return False
    return bool(masked) or not cleared.is_redacted


async def _original(cleared: Cleared, front: Front) -> bytes:
    """The file's bytes, if the zone still holds this very version."""
    gone = Refused("version_gone", "This version is no longer in its zone.", hint="Its text is available.")
    zone = next((zone for zone in await front.ledger.zones() if zone.name == cleared.document.zone), None)
    if zone is None:
        raise gone
    try:
        document = await front.landing.read(zone, cleared.document.path)
    except Permanent as error:
        raise gone from error
    if document.version != cleared.document.version:
        raise gone
    return document.content


def _source(cleared: Cleared, start: int, end: int, limits: Limits) -> Source:
    begin, stop = _window(len(cleared.text), start, limits.source_characters)
    document = cleared.document
    highlight = None
    if start < end:
        places = [place_out(place) for place in cleared.places if place.start < end and place.end > start]
        highlight = HighlightOut(start=start, end=end, of=passage_digest(cleared.text[start:end]), places=places)
    return Source(
        document_id=document.id, version=document.version, document=document.uri, zone=document.zone,
        path=document.path, title=cleared.title, media_type=cleared.media_type, language=cleared.language,
        pages=cleared.pages, is_redacted=cleared.is_redacted, has_page_images=_has_page_images(cleared),
        length=len(cleared.text), text_start=begin, text=cleared.text[begin:stop],
        elements=[
            ElementOut(kind=e.kind, start=e.start, end=e.end, level=e.level, header_end=e.header_end)
            for e in cleared.elements
            if e.start < stop and e.end > begin
        ],
        marks=[mark for mark in _marks(cleared.places) if begin <= mark.start < stop],
        highlight=highlight,
    )  # fmt: skip


def _window(length: int, start: int, most: int) -> tuple[int, int]:
    """A third before the passage, the rest after it."""
    if length <= most:
        return 0, length
    begin = max(0, min(start - most // 3, length - most))
    return begin, begin + most


def _marks(places: tuple[Place, ...]) -> list[MarkOut]:
    marks: list[MarkOut] = []
    last: tuple[object, ...] = (None, None, None, None)
    for place in places:
        here = (place.page, place.slide, place.sheet, place.part)
        if here != last:
            marks.append(
                MarkOut(start=place.start, page=place.page, slide=place.slide, sheet=place.sheet, part=place.part)
            )
            last = here
    return marks
