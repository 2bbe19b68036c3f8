"""How an index lies in a Qdrant server: collections, points, filters, errors. Called by its writer and its reader.

    PREFIX                                  alias of the meta collection whose index is read; moved when the profile changes
    PREFIX-<profile>-meta                   the pointer to the generation that is read, and term statistics of each
    PREFIX-<profile>-<classification>       one point a chunk and generation that wrote it

A point says from which generation on it is read, and up to which: `read_since <= generation < read_until`. So a publish moves one
number, whatever it changes, and nothing that is written is visible before it.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, uuid4, uuid5

import httpx
from qdrant_client import AsyncQdrantClient, QdrantClient, models
from qdrant_client.http.exceptions import ApiException, ResponseHandlingException

from rag.adapters.index.generations import Profile
from rag.adapters.index.payload import KEYWORD_FIELDS, NUMBER_FIELDS, granted_readers, granted_units
from rag.errors import BelegError, Temporary
from rag.types import Access, Classification

DENSE, WORDS = "dense", "words"
OPEN = 2**53
"""`read_until` of what no publish has taken out yet."""
PAGE = 1000
POINTER = str(uuid5(NAMESPACE_URL, "beleg/pointer"))
IDENTITY = str(uuid5(NAMESPACE_URL, "beleg/identity"))
ERASED = str(uuid5(NAMESPACE_URL, "beleg/erased"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Of one index in a server that may hold many."""

    prefix: str
    profile: Profile

    @property
    def _of_profile(self) -> str:
        return f"{self.prefix}-{hashlib.sha256(repr(self.profile).encode()).hexdigest()[:12]}"

    @property
    def meta(self) -> str:
        return f"{self._of_profile}-meta"

    def of(self, classification: Classification) -> str:
        return f"{self._of_profile}-{classification.name}"


def point_id(chunk_id: str, generation: int) -> str:
    return str(uuid5(NAMESPACE_URL, f"{chunk_id}/{generation}"))


def statistics_id(generation: int) -> str:
    return str(uuid5(NAMESPACE_URL, f"beleg/statistics/{generation}"))


async def create(client: AsyncQdrantClient, names: Names, *, quantized: bool) -> None:
    """Every collection that is not there yet. A tenant's points lie together on the disk."""
    if not await client.collection_exists(names.meta):
        await client.create_collection(names.meta, vectors_config={})
    if not await client.retrieve(names.meta, [IDENTITY]):
        made = models.PointStruct(id=IDENTITY, vector={}, payload={"identity": uuid4().hex[:12]})
        await client.upsert(names.meta, [made], wait=True)
    for classification in Classification:
        name = names.of(classification)
        if await client.collection_exists(name):
            continue
        dense = models.VectorParams(size=names.profile.dimension, distance=models.Distance.COSINE)
        quantization = models.ScalarQuantization(
            scalar=models.ScalarQuantizationConfig(type=models.ScalarType.INT8, always_ram=True)
        )
        await client.create_collection(
            name, vectors_config={DENSE: dense}, sparse_vectors_config={WORDS: models.SparseVectorParams()},
            quantization_config=quantization if quantized else None,
        )  # fmt: skip
        for field in ("chunk", *KEYWORD_FIELDS):
            schema = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=field == "tenant")
            await client.create_payload_index(name, field, schema)
        for field in NUMBER_FIELDS:
            await client.create_payload_index(name, field, models.PayloadSchemaType.FLOAT)
        for field in ("read_since", "read_until"):
            await client.create_payload_index(name, field, models.PayloadSchemaType.INTEGER)


def identity(client: QdrantClient, names: Names) -> str:
    """Which index lies there; "" before the first writer. Another one holds nothing of what the last one held."""
    with translated():
        if not client.collection_exists(names.meta):
            return ""
        found = client.retrieve(names.meta, [IDENTITY])
        return str((found[0].payload or {})["identity"]) if found else ""


# --- filters ------------------------------------------------------------------------------------------------------


def equals(field: str, value: str | int) -> models.FieldCondition:
    return models.FieldCondition(key=field, match=models.MatchValue(value=value))


def any_of(field: str, values: Sequence[str]) -> models.FieldCondition:
    return models.FieldCondition(key=field, match=models.MatchAny(any=list(values)))


def read_at(generation: int) -> list[models.FieldCondition]:
    """What a reader of the generation sees."""
    return [
        models.FieldCondition(key="read_since", range=models.Range(lte=generation)),
        models.FieldCondition(key="read_until", range=models.Range(gt=generation)),
    ]


def access_filter(access: Access, generation: int) -> models.Filter:
    """The access rules inside one collection, and what the generation holds."""
    at = access.at.timestamp()
    must: list[Any] = [
        equals("tenant", access.tenant),
        any_of("business_unit", granted_units(access)),
        any_of("readers", granted_readers(access)),
        models.FieldCondition(key="valid_from", range=models.Range(lte=at)),
        models.FieldCondition(key="valid_until", range=models.Range(gt=at)),
        *read_at(generation),
    ]
    if access.zones is not None:
        must.append(any_of("zone", sorted(access.zones)))
    return models.Filter(must=must)


def outdated(document_id: str, version: str | None, keep: frozenset[str] | None) -> models.Filter:
    """Open points of the document that are not of the version, or of it but not among `keep`."""
    must: list[Any] = [equals("document_id", document_id), equals("read_until", OPEN)]
    if version is None:
        return models.Filter(must=must)
    current: list[Any] = [equals("version", version)]
    if keep is not None:
        current.append(any_of("chunk", sorted(keep)))
    return models.Filter(must=must, must_not=[models.Filter(must=current)])


async def records(
    client: AsyncQdrantClient,
    collection: str,
    wanted: models.Filter,
    *,
    payload: list[str],
    vectors: list[str] | bool = False,
) -> AsyncIterator[models.Record]:
    offset: Any = None
    while True:
        found, offset = await client.scroll(
            collection, scroll_filter=wanted, limit=PAGE, offset=offset, with_payload=payload, with_vectors=vectors
        )
        for record in found:
            yield record
        if offset is None:
            return


@contextmanager
def translated() -> Iterator[None]:
    """What the client raises may name values: only its kind is kept."""
    try:
        yield
    except BelegError:
        raise
    except (ApiException, ResponseHandlingException, httpx.HTTPError, OSError, ValueError) as error:
        raise Temporary(
            "index_unavailable", f"The Qdrant server does not do what it was asked ({type(error).__name__}).",
            hint="Check BELEG_QDRANT_URL and the server's log, and try again.", after_s=5.0,
        ) from error  # fmt: skip
