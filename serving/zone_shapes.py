"""What the console gets: zones, files, previews and verdicts as JSON. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from pydantic import BaseModel, Field

from rag.ingest.preview import Preview
from rag.ingest.review import Item
from rag.ingest.standing import FileStatus, ZoneStatus
from rag.types import Chunk, Cleared, Verdict, Zone
from serving.shapes import PlaceOut, place_out

_LONGEST_REASON = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """Some files of a zone, previewed. `total`: how many there are. `next`: where to go on; `None` = nowhere."""

    files: Sequence[Preview]
    total: int
    next: int | None


class AlarmOut(BaseModel):
    """What is the matter with a whole zone."""

    code: str
    message: str
    hint: str


class SweepOut(BaseModel):
    """The last sweep. `due` is unset until it has looked through the zone; rate and rest until there is evidence."""

    began_at: datetime
    seen_at: datetime
    ended_at: datetime | None
    due: int | None
    done: int
    unchanged: int
    files_per_minute: float | None
    remaining_s: float | None


class ZoneOut(BaseModel):
    """A zone, and its files by fate. `is_held`: nothing of it is ingested until somebody has published it."""

    name: str
    is_held: bool
    owner: str
    classification: str
    business_unit: str | None
    counts: dict[str, int]
    queued: int
    is_working: bool
    sweep: SweepOut | None
    alarms: list[AlarmOut]


class Zones(BaseModel):
    """Whose key this is, and what it may see."""

    subject: str
    may_judge: bool
    zones: list[ZoneOut]


class FileOut(BaseModel):
    """One line: what became of a file, since when, why, and what to do."""

    path: str
    document_id: str
    version: str | None
    fate: str
    since: datetime
    code: str
    reason: str
    hint: str
    chunks: int
    findings: dict[str, int] = Field(description="Masked findings: type and count.")


class Documents(BaseModel):
    """A page of files."""

    zone: ZoneOut
    total: int
    offset: int
    documents: list[FileOut]


class PassageOut(BaseModel):
    """A passage as it is searched; what was masked stands as `<TYPE>`."""

    position: int
    context: str
    text: str
    place: PlaceOut | None


class DocumentDetail(BaseModel):
    """`is_hidden`: there is text, and this key may not read it."""

    file: FileOut
    title: str | None
    media_type: str | None
    language: str | None
    rule: str | None
    is_hidden: bool
    passages: list[PassageOut]


class PreviewOut(BaseModel):
    """What would become of one file."""

    path: str
    fate: str
    code: str
    reason: str
    hint: str
    findings: dict[str, int]
    rule: str | None
    is_hidden: bool
    passages: list[PassageOut]


class PreviewPage(BaseModel):
    """Nothing of it was indexed. `next`: offset to go on from; unset at the end."""

    is_held: bool
    total: int
    offset: int
    next: int | None
    files: list[PreviewOut]


class PublicationOut(BaseModel):
    """As it stands on record."""

    zone: str
    by: str
    at: datetime


class ReviewOut(BaseModel):
    """A document that the guard held back, with the verdict on it, if there is one."""

    zone: str
    path: str
    document_id: str
    version: str
    since: datetime
    code: str
    reason: str
    verdict: Verdict | None
    by: str | None
    said: str | None
    at: datetime | None


class Reviews(BaseModel):
    """Oldest first."""

    may_judge: bool
    reviews: list[ReviewOut]


class VerdictIn(BaseModel):
    """On one version of one document."""

    zone: str = Field(max_length=200)
    document_id: str = Field(max_length=100)
    version: str = Field(max_length=100)
    verdict: Verdict
    reason: str = Field(min_length=1, max_length=_LONGEST_REASON, description="One sentence, without content.")


class VerdictOut(BaseModel):
    """As it stands on record."""

    verdict: Verdict
    by: str
    at: datetime


def zone_out(zone: Zone, status: ZoneStatus) -> ZoneOut:
    sweep = status.sweep
    return ZoneOut(
        name=zone.name, is_held=zone.held, owner=zone.owner, classification=zone.classification.name, business_unit=zone.business_unit,
        counts={fate.value: number for fate, number in status.counts.items()}, queued=status.queued,
        is_working=status.is_working,
        sweep=None if sweep is None else SweepOut(
            began_at=sweep.began_at, seen_at=sweep.seen_at, ended_at=sweep.ended_at, due=sweep.due, done=sweep.done,
            unchanged=sweep.unchanged, files_per_minute=sweep.files_per_minute, remaining_s=sweep.remaining_s,
        ),
        alarms=[AlarmOut(code=one.code, message=one.message, hint=one.hint) for one in status.alarms],
    )  # fmt: skip


def file_out(one: FileStatus) -> FileOut:
    return FileOut(
        path=one.path, document_id=one.document_id, version=one.version, fate=one.fate.value, since=one.since,
        code=one.code, reason=one.reason, hint=one.hint, chunks=one.chunks, findings=dict(one.counts),
    )  # fmt: skip


def document_out(
    one: FileStatus, cleared: Cleared | None, chunks: Sequence[Chunk], *, is_hidden: bool
) -> DocumentDetail:
    return DocumentDetail(
        file=file_out(one), title=cleared and cleared.title, media_type=cleared and cleared.media_type,
        language=cleared and cleared.language, rule=cleared and cleared.decision.rule, is_hidden=is_hidden,
        passages=[_passage(chunk) for chunk in chunks],
    )  # fmt: skip


def preview_out(looked: Looked, offset: int, *, zone: Zone, may: Callable[[Cleared], bool]) -> PreviewPage:
    files = [_preview(one, may) for one in looked.files]
    return PreviewPage(is_held=zone.held, total=looked.total, offset=offset, next=looked.next, files=files)


def _preview(one: Preview, may: Callable[[Cleared], bool]) -> PreviewOut:
    if one.cleared is None:
        error = one.error
        fate = "quarantined" if one.fate == "quarantined" else "waiting"
        return PreviewOut(
            path=one.path, fate=fate, code=error.code if error else "", reason=error.message if error else "",
            hint=error.hint if error else "", findings={}, rule=None, is_hidden=False, passages=[],
        )  # fmt: skip
    is_hidden = not may(one.cleared)
    counts: Mapping[str, int] = one.cleared.counts
    return PreviewOut(
        path=one.path, fate="masked" if one.cleared.is_redacted else "indexed", code="", reason="", hint="",
        findings=dict(counts), rule=one.cleared.decision.rule, is_hidden=is_hidden,
        passages=[] if is_hidden else [_passage(chunk) for chunk in one.chunks],
    )  # fmt: skip


def review_out(item: Item) -> ReviewOut:
    receipt, made = item.entry.receipt, item.review
    since = item.entry.history.since if item.entry.history else item.entry.recorded_at
    return ReviewOut(
        zone=receipt.zone, path=receipt.path, document_id=receipt.document_id, version=receipt.version or "",
        since=since, code=receipt.code, reason=receipt.reason, verdict=made and made.verdict, by=made and made.by,
        said=made and made.reason, at=made and made.at,
    )  # fmt: skip


def _passage(chunk: Chunk) -> PassageOut:
    place = place_out(chunk.places[0]) if chunk.places else None
    return PassageOut(position=chunk.position, context=chunk.context, text=chunk.text, place=place)
