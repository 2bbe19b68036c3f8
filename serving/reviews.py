"""`/v1/reviews`: what the guard held back, and a steward's verdict. Behind the page `/console`. No verdict without a record."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request

from rag.errors import Refused
from rag.ingest import review
from serving import zone_shapes as shapes
from serving.errors import BadRequest
from serving.front import Front
from serving.identity import Asker, may_judge
from serving.zones import file_of, status_of, visible, zone_of

routes = APIRouter(tags=["Zones"])


@routes.get("/v1/reviews", summary="What the guard held back")
async def reviews(
    request: Request,
    asker: Asker,
    zone: Annotated[str | None, Query(max_length=200, description="Only of this zone.")] = None,
    judged: Annotated[bool, Query(description="Also what has a verdict.")] = False,
) -> shapes.Reviews:
    """Oldest first. A data owner sees it, a steward or an operator judges."""
    front: Front = request.app.state.front
    asked = await visible(asker, front) if zone is None else [await zone_of(zone, asker, front)]
    found = await review.held_back(asked, ledger=front.ledger, reviews=front.reviews, also_judged=judged)
    return shapes.Reviews(may_judge=may_judge(asker), reviews=[shapes.review_out(one) for one in found])


@routes.post("/v1/reviews", summary="Release or reject", status_code=201)
async def judge(body: shapes.VerdictIn, request: Request, asker: Asker) -> shapes.VerdictOut:
    """Of one version: 409 if the file has other bytes by now. On record, under the key's name, before it has effect."""
    front: Front = request.app.state.front
    zone = await zone_of(body.zone, asker, front)
    if not may_judge(asker):
        raise Refused("steward_only", "Only a steward's or an operator's key may judge.", hint="Ask your operator.")
    if not body.reason.strip():
        raise BadRequest("no_reason", "A verdict needs a reason.", param="reason", hint="One sentence is enough.")
    one = file_of((await status_of(zone, front)).files, body.document_id)
    made = await review.judge(
        zone, one.path, body.verdict, by=asker.subject, reason=body.reason, guard=front.guard,
        ledger=front.ledger, reviews=front.reviews, audit=front.audit, version=body.version,
    )  # fmt: skip
    return shapes.VerdictOut(verdict=made.verdict, by=made.by, at=made.at)
