"""Earlier versions of a document, where its zone keeps them. Writes nothing. Called by `Batch`.

A version that is replaced ends at the instant at which its successor came, and the successor begins there: as of any instant
one of them is valid. Only that interval is of then. Who may read an earlier version, and what of it is masked, is decided by
today's labels and today's guard, so it is labelled, cleared and cut anew from its stored text whenever one of them changes.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from rag.errors import Permanent
from rag.types import Cleared, Document, Kept, Labels, Parsed, Raised

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """A document's earlier versions: all that are kept, those made anew, and those whose chunks stay as they are.

    Attributes:
        has_left: whether one was too old to be kept. Then all others are made anew, so that what is left of it on the disk can
            be taken out with the whole document.
    """

    kept: tuple[Kept, ...]
    anew: tuple[Cleared, ...]
    untouched: frozenset[str]
    has_left: bool

    @property
    def waiting(self) -> tuple[Kept, ...]:
        """As they are kept while the chunks of some are not written yet."""
        stays = self.untouched
        return tuple(k if k.cleared.document.version in stays else replace(k, made_with="") for k in self.kept)


async def earlier(
    history: Sequence[Kept], current: Document, *, began: datetime | None, oldest: datetime | None, today: str | None,
    clear: Callable[[Parsed], Awaitable[Cleared]],
) -> Earlier:  # fmt: skip
    """Made anew is what today's mark does not fit (`None`: everything, for an index that holds none of it yet); what
    today's guard blocks is kept and withheld; what is older than the zone keeps files is left out.
    """
    kept: list[Kept] = []
    anew: list[Cleared] = []
    untouched: set[str] = set()
    has_left = any(one.ended_at is not None and _is_aged(one, oldest) for one in history)
    for one in history:
        was, ended = one.cleared.document, one.ended_at or began
        is_current = one.ended_at is None and was.version == current.version
        if is_current or ended is None or _is_aged(one, oldest):
            continue
        if one.made_with == today and was.version != current.version and not has_left:
            kept.append(one)
            untouched.add(was.version)
            continue
        try:
            cleared = joined(await clear(reopened(one, current, ended)), one.cleared)
        except Permanent as error:
            log.warning("ingest.earlier_version_withheld", extra={"zone": was.zone, "code": error.code})
            kept.append(Kept(cleared=one.cleared, ended_at=ended))
            continue
        kept.append(Kept(cleared=cleared, ended_at=ended, made_with=today or ""))
        anew.append(cleared)
    return Earlier(kept=tuple(kept), anew=tuple(anew), untouched=frozenset(untouched), has_left=has_left)


def _is_aged(kept: Kept, oldest: datetime | None) -> bool:
    return oldest is not None and kept.cleared.document.modified_at < oldest


def began_at(history: Sequence[Kept], version: str, at: datetime) -> datetime | None:
    """When this version took the place of the one before; `None`: it is the first, as old as its labels say."""
    current = next((kept for kept in history if kept.ended_at is None), None)
    if current is not None and current.cleared.document.version == version:
        return max((kept.ended_at for kept in history if kept.ended_at is not None), default=None)
    return at if history else None


def begun(document: Document, began: datetime | None) -> Document:
    """Not valid before it was there: as of then its predecessor was."""
    own = document.labels.valid_from
    if began is None or (own is not None and own > began):
        return document
    return replace(document, labels=replace(document.labels, valid_from=began))


def mark(fingerprint: str, labels: Labels) -> str:
    """Digest of what makes an earlier version's chunks: the pipeline, and who may read the document."""
    access = (labels.tenant, labels.business_unit, labels.classification.name, sorted(labels.readers))
    return hashlib.sha256(f"{fingerprint}\n{access!r}".encode()).hexdigest()[:16]


def reopened(kept: Kept, current: Document, ended: datetime) -> Parsed:
    """The stored text as if it had just been parsed, under the current document's access labels and its own interval."""
    was, cleared = kept.cleared.document, kept.cleared
    until = ended if was.labels.valid_until is None else min(was.labels.valid_until, ended)
    labels = replace(current.labels, valid_from=was.labels.valid_from, valid_until=until)
    version = _of_its_time(was.version, ended) if was.version == current.version else was.version
    return Parsed(
        document=replace(was, version=version, labels=labels), media_type=cleared.media_type, title=cleared.title,
        text=cleared.text, elements=cleared.elements, places=cleared.places, pages=cleared.pages,
        parser=cleared.parser,
    )  # fmt: skip


def joined(cleared: Cleared, was: Cleared) -> Cleared:
    """What was masked then stays masked, and told; what was raised for what it held, of which only masks are left, stays
    at least as high.
    """
    counts = {key: max(cleared.counts.get(key, 0), was.counts.get(key, 0)) for key in {*cleared.counts, *was.counts}}
    decision = was.decision if was.is_redacted and not cleared.is_redacted else cleared.decision
    masked = (*was.masked, *cleared.masked)
    whole = replace(cleared, counts=dict(sorted(counts.items())), decision=decision, masked=masked)
    return whole if was.raised is None else _still_raised(whole, was, was.raised)


def _still_raised(cleared: Cleared, was: Cleared, raised: Raised) -> Cleared:
    document = cleared.document
    before = document.labels.classification if cleared.raised is None else cleared.raised.before
    highest = max(document.labels.classification, was.document.labels.classification)
    labels = replace(document.labels, classification=highest)
    return replace(cleared, document=replace(document, labels=labels), raised=replace(raised, before=before))


def _of_its_time(version: str, ended: datetime) -> str:
    """Bytes that come back are the current version; their first stay needs a name of its own."""
    return f"{version}~{ended:%Y%m%dT%H%M%S%f}"
