"""`/v1/events/...`: storage events as hints. A hint makes a sweep of a zone sooner, and says nothing that is believed.

The sender needs a key with the role `events` (or `operator`) and reaches the zones of that key's tenant alone. Where a sender
asks to be confirmed, its code is answered; an address that it names is never fetched: it could be one of our own network.
"""

from __future__ import annotations

import logging
import re

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from rag.errors import Refused
from rag.types import Principal
from serving.errors import BadRequest
from serving.front import Front
from serving.identity import Asker
from serving.notices import Notice, azure, concerns, s3

log = logging.getLogger(__name__)

_MAY_SEND = frozenset({"events", "operator"})
_ORIGIN = re.compile(r"[A-Za-z0-9.:*-]{1,253}\Z")
_RATE = "60"
"""Requests a minute that a CloudEvents sender is promised: half of what a key may do by default."""
_BODY = {"requestBody": {"required": True, "content": {"application/json": {"schema": {}}}}}

routes = APIRouter(tags=["Events"])


class Told(BaseModel):
    """How many zones were hinted at, and how many events concern none of the key's tenant."""

    hints: int
    ignored: int


class Validated(BaseModel):
    """Event Grid's handshake."""

    validationResponse: str  # noqa: N815 - Event Grid's name


@routes.post("/v1/events/azure", summary="Azure Blob events", openapi_extra=_BODY)
async def azure_events(request: Request, asker: Asker) -> Told | Validated:
    """Event Grid's schema with its validation handshake, or CloudEvents 1.0, one or a batch."""
    _require_sender(asker)
    notice = azure(await request.body())
    if notice.code is not None:
        return Validated(validationResponse=notice.code)
    return await _tell(request, asker, notice)


@routes.options("/v1/events/azure", summary="CloudEvents' handshake", status_code=200, response_class=Response)
async def azure_handshake(request: Request, asker: Asker) -> Response:
    """Says that this sender's events are wanted."""
    _require_sender(asker)
    origin = request.headers.get("webhook-request-origin", "")
    if not _ORIGIN.match(origin):
        raise BadRequest("no_origin", "The header WebHook-Request-Origin is missing or not a host name.")
    headers = {"WebHook-Allowed-Origin": origin, "Allow": "OPTIONS, POST"}
    if "webhook-request-rate" in request.headers:
        headers["WebHook-Allowed-Rate"] = _RATE
    return Response(status_code=200, headers=headers)


@routes.post("/v1/events/s3", summary="S3 events", openapi_extra=_BODY)
async def s3_events(request: Request, asker: Asker) -> Told:
    """S3's notification, straight or inside a message of SNS. SNS's request to confirm is logged for a person."""
    _require_sender(asker)
    notice = s3(await request.body())
    if notice.confirmation is not None:
        topic, token = notice.confirmation
        half = len(token) // 2  # the log cuts long values
        facts = {"topic": topic, "token_begins": token[:half], "token_ends": token[half:]}
        log.warning("events.confirm_by_sns_confirm_subscription", extra=facts)
        return Told(hints=0, ignored=1)
    return await _tell(request, asker, notice)


def _require_sender(asker: Principal) -> None:
    if not asker.roles & _MAY_SEND:
        hint = "`beleg key create --role events --tenant TENANT` makes one."
        raise Refused("events_only", "Only a key with the role events or operator may send events.", hint=hint)


async def _tell(request: Request, asker: Principal, notice: Notice) -> Told:
    front: Front = request.app.state.front
    zones = [zone for zone in await front.ledger.zones() if zone.tenant == asker.tenant]
    hit = {spot: frozenset(zone.name for zone in zones if concerns(spot, zone)) for spot in set(notice.spots)}
    names = frozenset[str]().union(*hit.values())
    ignored = notice.others + sum(not hit[spot] for spot in notice.spots)
    await front.hints.tell(names)
    log.info("events.told", extra={"hints": len(names), "ignored": ignored})
    return Told(hints=len(names), ignored=ignored)
