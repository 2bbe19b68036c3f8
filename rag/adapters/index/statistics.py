"""How common terms are, by protection class and tenant. Counted at publish, kept with the generation, read by searches.

A search sees the counts of its own tenant up to its own clearance only: a score must not tell how often a word occurs
in documents that the asker may not read.
"""

from __future__ import annotations

import io
import json
import math
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from rag.types import Access, Classification


@dataclass(frozen=True, slots=True)
class Table:
    """Counts of one tenant in one protection class. `terms` is sorted; `counts[i]` chunks hold `terms[i]`."""

    chunks: int
    terms: NDArray[np.uint32]
    counts: NDArray[np.uint32]

    def frequency(self, term: int) -> int:
        """In how many chunks the term occurs."""
        at = int(np.searchsorted(self.terms, np.uint32(term)))
        return int(self.counts[at]) if at < len(self.terms) and self.terms[at] == term else 0


_BACKGROUND = 100
"""Chunks without any of the asked words, counted in. In an index of ten chunks every word is either rare or common, and
a question's one unseen word would outweigh all that was found. No effect from a few hundred chunks on."""


class Scope:
    """The counts that one search may use."""

    def __init__(self, tables: Iterable[Table]) -> None:
        self._tables = tuple(tables)
        self._chunks = _BACKGROUND + sum(table.chunks for table in self._tables)

    def idf(self, term: int) -> float:
        """BM25's, with the +1 that keeps it positive for words that are everywhere."""
        frequency = self.frequency(term)
        return math.log1p((self._chunks - frequency + 0.5) / (frequency + 0.5))

    def frequency(self, term: int) -> int:
        """In how many chunks the term occurs."""
        return sum(table.frequency(term) for table in self._tables)


class TermStatistics:
    """All counts of a generation."""

    def __init__(self, tables: Mapping[tuple[Classification, str], Table]) -> None:
        self._tables = dict(tables)

    def scope(self, access: Access) -> Scope:
        """What is counted for this access: its tenant, up to its clearance."""
        return Scope(
            table
            for (classification, tenant), table in self._tables.items()
            if tenant == access.tenant and classification <= access.clearance
        )

    def save(self, folder: Path) -> None:
        """Writes `terms.npz` and `terms.json` into the folder."""
        arrays: dict[str, NDArray[np.uint32]] = {}
        index = []
        for number, ((classification, tenant), table) in enumerate(sorted(self._tables.items())):
            index.append({"classification": classification.name, "tenant": tenant, "chunks": table.chunks})
            arrays[f"terms{number}"], arrays[f"counts{number}"] = table.terms, table.counts
        # The stub takes the names for `allow_pickle`.
        np.savez(folder / "terms.npz", **arrays)  # type: ignore[arg-type]
        (folder / "terms.json").write_text(json.dumps(index), encoding="utf-8")

    def dump(self) -> bytes:
        """All of it in one piece, for where there are no folders."""
        with TemporaryDirectory() as folder:
            self.save(Path(folder))
            out = io.BytesIO()
            with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
                for name in ("terms.npz", "terms.json"):
                    packed.write(Path(folder) / name, name)
            return out.getvalue()

    @classmethod
    def parse(cls, dumped: bytes) -> TermStatistics:
        """What `dump` gave."""
        with TemporaryDirectory() as folder, zipfile.ZipFile(io.BytesIO(dumped)) as packed:
            for name in ("terms.npz", "terms.json"):
                (Path(folder) / name).write_bytes(packed.read(name))
            return cls.load(Path(folder))

    @classmethod
    def load(cls, folder: Path) -> TermStatistics:
        index = json.loads((folder / "terms.json").read_text(encoding="utf-8"))
        with np.load(folder / "terms.npz") as arrays:
            return cls(
                {
                    (Classification[entry["classification"]], entry["tenant"]): Table(
                        entry["chunks"], arrays[f"terms{number}"], arrays[f"counts{number}"]
                    )
                    for number, entry in enumerate(index)
                }
            )


class TermCounter:
    """Counts chunk by chunk, then hands over the statistics."""

    def __init__(self) -> None:
        self._chunks: Counter[tuple[Classification, str]] = Counter()
        self._terms: defaultdict[tuple[Classification, str], Counter[int]] = defaultdict(Counter)

    def add(self, classification: Classification, tenant: str, terms: Iterable[int]) -> None:
        """One chunk; `terms` are its distinct term ids."""
        self._chunks[classification, tenant] += 1
        self._terms[classification, tenant].update(terms)

    def statistics(self) -> TermStatistics:
        tables = {}
        for key, chunks in self._chunks.items():
            counted = sorted(self._terms[key].items())
            terms = np.fromiter((term for term, _ in counted), dtype=np.uint32, count=len(counted))
            counts = np.fromiter((count for _, count in counted), dtype=np.uint32, count=len(counted))
            tables[key] = Table(chunks, terms, counts)
        return TermStatistics(tables)
