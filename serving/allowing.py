"""`/v1/allow-list`: a steward says that a finding of the guard is none. Behind the page `/console`.

Under the key's name, for one exact text in one zone, until a day; on record before it has any effect.
"""

from __future__ import annotations

from fastapi import APIRouter, Request

from rag.errors import Permanent, Refused
from rag.ingest import allow
from rag.ingest.allow import Wish
from rag.types import AllowEntry, AllowKind, Principal, Zone, now
from serving import allow_shapes as shapes
from serving.errors import BadRequest
from serving.front import Front
from serving.identity import Asker, may_judge
from serving.zones import file_of, status_of, visible, zone_of

routes = APIRouter(tags=["Zones"])


@routes.get("/v1/zones/{name}/documents/{document_id}/findings", summary="What the guard finds in a file")
async def findings(name: str, document_id: str, request: Request, asker: Asker) -> shapes.Findings:
    """Types and places, without the texts. The file is read for it; nothing is written."""
    front: Front = request.app.state.front
    zone = await zone_of(name, asker, front)
    _require_steward(asker)
    return shapes.findings_out(await _found(zone, document_id, front))


@routes.get("/v1/allow-list", summary="What is allowed")
async def allow_list(request: Request, asker: Asker) -> shapes.AllowList:
    """Of the key's tenant, as far as it may know of the zones; what has ended or was revoked is left out."""
    front: Front = request.app.state.front
    known = await _known(asker, front)
    is_steward = may_judge(asker)
    entries = [shapes.allow_out(one, subject=asker.subject, may_judge=is_steward) for one in reversed(known)]
    return shapes.AllowList(may_judge=is_steward, entries=entries)


@routes.post("/v1/allow-list", summary="A finding is none", status_code=201)
async def add(body: shapes.AllowIn, request: Request, asker: Asker) -> shapes.AllowOut:
    """This very text counts no more in the zone until the day is over. 409 if the file has other bytes by now."""
    front: Front = request.app.state.front
    zone = await zone_of(body.zone, asker, front)
    _require_steward(asker)
    found = await _found(zone, body.document_id, front)
    if found.version != body.version:
        raise BadRequest("version_changed", "The file has changed since you looked.", hint="Look at it anew.")
    seen = next((one for one in found.seen if one.number == body.finding), None)
    if seen is None:
        raise BadRequest("no_such_finding", "There is no finding of this number.", param="finding", hint="Look anew.")
    wish = Wish(
        tenant=zone.tenant, zone=zone, entity=seen.entity, kind=AllowKind.text, value=seen.text, by=asker.subject,
        reason=body.reason, until=shapes.end_of(body.until),
    )  # fmt: skip
    made = await allow.allow(wish, guard=front.guard, allow_list=front.allow_list, audit=front.audit, at=now())
    return shapes.allow_out(made, subject=asker.subject, may_judge=True)


@routes.post("/v1/allow-list/{entry_id}/approve", summary="A second person has looked")
async def approve(entry_id: str, request: Request, asker: Asker) -> shapes.AllowOut:
    """409 for one's own entry."""
    front: Front = request.app.state.front
    await _require_known(entry_id, asker, front)
    made = await allow.approve(
        entry_id, tenant=asker.tenant, by=asker.subject, allow_list=front.allow_list, audit=front.audit, at=now()
    )
    return shapes.allow_out(made, subject=asker.subject, may_judge=True)


@routes.post("/v1/allow-list/{entry_id}/revoke", summary="It counts again")
async def revoke(entry_id: str, body: shapes.RevokeIn, request: Request, asker: Asker) -> shapes.AllowOut:
    """From now on; what was indexed because of it is masked with the next sweep."""
    front: Front = request.app.state.front
    await _require_known(entry_id, asker, front)
    made = await allow.revoke(
        entry_id, tenant=asker.tenant, by=asker.subject, reason=body.reason, guard=front.guard,
        allow_list=front.allow_list, audit=front.audit, at=now(),
    )  # fmt: skip
    return shapes.allow_out(made, subject=asker.subject, may_judge=True)


def _require_steward(asker: Principal) -> None:
    if not may_judge(asker):
        raise Refused("steward_only", "Only a steward's or an operator's key may judge.", hint="Ask your operator.")


async def _found(zone: Zone, document_id: str, front: Front) -> shapes.Found:
    """Of a file that the ledger knows, as it lies there now."""
    one = file_of((await status_of(zone, front)).files, document_id)
    return await front.findings(zone, one.path)


async def _known(asker: Principal, front: Front) -> list[AllowEntry]:
    """Live entries of the asker's tenant, for all of it or for a zone that he may know of."""
    zones = {zone.name for zone in await visible(asker, front)}
    at = now()
    entries = await allow.newest(front.allow_list, tenant=asker.tenant)
    return [one for one in entries if one.is_live(at) and (one.zone is None or one.zone in zones)]


async def _require_known(entry_id: str, asker: Principal, front: Front) -> None:
    """One answer for what is not there and for what is not the asker's."""
    known = await _known(asker, front)
    _require_steward(asker)
    if entry_id not in {one.id for one in known}:
        raise Permanent("no_such_entry", "There is no such entry.", hint="GET /v1/allow-list shows what holds.")
