"""Who asks: bearer token → principal → what they may use. There is no default principal.

One choke point for every route: `Authentication` is middleware, so a route that forgets it is closed, not open.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer
from starlette.types import ASGIApp, Receive, Scope, Send

from rag.errors import BelegError, Refused, Temporary
from rag.types import Labels, Principal, UseCase, Zone, now
from serving.errors import problem_of
from serving.front import Front

log = logging.getLogger(__name__)

PUBLIC = ("/", "/console", "/healthz", "/readyz", "/docs", "/openapi.json", "/favicon.ico")
"""Paths that answer without a key. They show no document, no question and no name of a use case."""
PUBLIC_BELOW = ("/static/", "/sources/")
"""Files of the page, and the empty frame of a source, which then fetches its content with the key."""

EVENTS_BELOW = "/v1/events/"

_PRINCIPAL = "beleg.principal"
_TOKEN = re.compile(r"[\x21-\x7e]{1,256}\Z")
_REFUSAL = "No valid API key. Send it as 'Authorization: Bearer blg_...'."


def is_public(path: str) -> bool:
    """Whether a path answers without a key."""
    return path in PUBLIC or path.startswith(PUBLIC_BELOW)


class Authentication:
    """Pure ASGI. Lets a request through with its principal, or answers 401; whatever fails in here is a 401 too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope.pop(_PRINCIPAL, None)
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return  # no websockets here
        if not is_public(scope["path"]):
            try:
                scope[_PRINCIPAL] = _within_its_role(await _authenticated(scope), scope["path"])
            except BelegError as error:
                response = problem_of(error).response(path=scope["path"], request_id=scope["beleg.request_id"])
                await response(scope, receive, send)
                return
        await self._app(scope, receive, send)


async def _authenticated(scope: Scope) -> Principal:
    front: Front = scope["app"].state.front
    try:
        token = _token(scope["headers"]) or _token_of_address(scope)
        principal = await front.keys.verify(token, now=now())
    except Temporary:
        raise  # the store is away: 503 says so, and nobody gets in
    except Exception as error:  # noqa: BLE001 - whatever it is, nobody gets in
        log.warning("http.unauthenticated", extra={"kind": getattr(error, "code", type(error).__name__)})
        raise Refused("invalid_api_key", _REFUSAL) from None
    if not isinstance(principal, Principal):
        raise Refused("invalid_api_key", _REFUSAL)
    front.rate_limit.admit(hashlib.sha256(token.encode()).hexdigest(), now=now())
    return principal


def _within_its_role(principal: Principal, path: str) -> Principal:
    """A key that lies with a storage service opens nothing else. Raises `Refused("events_only")`."""
    if principal.roles == {"events"} and not path.startswith(EVENTS_BELOW):
        raise Refused("events_only", "This key may only send storage events.")
    return principal


def _token_of_address(scope: Scope) -> str:
    """For storage events, whose senders cannot all set a header: the one `key` of the query."""
    if not scope["path"].startswith(EVENTS_BELOW):
        raise Refused("invalid_api_key", _REFUSAL)
    written: bytes = scope["query_string"]
    query = parse_qsl(written.decode("latin-1"), keep_blank_values=True, max_num_fields=20)
    keys: list[str] = [value for name, value in query if name == "key"]
    if len(keys) != 1 or not _TOKEN.match(keys[0]):
        raise Refused("invalid_api_key", _REFUSAL)
    return keys[0]


def _token(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The one bearer token; `None` without a header. Two headers, another scheme or odd characters are no token."""
    values = [value for name, value in headers if name == b"authorization"]
    if not values:
        return None
    if len(values) != 1:
        raise Refused("invalid_api_key", _REFUSAL)
    scheme, _, token = values[0].decode("latin-1").partition(" ")
    if scheme.lower() != "bearer" or not _TOKEN.match(token := token.strip(" ")):
        raise Refused("invalid_api_key", _REFUSAL)
    return token


_documented = HTTPBearer(auto_error=False, description="A Beleg API key: `blg_...`")
"""For the OpenAPI page; `Authentication` has decided long before."""


def _asker(request: Request, _: Annotated[object, Security(_documented)]) -> Principal:
    principal = request.scope.get(_PRINCIPAL)
    if not isinstance(principal, Principal):
        raise Refused("invalid_api_key", _REFUSAL)
    return principal


Asker = Annotated[Principal, Depends(_asker)]


def may_use(principal: Principal, use_case: UseCase) -> bool:
    """By tenant and role."""
    return (use_case.tenants is None or principal.tenant in use_case.tenants) and bool(use_case.roles & principal.roles)


LOOKING = frozenset({"owner", "steward", "operator"})
JUDGING = frozenset({"steward", "operator"})


def may_look(principal: Principal) -> bool:
    """Whether the console is for this key at all."""
    return bool(LOOKING & principal.roles)


def may_judge(principal: Principal) -> bool:
    """Whether it may release and reject what the guard held back."""
    return bool(JUDGING & principal.roles)


def may_look_at(principal: Principal, zone: Zone, *, as_reader: bool = False) -> bool:
    """Whether the key may know of the zone and its files' names: its tenant's, as far as it could read there.

    An operator knows of all his tenant's zones, and reads no more for it (`as_reader`).
    """
    if zone.tenant != principal.tenant or not may_look(principal):
        return False
    if "operator" in principal.roles and not as_reader:
        return True
    return (
        (zone.business_unit is None or zone.business_unit in principal.business_units)
        and zone.classification <= principal.clearance
        and (not zone.readers or bool(zone.readers & principal.groups))
    )


def may_read(principal: Principal, labels: Labels, *, at: datetime | None = None) -> bool:
    """The same conditions as the index filters (`Access`), for opening a source by its address. `at`: default now."""
    at = at or now()
    return (
        labels.tenant == principal.tenant
        and (labels.business_unit is None or labels.business_unit in principal.business_units)
        and labels.classification <= principal.clearance
        and (not labels.readers or bool(labels.readers & principal.groups))
        and (labels.valid_from is None or labels.valid_from <= at)
        and (labels.valid_until is None or at < labels.valid_until)
    )
