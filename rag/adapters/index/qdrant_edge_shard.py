"""One collection of the embedded engine (Qdrant Edge): its shape, its filters, its errors. Called by writer and reader.

Two vectors a chunk: `dense` (cosine) and `words` (BM25 term weights, without IDF; see `rag.keywords`).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import qdrant_edge as qdrant

from rag.adapters.index.generations import UNFINISHED
from rag.adapters.index.payload import KEYWORD_FIELDS, NUMBER_FIELDS, granted_readers, granted_units
from rag.adapters.index.record import Version
from rag.errors import BelegError, Temporary
from rag.types import Access, Chunk, Vector

DENSE, WORDS = "dense", "words"
_INDEX_FROM_KB = 40_000
"""Size of a segment's vectors from which a graph is built; below, exact search takes about as long."""


def config(dimension: int) -> Any:
    """What a collection is created with."""
    return qdrant.EdgeConfig(
        vectors={DENSE: qdrant.EdgeVectorParams(dimension, qdrant.Distance.Cosine)},
        sparse_vectors={WORDS: qdrant.EdgeSparseVectorParams()},
        optimizers=qdrant.EdgeOptimizersConfig(indexing_threshold=_INDEX_FROM_KB),
    )


def open_working(folder: Path, dimension: int) -> Any:
    """The collection in `folder`, created if it is not there. Locks the folder until it is closed."""
    if not folder.is_dir():
        # Made under another name, so that a folder with the right name always holds a whole collection.
        unfinished = folder.with_name(UNFINISHED + folder.name)
        unfinished.mkdir(parents=True)
        shard = qdrant.EdgeShard.create(str(unfinished), config(dimension))
        for field in KEYWORD_FIELDS:
            shard.update(qdrant.UpdateOperation.create_field_index(field, qdrant.PayloadSchemaType.Keyword))
        for field in NUMBER_FIELDS:
            shard.update(qdrant.UpdateOperation.create_field_index(field, qdrant.PayloadSchemaType.Float))
        shard.flush()
        shard.close()
        unfinished.rename(folder)
    return qdrant.EdgeShard.load(str(folder))


def without_log(folder: Path) -> None:
    """Makes a flushed copy readable by many processes at once.

    The write-ahead log is the engine's lock: who opens it excludes all others. A copy that nobody writes needs none.
    """
    settings = folder / "edge_config.json"
    stored = json.loads(settings.read_text(encoding="utf-8"))
    settings.write_text(json.dumps({**stored, "wal_enabled": False}), encoding="utf-8")


def open_published(folder: Path) -> Any:
    """A collection of a generation. Takes no lock and changes nothing."""
    return qdrant.EdgeShard.load(str(folder))


def point(chunk: Chunk, vector: Vector, words: Mapping[int, float], payload: dict[str, Any]) -> Any:
    """What is stored of a chunk."""
    vectors = {DENSE: vector.tolist(), WORDS: sparse(words)}
    return qdrant.Point(chunk.id, vectors, payload)


def sparse(words: Mapping[int, float]) -> Any:
    """Term id → weight, in the engine's form."""
    ordered = sorted(words.items())
    return qdrant.SparseVector([term for term, _ in ordered], [weight for _, weight in ordered])


def equals(field: str, value: str) -> Any:
    return qdrant.FieldCondition(field, match=qdrant.MatchValue(value))


def any_of(field: str, values: Sequence[str]) -> Any:
    return qdrant.FieldCondition(field, match=qdrant.MatchAny(list(values)))


def access_filter(access: Access, without: Collection[Version] = ()) -> Any:
    """The access rules inside one collection. Classification is the choice of collections itself."""
    at = access.at.timestamp()
    must = [
        equals("tenant", access.tenant),
        any_of("business_unit", granted_units(access)),
        any_of("readers", granted_readers(access)),
        qdrant.FieldCondition("valid_from", range=qdrant.RangeFloat(lte=at)),
        qdrant.FieldCondition("valid_until", range=qdrant.RangeFloat(gt=at)),
    ]
    if access.zones is not None:
        must.append(any_of("zone", sorted(access.zones)))
    left_out: list[Any] = [
        qdrant.Filter(must=[equals("document_id", one.document_id), equals("version", one.version)]) for one in without
    ]
    return qdrant.Filter(must=must, must_not=left_out or None)


def outdated(document_id: str, version: str | None, keep: frozenset[str] | None, earlier: frozenset[str]) -> Any:
    """Chunks of the document that are neither of the version nor of `earlier`, or of the version but not among `keep`."""
    document = equals("document_id", document_id)
    if version is None:
        return qdrant.Filter(must=[document])
    current = [equals("version", version)]
    if keep is not None:
        current.append(qdrant.HasIdCondition(set(keep)))
    stays: list[Any] = [qdrant.Filter(must=current)]
    if earlier:
        stays.append(any_of("version", sorted(earlier)))
    return qdrant.Filter(must=[document], must_not=stays)


def records(shard: Any, fields: list[str], *, page: int = 2000) -> Iterator[Any]:
    """Every point of the collection with these payload fields and its words."""
    offset = None
    while True:
        found, offset = shard.scroll(
            qdrant.ScrollRequest(offset=offset, limit=page, with_payload=fields, with_vector=[WORDS])
        )
        yield from found
        if offset is None:
            return


def dense_vectors(shard: Any, digests: Sequence[str], *, page: int = 256) -> dict[str, Vector]:
    """Of the points whose embedded text has one of these digests; one point of many with the same text is enough."""
    known: dict[str, Vector] = {}
    for at in range(0, len(digests), page):
        asked = qdrant.Filter(must=[any_of("embedded", digests[at : at + page])])
        offset = None
        while True:
            found, offset = shard.scroll(
                qdrant.ScrollRequest(
                    offset=offset, limit=page, filter=asked, with_payload=["embedded"], with_vector=[DENSE]
                )
            )
            known |= {r.payload["embedded"]: np.asarray(r.vector[DENSE], dtype=np.float32) for r in found}
            if offset is None:
                break
    return known


def documents_among(shard: Any, document_ids: Sequence[str], *, page: int = 256) -> Iterator[str]:
    """The document of every chunk of these documents, once a chunk."""
    for at in range(0, len(document_ids), page):
        asked = qdrant.Filter(must=[any_of("document_id", document_ids[at : at + page])])
        offset = None
        while True:
            found, offset = shard.scroll(
                qdrant.ScrollRequest(offset=offset, limit=1000, filter=asked, with_payload=["document_id"])
            )
            yield from (record.payload["document_id"] for record in found)
            if offset is None:
                break


@contextmanager
def translated() -> Iterator[None]:
    """The engine raises plain `Exception` with a message that may name values: only its cause is kept."""
    try:
        yield
    except (BelegError, OSError):
        raise
    except Exception as error:
        if "No space left" in str(error):
            raise disk_full() from error
        raise Temporary(
            "index_unavailable",
            "The index could not be read or written.",
            hint="Look at the engine's message in the log of this process, and try again.",
        ) from error


def disk_full() -> Temporary:
    return Temporary(
        "disk_full",
        "The disk is full; nothing was published, and what was published before is unharmed.",
        hint="Free some space; the next run continues where this one stopped.",
        after_s=60.0,
    )
