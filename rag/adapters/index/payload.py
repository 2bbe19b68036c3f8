"""`Chunk` ↔ what the engine stores beside its vectors: filter fields in front, the chunk itself behind them.

Filter fields are never null: "everyone", "whole tenant" and "unbounded" have values of their own, so that every access
rule is one plain condition and a missing field matches nothing.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any

from rag.types import Access, Box, Chunk, Classification, Labels, Place

EVERYONE = "*"
_NAMED = "="
"""Put before every real name, so that no group or unit can be called "everyone"."""
BEGINNING, END = -1e15, 1e15
"""Seconds since 1970 that no date reaches."""

KEYWORD_FIELDS = ("tenant", "business_unit", "readers", "zone", "document_id", "version", "language", "embedded")
NUMBER_FIELDS = ("valid_from", "valid_until")


def named(name: str) -> str:
    """A unit's or group's name as it is stored."""
    return _NAMED + name


def granted_units(access: Access) -> list[str]:
    """Values of `business_unit` that this access may read."""
    return [EVERYONE, *(named(unit) for unit in sorted(access.business_units))]


def granted_readers(access: Access) -> list[str]:
    """Values of `readers` of which one is enough."""
    return [EVERYONE, *(named(group) for group in sorted(access.groups))]


def text_digest(text: str) -> str:
    """Names an embedded text."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def payload_of(chunk: Chunk) -> dict[str, Any]:
    """JSON values only. `digest` changes whenever anything that is stored changes."""
    labels = chunk.labels
    stored: dict[str, Any] = {
        "tenant": labels.tenant,
        "business_unit": EVERYONE if labels.business_unit is None else named(labels.business_unit),
        "readers": [named(group) for group in sorted(labels.readers)] or [EVERYONE],
        "valid_from": BEGINNING if labels.valid_from is None else labels.valid_from.timestamp(),
        "valid_until": END if labels.valid_until is None else labels.valid_until.timestamp(),
        "zone": chunk.zone,
        "document_id": chunk.document_id,
        "version": chunk.version,
        "language": chunk.language,
        "classification": labels.classification.name,
        "path": chunk.path,
        "uri": chunk.uri,
        "title": chunk.title,
        "media_type": chunk.media_type,
        "position": chunk.position,
        "start": chunk.start,
        "end": chunk.end,
        "text": chunk.text,
        "context": chunk.context,
        "embedded": text_digest(chunk.embedded_text),
        "places": [_place_row(place) for place in chunk.places],
        "from": None if labels.valid_from is None else labels.valid_from.isoformat(),
        "until": None if labels.valid_until is None else labels.valid_until.isoformat(),
    }
    canonical = json.dumps([chunk.id, stored], sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    stored["digest"] = hashlib.sha256(canonical.encode()).hexdigest()[:32]
    return stored


def chunk_of(chunk_id: str, payload: dict[str, Any]) -> Chunk:
    """The chunk as it was written."""
    unit = payload["business_unit"]
    return Chunk(
        id=chunk_id,
        document_id=payload["document_id"],
        version=payload["version"],
        zone=payload["zone"],
        path=payload["path"],
        uri=payload["uri"],
        title=payload["title"],
        media_type=payload["media_type"],
        position=payload["position"],
        start=payload["start"],
        end=payload["end"],
        text=payload["text"],
        context=payload["context"],
        places=tuple(_place(row) for row in payload["places"]),
        language=payload["language"],
        labels=Labels(
            tenant=payload["tenant"],
            business_unit=None if unit == EVERYONE else unit.removeprefix(_NAMED),
            classification=Classification[payload["classification"]],
            readers=frozenset(group.removeprefix(_NAMED) for group in payload["readers"] if group != EVERYONE),
            valid_from=_instant(payload["from"]),
            valid_until=_instant(payload["until"]),
        ),
    )


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _place_row(place: Place) -> list[Any]:
    """Places are many and small: a row, not an object."""
    box = place.box
    return [
        place.start, place.end, place.page, None if box is None else [box.left, box.top, box.right, box.bottom],
        place.slide, place.sheet, place.cells, place.part,
    ]  # fmt: skip


def _place(row: list[Any]) -> Place:
    start, end, page, box, slide, sheet, cells, part = row
    if box is not None:
        left, top, right, bottom = box
        box = Box(left=left, top=top, right=right, bottom=bottom)
    return Place(start=start, end=end, page=page, box=box, slide=slide, sheet=sheet, cells=cells, part=part)
