"""`Cleared` ↔ compressed JSON for the library. Pure. The shape is numbered, so that new code can read old rows."""

from __future__ import annotations

import zlib
from datetime import datetime
from typing import Any

import orjson

from rag.errors import Permanent
from rag.types import Action, Box, Classification, Cleared, Decision, Document, Element, Labels, Place, Raised

_SHAPE = 1


def pack(cleared: Cleared) -> bytes:
    """Everything but the file's bytes. Compresses plain prose about three-fold."""
    document, decision = cleared.document, cleared.decision
    shape = {
        "shape": _SHAPE,
        "document": [
            document.id,
            document.version,
            document.zone,
            document.path,
            document.uri,
            document.modified_at.isoformat(),
            document.title,
            document.language,
            document.supersedes,
        ],
        "labels": _labels_out(document.labels),
        "media_type": cleared.media_type,
        "title": cleared.title,
        "text": cleared.text,
        "elements": [[e.kind, e.start, e.end, e.level, e.headings, e.header_end] for e in cleared.elements],
        "places": [_place_out(place) for place in cleared.places],
        "masked": [_place_out(place) for place in cleared.masked],
        "pages": cleared.pages,
        "language": cleared.language,
        "decision": [decision.action.value, decision.rule, decision.reason, decision.revision],
        "counts": cleared.counts,
        "raised": _raised_out(cleared.raised),
        "parser": cleared.parser,
    }
    return zlib.compress(orjson.dumps(shape), 6)


def unpack(content: bytes) -> Cleared:
    """Raises `Permanent("library.unreadable")` for a row of an unknown shape or a damaged one."""
    try:
        shape = orjson.loads(zlib.decompress(content))
        if shape["shape"] != _SHAPE:
            raise Permanent("library.unreadable", "A stored text has a form that this version does not know.")
        action, rule, reason, revision = shape["decision"]
        return Cleared(
            document=_document_in(shape["document"], shape["labels"]),
            media_type=shape["media_type"],
            title=shape["title"],
            text=shape["text"],
            elements=tuple(_element_in(*fields) for fields in shape["elements"]),
            places=tuple(_place_in(*fields) for fields in shape["places"]),
            masked=tuple(_place_in(*fields) for fields in shape["masked"]),
            pages=shape["pages"],
            language=shape["language"],
            decision=Decision(action=Action(action), rule=rule, reason=reason, revision=revision),
            counts=shape["counts"],
            raised=_raised_in(shape.get("raised")),
            parser=shape.get("parser", ""),
        )
    except (zlib.error, ValueError, KeyError, TypeError) as error:
        raise Permanent("library.unreadable", "A stored text is damaged.", hint="Ingest its document again.") from error


def _raised_out(raised: Raised | None) -> list[object] | None:
    return None if raised is None else [int(raised.before), raised.rule, raised.reason]


def _raised_in(fields: list[Any] | None) -> Raised | None:
    """Rows of earlier versions say nothing of it."""
    if fields is None:
        return None
    before, rule, reason = fields
    return Raised(before=Classification(before), rule=rule, reason=reason)


def _labels_out(labels: Labels) -> list[object]:
    return [
        labels.tenant,
        labels.business_unit,
        int(labels.classification),
        sorted(labels.readers),
        labels.valid_from.isoformat() if labels.valid_from else None,
        labels.valid_until.isoformat() if labels.valid_until else None,
    ]


def _document_in(fields: list[Any], labels: list[Any]) -> Document:
    id_, version, zone, path, uri, modified_at, title, language, supersedes = fields
    tenant, business_unit, classification, readers, valid_from, valid_until = labels
    return Document(
        id=id_,
        version=version,
        zone=zone,
        path=path,
        uri=uri,
        content=b"",
        modified_at=datetime.fromisoformat(modified_at),
        labels=Labels(
            tenant=tenant,
            business_unit=business_unit,
            classification=Classification(classification),
            readers=frozenset(readers),
            valid_from=datetime.fromisoformat(valid_from) if valid_from else None,
            valid_until=datetime.fromisoformat(valid_until) if valid_until else None,
        ),
        title=title,
        language=language,
        supersedes=supersedes,
    )


def _place_out(place: Place) -> list[object]:
    box = place.box
    corners = [box.left, box.top, box.right, box.bottom] if box else None
    return [place.start, place.end, place.page, corners, place.slide, place.sheet, place.cells, place.part]


def _place_in(
    start: int,
    end: int,
    page: int | None,
    corners: list[float] | None,
    slide: int | None,
    sheet: str | None,
    cells: str | None,
    part: str | None,
) -> Place:
    box = Box(left=corners[0], top=corners[1], right=corners[2], bottom=corners[3]) if corners else None
    return Place(start=start, end=end, page=page, box=box, slide=slide, sheet=sheet, cells=cells, part=part)


def _element_in(
    kind: Any, start: int, end: int, level: int | None, headings: list[str], header_end: int | None
) -> Element:
    return Element(kind=kind, start=start, end=end, level=level, headings=tuple(headings), header_end=header_end)
