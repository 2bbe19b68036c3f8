"""Versions of a document: which may be answered from, and which are kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rag.types.documents import Cleared
from rag.types.labels import Classification


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """A version that may be answered from. `classification`: `None` = nobody wrote down of which class it is."""

    document_id: str
    version: str
    classification: Classification | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A version as the library keeps it.

    Attributes:
        ended_at: when another took its place; `None` = it is the current one.
        made_with: digest of what an earlier version's chunks were made with; "" = it has none, and cannot be opened.
    """

    cleared: Cleared
    ended_at: datetime | None = None
    made_with: str = ""
