"""What a zone would become, without making it so, and a page of it. Called by `beleg zone preview` and `beleg chunk show`."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

from beleg.home import here
from beleg.zones import DEFAULT_TENANT, chosen
from rag.errors import Permanent
from rag.ports import Landing
from rag.types import Chunk, Document, Zone

if TYPE_CHECKING:
    from rag.compose import Rag
    from rag.ingest.preview import Preview

_MARK = re.compile(r"&lt;([A-Z][A-Z_]+)&gt;")
"""What the guard puts in place of what it masks, after escaping."""


async def preview(named: str) -> AsyncIterator[tuple[Zone, Preview]]:
    """Every file of a zone, by its name, or of a folder that is none yet. Raises `Permanent`, `Temporary`."""
    from rag.compose import open_rag
    from rag.ingest.preview import previews

    async with open_rag(here()) as rag:
        zone = await _zone(named, await rag.ledger.zones(), rag.intake.landing)
        async for one in previews(zone, intake=rag.intake):
            yield zone, one


async def preview_file(path: Path) -> Preview:
    """One file, under the settings of the folder that it lies in. Raises `Permanent`."""
    from rag.compose import open_rag
    from rag.ingest.preview import preview_document

    async with open_rag(here()) as rag:
        zone, document = await known_document(path, rag)
        return await preview_document(document, zone, intake=rag.intake)


async def known_document(path: Path, rag: Rag) -> tuple[Zone, Document]:
    """A file with its labels: those of the zone that it lies in, or of its folder as if that were one. Raises `Permanent`."""
    if not path.is_file():
        raise Permanent(
            "no_such_file", f"{path} is no file.", hint="Name one file; `beleg zone preview` takes a folder."
        )
    from rag.adapters.landing.zone_file import read_zone_file

    path = path.resolve()
    zones = [zone for zone in await rag.ledger.zones() if path.is_relative_to(Path(zone.url))]
    zone = (
        await rag.intake.landing.zone(zones[0]) if zones else read_zone_file(path.parent, default_tenant=DEFAULT_TENANT)
    )
    return zone, await rag.intake.landing.read(zone, path.relative_to(Path(zone.url)).as_posix())


async def _zone(named: str, known: list[Zone], landing: Landing) -> Zone:
    if any(zone.name == named for zone in known):
        return await landing.zone(next(zone for zone in known if zone.name == named))
    folder = Path(named).expanduser()
    if not folder.is_dir():
        chosen(known, named)
    from rag.adapters.landing.zone_file import read_zone_file

    return read_zone_file(folder, default_tenant=DEFAULT_TENANT)


# --- a page to look at --------------------------------------------------------------------------------------------


def page(zone: Zone, found: list[Preview]) -> str:
    """One HTML page that needs nothing else: per file what could be searched, with the masked places marked."""
    rows = "".join(
        f'<tr><td><a href="#f{n}">{html.escape(one.path)}</a></td><td>{one.fate}</td><td>{html.escape(one.told)}</td></tr>'
        for n, one in enumerate(found)
    )
    bodies = "".join(_body(n, one) for n, one in enumerate(found))
    title = html.escape(f"Preview of the zone {zone.name}")
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{title}</title><style>{_STYLE}</style><h1>{title}</h1>"
        f"<p>Tenant {html.escape(zone.tenant)}, {zone.classification.name}. Nothing was indexed. A coloured mark stands "
        f"where personal data was masked; a file in quarantine would not be searched at all.</p>"
        f"<table><tr><th>File</th><th>Fate</th><th>Why</th></tr>{rows}</table>{bodies}</html>"
    )


_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #ddd;padding:.3rem .5rem;text-align:left}"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f6f6f4;padding:.8rem;border-left:4px solid #9ab}"
    "mark{background:#ffd7a8;border-radius:3px;padding:0 .2em}small{color:#666}"
)


def _body(number: int, one: Preview) -> str:
    if one.cleared is None:
        return ""
    cuts = "".join(
        f"<small>{at + 1}: {html.escape(where(chunk))}, {tokens} tokens</small><pre>{_marked(chunk.text)}</pre>"
        for at, (chunk, tokens) in enumerate(zip(one.chunks, one.tokens, strict=True))
    )
    return f'<h2 id="f{number}">{html.escape(one.path)}</h2>{cuts}'


def _marked(text: str) -> str:
    return _MARK.sub(r"<mark>\1</mark>", html.escape(text, quote=False))


def where(chunk: Chunk) -> str:
    """Where a chunk stands in its file, as far as the format says."""
    first = chunk.places[0] if chunk.places else None
    said = [] if first is None else [
        f"page {first.page}" if first.page else "", f"slide {first.slide}" if first.slide else "",
        f"sheet {first.sheet}" if first.sheet else "", first.cells or "", first.part or "",
    ]  # fmt: skip
    return ", ".join(filter(None, said)) or f"characters {chunk.start} to {chunk.end}"
