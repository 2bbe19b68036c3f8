"""What became of a file → its receipt, in words for its owner. Pure. Called by `Batch`."""

from __future__ import annotations

from datetime import datetime

from rag.allowing import ALLOWED
from rag.errors import BelegError, HeldBack, Permanent
from rag.types import Cleared, Document, Labels, Receipt, State


def indexed(cleared: Cleared, *, chunks: int, at: datetime) -> Receipt:
    """`at`: now. A document that is in the index and not valid is answered from by nobody, so its owner is told when it is."""
    labels = cleared.document.labels
    return Receipt(
        zone=cleared.document.zone, path=cleared.document.path, document_id=cleared.document.id,
        version=cleared.document.version, state=State.indexed,
        code="indexed_raised" if cleared.raised else "indexed_redacted" if cleared.is_redacted else "indexed",
        reason=" ".join(filter(None, (validity_words(labels, at), _raised_words(cleared), masked_words(cleared)))),
        chunks=chunks, counts=cleared.counts,
    )  # fmt: skip


def begun(document: Document) -> Receipt:
    """Of a file that nothing was known of, before its first chunk is written."""
    return Receipt(
        zone=document.zone, path=document.path, document_id=document.id, version=document.version,
        state=State.discovered, code="begun", reason="It is being written to the index.",
        hint="If that was interrupted, the next sweep goes on with it.",
    )  # fmt: skip


def waiting(zone: str, path: str, document_id: str, error: BelegError) -> Receipt:
    return Receipt(
        zone=zone, path=path, document_id=document_id, version=None, state=State.discovered, code=error.code,
        reason=error.message, hint="It is tried again with the next sweep.",
    )  # fmt: skip


def quarantined(zone: str, path: str, document_id: str, version: str | None, error: Permanent) -> Receipt:
    return Receipt(
        zone=zone, path=path, document_id=document_id, version=version, state=State.quarantined, code=error.code,
        reason=error.message, hint=error.hint, counts=error.counts if isinstance(error, HeldBack) else {},
    )  # fmt: skip


def validity_words(labels: Labels, at: datetime) -> str:
    """What stays true as time goes by."""
    begins = labels.valid_from if labels.valid_from is not None and labels.valid_from > at else None
    told = (("from", begins), ("until", labels.valid_until))
    words = [f"{word} {instant:%Y-%m-%d %H:%M} UTC" for word, instant in told if instant is not None]
    return f"It answers questions {' '.join(words)}." if words else ""


def _raised_words(cleared: Cleared) -> str:
    if cleared.raised is None:
        return ""
    before, after, by = cleared.raised.before, cleared.document.labels.classification, cleared.raised
    return f"Its classification was raised from {before.name} to {after.name} by rule {by.rule}. {by.reason}"


def masked_words(cleared: Cleared) -> str:
    """What was masked and what was left, as types and numbers."""
    masked = {entity: n for entity, n in sorted(cleared.counts.items()) if not entity.startswith(ALLOWED)}
    allowed = {e.removeprefix(ALLOWED): n for e, n in sorted(cleared.counts.items()) if e not in masked}
    return " ".join(
        f"{said}: {', '.join(f'{number} x {entity}' for entity, number in found.items())}."
        for said, found, told in (
            ("Personal data was masked before indexing", masked, cleared.is_redacted),
            ("Left standing by the allow-list", allowed, True),
        )
        if found and told
    )
