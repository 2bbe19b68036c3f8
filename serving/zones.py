"""`/v1/zones`: for data owners, what has become of their files. Behind the page `/console`.

A key sees zones of its own tenant alone, and text only where its labels would let it be answered from; on record.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from rag.errors import Refused
from rag.ingest import hold
from rag.ingest.reporting import standing_of
from rag.ingest.standing import Fate, FileStatus, ZoneStatus
from rag.types import AuditRow, Cleared, Principal, Zone, now
from serving import zone_shapes as shapes
from serving.front import Front
from serving.identity import Asker, may_judge, may_look, may_look_at, may_read

_MOST_ROWS = 200
_MOST_PREVIEWED = 20
"""At some seconds a file, that is enough to wait for."""
Offset = Annotated[int, Query(ge=0, le=10_000_000, description="How many to pass over.")]


routes = APIRouter(tags=["Zones"])


@routes.get("/v1/zones", summary="Zones and how they stand")
async def zones(request: Request, asker: Asker) -> shapes.Zones:
    """Those of the key's tenant, by name."""
    front: Front = request.app.state.front
    standing = [(zone, await status_of(zone, front)) for zone in await visible(asker, front)]
    return shapes.Zones(
        subject=asker.subject, may_judge=may_judge(asker), zones=[shapes.zone_out(*one) for one in standing]
    )


@routes.get("/v1/zones/{name}/documents", summary="Files of a zone")
async def documents(
    name: str,
    request: Request,
    asker: Asker,
    fate: Annotated[Fate | None, Query(description="Only these.")] = None,
    search: Annotated[str, Query(max_length=200, description="Part of the path, in any case.")] = "",
    offset: Offset = 0,
    limit: Annotated[int, Query(ge=1, le=_MOST_ROWS)] = 50,
) -> shapes.Documents:
    """By path, a page at a time; `total` counts all that fit."""
    front: Front = request.app.state.front
    zone = await zone_of(name, asker, front)
    standing = await status_of(zone, front)
    found = _matching(standing.files, fate, search)
    return shapes.Documents(
        zone=shapes.zone_out(zone, standing), total=len(found), offset=offset,
        documents=[shapes.file_out(one) for one in found[offset : offset + limit]],
    )  # fmt: skip


@routes.get("/v1/zones/{name}/documents/{document_id}", summary="One file, and what of it can be searched")
async def document(name: str, document_id: str, request: Request, asker: Asker) -> shapes.DocumentDetail:
    """Passages as they are searched, with what was masked; none where the key may not read them."""
    front: Front = request.app.state.front
    zone = await zone_of(name, asker, front)
    one = file_of((await status_of(zone, front)).files, document_id)
    cleared = None if one.version is None else await front.library.cleared(document_id, one.version)
    is_hidden = cleared is not None and not may_read(asker, cleared.document.labels)
    if cleared is None or is_hidden:
        return shapes.document_out(one, None, (), is_hidden=is_hidden)
    await _on_record(request, asker, "console.document", {"document_id": document_id, "version": one.version})
    return shapes.document_out(one, cleared, await front.cut(cleared, zone), is_hidden=False)


@routes.get("/v1/zones/{name}/preview", summary="What would be searched and masked")
async def preview(
    name: str,
    request: Request,
    asker: Asker,
    offset: Offset = 0,
    limit: Annotated[int, Query(ge=1, le=_MOST_PREVIEWED)] = 5,
) -> shapes.PreviewPage:
    """Some files, read as an ingest would read them; nothing is written. It may end early: `next` says where to go on."""
    front: Front = request.app.state.front
    zone = await _readable(name, asker, front)
    await _on_record(request, asker, "console.preview", {"zone": name, "offset": offset, "limit": limit})
    looked = await front.preview(zone, offset, limit)
    return shapes.preview_out(looked, offset, zone=zone, may=lambda cleared: _may(asker, cleared))


@routes.post("/v1/zones/{name}/publish", summary="Let a held zone go", status_code=201)
async def publish(name: str, request: Request, asker: Asker) -> shapes.PublicationOut:
    """By whoever may look at its preview. On record, under the key's name, before it has effect; 409 if it is not held."""
    front: Front = request.app.state.front
    zone = await _readable(name, asker, front)
    made = await hold.publish(zone, by=asker.subject, ledger=front.ledger, audit=front.audit)
    return shapes.PublicationOut(zone=made.zone, by=made.by, at=made.at)


async def _readable(name: str, asker: Principal, front: Front) -> Zone:
    """Raises `Refused`: `zone_not_found`, `text_not_for_key`."""
    zone = await zone_of(name, asker, front)
    if not may_look_at(asker, zone, as_reader=True):
        raise Refused("text_not_for_key", "This key may not read the documents of this zone.", hint=_WHY_NOT)
    return zone


_WHY_NOT = "It needs the zone's business unit, one of its groups, and clearance for its classification."


async def visible(asker: Principal, front: Front) -> list[Zone]:
    """Those that the key may know of. Raises `Refused("console_not_for_key")`."""
    if not may_look(asker):
        raise Refused(
            "console_not_for_key", "This key may ask questions, and not look into zones.",
            hint="Ask your operator for a key with the role owner, steward or operator.",
        )  # fmt: skip
    return [zone for zone in await front.ledger.zones() if may_look_at(asker, zone)]


async def zone_of(name: str, asker: Principal, front: Front) -> Zone:
    """One answer for what is not there and for what is not the asker's: nobody learns which."""
    for zone in await visible(asker, front):
        if zone.name == name:
            return zone
    raise Refused(
        "zone_not_found", "There is no such zone for this key.", hint="GET /v1/zones lists those that there are."
    )


async def status_of(zone: Zone, front: Front) -> ZoneStatus:
    """As it stands now."""
    return await standing_of(zone, ledger=front.ledger, sweeps=front.sweeps, at=now(), sweep_s=front.sweep_s)


def _matching(files: tuple[FileStatus, ...], fate: Fate | None, search: str) -> list[FileStatus]:
    wanted = search.strip().casefold()
    return [one for one in files if fate in {None, one.fate} and wanted in one.path.casefold()]


def file_of(files: tuple[FileStatus, ...], document_id: str) -> FileStatus:
    """Raises `Refused("document_not_found")`."""
    for one in files:
        if one.document_id == document_id:
            return one
    raise Refused(
        "document_not_found", "There is no such file in this zone.", hint="It may have been removed with its zone."
    )


def _may(asker: Principal, cleared: Cleared) -> bool:
    """Before its validity begins too: a preview is there to look ahead."""
    return may_read(asker, cleared.document.labels, at=cleared.document.labels.valid_from)


async def _on_record(request: Request, asker: Principal, action: str, facts: dict[str, object]) -> None:
    """No record, no reading."""
    front: Front = request.app.state.front
    await front.audit.append(
        AuditRow(
            id=request.scope["beleg.request_id"], at=now(), actor=asker.subject, tenant=asker.tenant, action=action,
            outcome="opened", facts=facts,
        )
    )  # fmt: skip
