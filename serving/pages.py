"""The chat page, the console, a source by its address, the API's description: files in `page/`, nothing from elsewhere."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from starlette.responses import FileResponse
from starlette.staticfiles import StaticFiles

FOLDER = Path(__file__).parent / "page"

routes = APIRouter(include_in_schema=False)
static = StaticFiles(directory=FOLDER / "static")


@routes.get("/")
async def chat_page() -> FileResponse:
    return _page("chat.html")


@routes.get("/console")
async def console_page() -> FileResponse:
    return _page("console.html")


@routes.get("/sources/{document_id}/{version}")
async def source_page(document_id: str, version: str) -> FileResponse:  # noqa: ARG001 - read by the page's own script
    return _page("source.html")


@routes.get("/docs")
async def docs_page() -> FileResponse:
    return _page("docs.html")


@routes.get("/favicon.ico")
async def icon() -> FileResponse:
    return FileResponse(FOLDER / "static" / "icon.svg", media_type="image/svg+xml")


def _page(name: str) -> FileResponse:
    return FileResponse(FOLDER / name, media_type="text/html; charset=utf-8")
