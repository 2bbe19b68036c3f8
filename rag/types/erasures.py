"""The proof that a document was taken out of everything that answers come from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ErasureRule(StrEnum):
    """Why a document was taken out."""

    deleted = "deleted"
    retention = "retention"
    request = "request"


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """A receipt of an erasure (GDPR, Article 17): what, when, by which rule, how much per store, and a signature.

    Holds no word of the document. Unsigned until every store has been looked through and was found empty.

    Attributes:
        version: sha256 of the erased bytes; `None` if they were never read.
        actor: who asked; `sweep` for what the zone itself says. reason: one sentence for people.
        counts: store → how much of the document it held: `chunks`, `texts`.
        generation: the first published index without it. verified_at: when all stores were last found empty.
        signature: Ed25519 (RFC 8032) over `signed_content`, base64.
        released_at: when somebody allowed the document to be ingested again.
    """

    id: str
    tenant: str
    zone: str
    path: str
    document_id: str
    version: str | None
    rule: ErasureRule
    actor: str
    reason: str
    at: datetime
    counts: dict[str, int]
    generation: str | None = None
    verified_at: datetime | None = None
    signature: str | None = None
    released_at: datetime | None = None

    @property
    def signed_content(self) -> bytes:
        """Canonical JSON of all that never changes once it was verified."""
        facts = {
            "id": self.id, "tenant": self.tenant, "zone": self.zone, "path": self.path, "document_id": self.document_id,
            "version": self.version, "rule": self.rule.value, "actor": self.actor, "reason": self.reason,
            "at": self.at.isoformat(), "counts": self.counts, "generation": self.generation,
        }  # fmt: skip
        return json.dumps(facts, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
