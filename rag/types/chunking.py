"""How documents are cut: a table of rules by kind of document, and single cells of it that somebody has set."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class ChunkSetting:
    """One cell of the table, e.g. `slides.target = 80`."""

    kind: str
    key: str
    value: int

    def __str__(self) -> str:
        shown = str(self.value).lower() if isinstance(self.value, bool) else self.value
        return f"{self.kind}.{self.key}={shown}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkRule:
    """How one kind of document is cut. All but `merges` count tokens of the embedding model.

    Attributes:
        media_types: patterns of what is of this kind; `*` is all that no other rule names.
        target: up to which neighbours are put together. most: that no chunk exceeds.
        merges: whether elements under one heading may share a chunk; slides and rows of sheets stand alone.
        context: of title and headings. header: up to which a table's header is repeated with each part.
    """

    kind: str
    media_types: tuple[str, ...]
    target: int
    most: int
    merges: bool
    context: int
    header: int


@dataclass(frozen=True, slots=True)
class ChunkRules:
    """One rule a kind; exactly one of them is for everything else."""

    rules: tuple[ChunkRule, ...]

    def of(self, media_type: str) -> ChunkRule:
        """The rule for files of this type."""
        named = [rule for rule in self.rules if rule.media_types != ("*",)]
        found = [rule for rule in named if any(fnmatchcase(media_type, pattern) for pattern in rule.media_types)]
        return (found or [rule for rule in self.rules if rule.media_types == ("*",)])[0]
