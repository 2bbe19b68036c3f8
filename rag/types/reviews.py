"""What a steward has said about a document that the guard held back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Verdict(StrEnum):
    """`released`: it may be indexed, with everything masked that was found. `rejected`: it stays out, and is done with."""

    released = "released"
    rejected = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """One verdict on one version: other bytes are another question.

    Attributes:
        by: who answers for it. reason: one sentence, without content of the document.
    """

    document_id: str
    version: str
    zone: str
    path: str
    verdict: Verdict
    by: str
    reason: str
    at: datetime
