"""Indexes beside each other: what each was built with, and how far it has come."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from rag.types.chunking import ChunkSetting


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """What an index is built with. Vectors, terms or chunks of two builds are never in one index.

    Attributes:
        model: folder of the embedding model; "" = the packaged one. glossed: whether German is embedded by its English
            gloss.
        embedder: name of the embedder that these make, stamped on the index. dimension: of its vectors.
        rules: revision of the chunk rules. cells: these, whole. cutting: revision of the code that follows them.
        keywords: revision of the tokeniser. parser: revision of the parser that the texts were read by; "" = nobody wrote it
            down, and another parser reads them anew in place.
    """

    model: str = ""
    glossed: bool = True
    embedder: str
    dimension: int
    rules: str
    keywords: str
    cells: tuple[ChunkSetting, ...] = ()
    cutting: str = ""
    parser: str = ""

    @property
    def profile(self) -> str:
        """As recipes name it."""
        read_by = f"/{hashlib.sha256(self.parser.encode()).hexdigest()[:8]}" if self.parser else ""
        return f"{self.embedder}/{self.dimension}/{self.rules}/{self.keywords}{read_by}"


class IndexState(StrEnum):
    """`building` is not read by anybody yet; `ready` holds every document."""

    building = "building"
    ready = "ready"


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexRecord:
    """One index of this instance.

    Attributes:
        name: `index-NUMBER`, numbers rise from 1.
        leads: whether files go into this one first; the others follow from the ledger and the stored texts.
        started_at: when its building began. ready_at: when it first held every document.
    """

    name: str
    build: Build
    state: IndexState
    leads: bool
    started_at: datetime
    ready_at: datetime | None = None

    @property
    def number(self) -> int:
        return int(self.name.removeprefix("index-"))


def index_for(profile: str, records: Sequence[IndexRecord]) -> IndexRecord:
    """The index that a recipe of this profile is answered from: its own, or the leading one if that is not there."""
    for record in records:
        if record.build.profile == profile and record.state is IndexState.ready:
            return record
    return next(record for record in records if record.leads)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How much of an index is built, counted in its own chunks.

    Attributes:
        lately: chunks since the instant that was asked about.
    """

    documents: int
    chunks: int
    lately: int
