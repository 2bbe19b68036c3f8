"""Bodies of storage events → what they are about. Pure. Called by `serving.events`.

Three senders' forms: Azure Event Grid's own and CloudEvents 1.0 (also in batches), and Amazon S3's notification, straight or
inside a message of SNS. Everything in them was written by others: no address in them is ever fetched.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, unquote_plus, urlsplit

import orjson

from rag.types import Zone
from serving.errors import BadRequest

_VALIDATION = "Microsoft.EventGrid.SubscriptionValidationEvent"
_STORAGE = "Microsoft.Storage."
_S3, _AZURE = frozenset({"s3", "s3a"}), frozenset({"abfs", "abfss", "az"})
_HOST = ".dfs.core.windows.net"
_MOST_EVENTS = 5_000
"""More small events than fit into a body that is let in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Where something happened.

    Attributes:
        schemes: of the URLs that zones of this kind of store have.
        account: of Azure's storage; `None` = not told.
        container: or bucket.
        path: within it, decoded, as the store names it.
    """

    schemes: frozenset[str]
    account: str | None
    container: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What one body says.

    Attributes:
        spots: the changes; those that no zone can be about are missing.
        others: events that are about no file.
        code: to be sent back, by which the sender learns that we want its events.
        confirmation: topic and token of a sender that waits for a person to confirm; `None` for all others.
    """

    spots: tuple[Spot, ...] = ()
    others: int = 0
    code: str | None = None
    confirmation: tuple[str, str] | None = None


def azure(body: bytes) -> Notice:
    """Event Grid's schema or CloudEvents. Raises `BadRequest`."""
    found = _json(body)
    events = found if isinstance(found, list) else [found]
    _require(events, "events")
    spots, others = [], 0
    for event in events:
        kind = _text(event, "eventType") or _text(event, "type")
        if kind is None:
            raise _unknown("an event without eventType or type")
        if kind == _VALIDATION:
            code = _text(_inside(event, "data"), "validationCode")
            if not code:
                raise _unknown("a validation without validationCode")
            return Notice(code=code)
        spot = _azure_spot(event) if kind.startswith(_STORAGE) else None
        spots += [spot] if spot else []
        others += spot is None
    return Notice(spots=tuple(spots), others=others)


def s3(body: bytes) -> Notice:
    """S3's notification, or SNS's message around one. Raises `BadRequest`."""
    found = _json(body)
    if isinstance(found, dict) and _text(found, "Type") in {"SubscriptionConfirmation", "UnsubscribeConfirmation"}:
        return Notice(confirmation=(_text(found, "TopicArn") or "", _text(found, "Token") or ""))
    if isinstance(found, dict) and _text(found, "Type") == "Notification":
        found = _json((_text(found, "Message") or "").encode())
    if isinstance(found, dict) and _text(found, "Event") == "s3:TestEvent":
        return Notice(others=1)
    records = found.get("Records") if isinstance(found, dict) else None
    if not isinstance(records, list):
        raise _unknown("no list of Records")
    _require(records, "Records")
    spots = [spot for record in records if (spot := _s3_spot(record))]
    return Notice(spots=tuple(spots), others=len(records) - len(spots))


def concerns(spot: Spot, zone: Zone) -> bool:
    """Whether it lies in the zone's store, container and folder."""
    scheme, _, rest = zone.url.partition("://")
    if scheme not in spot.schemes:
        return False
    place, _, folder = rest.partition("/")
    container, _, host = place.partition("@")  # abfss://container@account.dfs.core.windows.net/folder
    if not host and container.endswith(_HOST):  # abfss://account.dfs.core.windows.net/container/folder
        host, (container, _, folder) = container, folder.partition("/")
    account = host.partition(".")[0]
    if container != spot.container or (account and spot.account and account != spot.account):
        return False
    return not folder.strip("/") or f"{spot.path}/".startswith(f"{folder.strip('/')}/")


def _azure_spot(event: Mapping[str, Any]) -> Spot | None:
    """By the subject; the address of the blob says the account."""
    _, marker, rest = (_text(event, "subject") or "").partition("/containers/")
    container, _, path = rest.partition("/blobs/")
    if not marker or not container or "/" in container:
        return None
    data = _inside(event, "data")
    host = _host(_text(data, "url") or _text(data, "destinationUrl") or "")
    return Spot(schemes=_AZURE, account=host.partition(".")[0] or None, container=container, path=_normal(path))


def _s3_spot(record: object) -> Spot | None:
    s3_part = _inside(record, "s3")
    bucket, key = _text(_inside(s3_part, "bucket"), "name"), _text(_inside(s3_part, "object"), "key")
    if not bucket or key is None:
        return None
    return Spot(schemes=_S3, account=None, container=bucket, path=_normal(unquote_plus(key)))


def _normal(path: str) -> str:
    return posixpath.normpath(f"/{path}").lstrip("/")


def _host(url: str) -> str:
    try:
        return unquote(urlsplit(url).hostname or "")
    except ValueError:
        return ""


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BadRequest("invalid_json", "The request body is not valid JSON.") from None


def _require(events: list[Any], what: str) -> None:
    if not events:
        raise _unknown(f"no {what}")
    if len(events) > _MOST_EVENTS:
        raise BadRequest("too_many_events", f"More than {_MOST_EVENTS} {what} at once.", hint="Send smaller batches.")
    if not all(isinstance(event, dict) for event in events):
        raise _unknown(f"{what} that are no objects")


def _unknown(what: str) -> BadRequest:
    return BadRequest(
        "unknown_event_form", f"This is no storage event that is known here: {what}.",
        hint="Use Event Grid's or CloudEvents' schema at /v1/events/azure, S3's notification at /v1/events/s3.",
    )  # fmt: skip


def _inside(value: object, name: str) -> Mapping[str, Any]:
    inner = value.get(name) if isinstance(value, dict) else None
    return inner if isinstance(inner, dict) else {}


def _text(value: Mapping[str, Any], name: str) -> str | None:
    found = value.get(name)
    return found if isinstance(found, str) else None
