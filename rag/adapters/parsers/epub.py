"""EPUB → its chapters in reading order, each read as the page that it is (EPUB 3.3, W3C)."""

from __future__ import annotations

import io
import posixpath
import zipfile
from urllib.parse import unquote

from rag.adapters.parsers import markup, web
from rag.adapters.parsers.building import Building
from rag.errors import Permanent
from rag.types import Document, Parsed

MEDIA_TYPE = "application/epub+zip"
_PAGES = frozenset({"application/xhtml+xml", "text/html"})


def parse_epub(document: Document) -> Parsed:
    """Raises `Permanent`: `broken_file`, `password_protected` for rights management."""
    with zipfile.ZipFile(io.BytesIO(document.content)) as archive:
        names = set(archive.namelist())
        if "META-INF/rights.xml" in names or "META-INF/sinf.xml" in names:
            raise Permanent("password_protected", "The book is locked by rights management.", hint="Get it unlocked.")
        container = markup.tree(archive.read("META-INF/container.xml"))
        package_name = next((e.get("full-path", "") for e in container.iter("{*}rootfile")), "")
        if package_name not in names:
            raise Permanent("broken_file", "The book does not say what it holds.", hint="Export it anew.")
        package = markup.tree(archive.read(package_name))
        items = {e.get("id"): e for e in package.iter("{*}item")}
        chapters = [items[e.get("idref")] for e in package.iter("{*}itemref") if e.get("idref") in items]
        building = Building()
        for chapter in chapters:
            path = posixpath.normpath(posixpath.join(posixpath.dirname(package_name), unquote(chapter.get("href", ""))))
            if path in names and chapter.get("media-type") in _PAGES:
                web.read_into(building, archive.read(path), "paragraph")
        title = next((e.text for e in package.iter("{http://purl.org/dc/elements/1.1/}title")), None)
    return building.parsed(document, MEDIA_TYPE, title=title)
