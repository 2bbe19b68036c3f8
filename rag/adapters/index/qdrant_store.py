"""A Qdrant server. Implements `remote.Store`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast
from uuid import NAMESPACE_URL, uuid5

import httpx
import numpy as np
from qdrant_client import AsyncQdrantClient, QdrantClient, models
from qdrant_client.http.exceptions import ApiException, ResponseHandlingException, UnexpectedResponse

from rag.adapters.index.payload import KEYWORD_FIELDS, NUMBER_FIELDS
from rag.adapters.index.record import Version
from rag.adapters.index.remote import (
    IDENTITY,
    Compared,
    Condition,
    In,
    Names,
    Point,
    Scores,
    Stored,
    Wanted,
    unavailable,
)
from rag.errors import BelegError
from rag.types import Classification, Vector

_DENSE, _WORDS = "dense", "words"
_JOINED = ["chunk", "document_id", "version"]
_PAGE = 1000


class QdrantStore:
    """A tenant's points lie together on the disk. `quantized`: dense vectors as bytes, a quarter of the memory. `sharded`: each
    tenant has shards of its own, which only a cluster can.
    """

    def __init__(
        self, client: AsyncQdrantClient, names: Names, *, quantized: bool = False, sharded: bool = False
    ) -> None:
        self._client, self._names, self._quantized, self._sharded = client, names, quantized, sharded
        self._tenants: dict[str, set[str]] = {}

    async def create(self) -> None:
        with _translated():
            if not await self._client.collection_exists(self._names.meta):
                await self._client.create_collection(self._names.meta, vectors_config={})
            for part in Classification:
                if not await self._client.collection_exists(self._names.of(part)):
                    await self._create(self._names.of(part))

    async def _create(self, name: str) -> None:
        size = self._names.profile.dimension
        scalar = models.ScalarQuantizationConfig(type=models.ScalarType.INT8, always_ram=True)
        await self._client.create_collection(
            name, vectors_config={_DENSE: models.VectorParams(size=size, distance=models.Distance.COSINE)},
            sparse_vectors_config={_WORDS: models.SparseVectorParams()},
            quantization_config=models.ScalarQuantization(scalar=scalar) if self._quantized else None,
            sharding_method=models.ShardingMethod.CUSTOM if self._sharded else None,
        )  # fmt: skip
        for field in ("chunk", *KEYWORD_FIELDS):
            schema = models.KeywordIndexParams(type=models.KeywordIndexType.KEYWORD, is_tenant=field == "tenant")
            await self._client.create_payload_index(name, field, schema)
        for field in NUMBER_FIELDS:
            await self._client.create_payload_index(name, field, models.PayloadSchemaType.FLOAT)
        for field in ("read_since", "read_until"):
            await self._client.create_payload_index(name, field, models.PayloadSchemaType.INTEGER)

    async def drop(self) -> None:
        with _translated():
            for name in self._names.all:
                if await self._client.collection_exists(name):
                    await self._client.delete_collection(name)  # with the aliases that lead to it

    # --- the meta part --------------------------------------------------------------------------------------------

    async def fact(self, key: str) -> dict[str, Any] | None:
        return await self._fact(self._names.meta, key)

    async def live_fact(self, key: str) -> dict[str, Any] | None:
        return await self._fact(self._names.prefix, key)  # by its alias

    async def _fact(self, collection: str, key: str) -> dict[str, Any] | None:
        with _translated():
            try:
                found = await self._client.retrieve(collection, [_fact_id(key)])
            except UnexpectedResponse as error:
                if error.status_code == 404:
                    return None
                raise
            except ValueError:  # the client's own engine has no status codes
                return None
            return dict(found[0].payload or {}) if found else None

    async def state(self, key: str, fact: Mapping[str, Any]) -> None:
        point = models.PointStruct(id=_fact_id(key), vector={}, payload=dict(fact))
        with _translated():
            await self._client.upsert(self._names.meta, [point], wait=True)

    async def unstate(self, keys: Sequence[str]) -> None:
        if keys:
            points = models.PointIdsList(points=[_fact_id(key) for key in keys])
            with _translated():
                await self._client.delete(self._names.meta, points, wait=True)

    async def follow(self) -> None:
        alias = self._names.prefix
        with _translated():
            aliases = (await self._client.get_aliases()).aliases
            now_at = next((a.collection_name for a in aliases if a.alias_name == alias), None)
            if now_at == self._names.meta:
                return
            create = models.CreateAlias(collection_name=self._names.meta, alias_name=alias)
            moves: list[Any] = [models.CreateAliasOperation(create_alias=create)]
            if now_at is not None:
                moves.insert(0, models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=alias)))
            await self._client.update_collection_aliases(moves)

    # --- points ---------------------------------------------------------------------------------------------------

    async def write(self, part: Classification, points: Sequence[Point]) -> None:
        structs = [
            models.PointStruct(
                id=point.id, payload=point.payload, vector={_DENSE: point.dense.tolist(), _WORDS: _sparse(point.words)}
            )
            for point in points
        ]
        name = self._names.of(part)
        with _translated():
            if not self._sharded:
                await self._client.upsert(name, structs, wait=True)
                return
            for tenant in sorted({str((one.payload or {})["tenant"]) for one in structs}):
                if not await self._has_shard(name, tenant):
                    await self._client.create_shard_key(name, tenant)
                    self._tenants[name].add(tenant)
                own = [one for one in structs if (one.payload or {})["tenant"] == tenant]
                await self._client.upsert(name, own, wait=True, shard_key_selector=tenant)

    async def _has_shard(self, name: str, tenant: str) -> bool:
        """A server refuses to look into a shard that is not there; another process may have made it meanwhile."""
        if tenant not in self._tenants.get(name, ()):
            found = (await self._client.list_shard_keys(name)).shard_keys or []
            self._tenants[name] = {str(one.key) for one in found}
        return tenant in self._tenants[name]

    async def scan(
        self, part: Classification, wanted: Wanted, fields: Sequence[str], *, dense: bool = False, words: bool = False
    ) -> AsyncIterator[Stored]:
        vectors = [name for name, is_asked in ((_DENSE, dense), (_WORDS, words)) if is_asked]
        offset: Any = None
        while True:
            with _translated():
                found, offset = await self._client.scroll(
                    self._names.of(part), scroll_filter=_filter(wanted), limit=_PAGE, offset=offset,
                    with_payload=list(fields), with_vectors=vectors or False,
                )  # fmt: skip
            for record in found:
                yield _stored(record)
            if offset is None:
                return

    async def count(self, part: Classification, wanted: Wanted) -> int:
        with _translated():
            return (await self._client.count(self._names.of(part), count_filter=_filter(wanted), exact=True)).count

    async def end(self, part: Classification, wanted: Wanted, generation: int) -> None:
        with _translated():
            await self._client.set_payload(
                self._names.of(part), {"read_until": generation}, points=_filter(wanted), wait=True
            )

    async def delete(self, part: Classification, wanted: Wanted) -> None:
        with _translated():
            await self._client.delete(self._names.of(part), _filter(wanted), wait=True)

    async def propose(
        self, part: Classification, wanted: Wanted, vector: Vector, words: Mapping[int, float], limit: int
    ) -> Scores:
        tenant = next((one.values[0] for one in wanted.all if isinstance(one, In) and one.field == "tenant"), None)
        if not self._sharded or tenant is None:
            return await self._asked(part, _filter(wanted), vector, words, limit)
        with _translated():
            if not await self._has_shard(self._names.of(part), tenant):
                return Scores(dense={}, sparse={}, chunks={}, versions={})
        return await self._asked(part, _filter(wanted), vector, words, limit, shard=tenant)

    async def score(
        self, part: Classification, ids: Sequence[str], vector: Vector, words: Mapping[int, float]
    ) -> Scores:
        these = models.Filter(must=[models.HasIdCondition(has_id=list(ids))])
        return await self._asked(part, these, vector, words, len(ids))

    async def _asked(
        self, part: Classification, wanted: models.Filter, vector: Vector, words: Mapping[int, float], limit: int,
        *, shard: str | None = None,
    ) -> Scores:  # fmt: skip
        queries: dict[str, Any] = {_DENSE: vector.tolist()} | ({_WORDS: _sparse(words)} if words else {})
        requests = [
            models.QueryRequest(
                query=query, using=side, filter=wanted, limit=limit, with_payload=_JOINED, shard_key=shard
            )
            for side, query in queries.items()
        ]
        with _translated():
            answers = await self._client.query_batch_points(self._names.of(part), requests)
        found = {side: answer.points for side, answer in zip(queries, answers, strict=True)}
        held = {str(p.id): p.payload or {} for points in found.values() for p in points}
        chunks = {point: str(payload["chunk"]) for point, payload in held.items()}
        versions = {point: Version(str(p["document_id"]), str(p["version"])) for point, p in held.items()}
        scores = {side: {str(p.id): p.score for p in points} for side, points in found.items()}
        return Scores(dense=scores[_DENSE], sparse=scores.get(_WORDS, {}), chunks=chunks, versions=versions)

    async def payloads(self, part: Classification, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        with _translated():
            records = await self._client.retrieve(self._names.of(part), list(ids), with_payload=True)
        return {str(record.id): dict(record.payload or {}) for record in records}


def identity(client: QdrantClient, names: Names) -> str:
    """Which index lies there; "" before the first writer. Another one holds nothing of what the last one held."""
    with _translated():
        if not client.collection_exists(names.meta):
            return ""
        found = client.retrieve(names.meta, [_fact_id(IDENTITY)])
        return str((found[0].payload or {})["identity"]) if found else ""


def _fact_id(key: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"beleg/{key}"))


def _sparse(words: Mapping[int, float]) -> models.SparseVector:
    ordered = sorted(words.items())
    return models.SparseVector(indices=[term for term, _ in ordered], values=[weight for _, weight in ordered])


def _stored(record: models.Record) -> Stored:
    vectors = cast("dict[str, Any]", record.vector or {})
    dense, words = vectors.get(_DENSE), vectors.get(_WORDS)
    return Stored(
        id=str(record.id), payload=dict(record.payload or {}),
        dense=None if dense is None else np.asarray(dense, dtype=np.float32),
        words=frozenset(words.indices) if words else frozenset(),
    )  # fmt: skip


def _filter(wanted: Wanted) -> models.Filter:
    but = [models.Filter(must=[_condition(one) for one in group]) for group in wanted.but] or None
    return models.Filter(must=[_condition(one) for one in wanted.all], must_not=cast("Any", but))


def _condition(condition: Condition) -> Any:
    match condition:
        case In(field, values):
            return models.FieldCondition(key=field, match=models.MatchAny(any=list(values)))
        case Compared(field, "eq", value):
            return models.FieldCondition(key=field, match=models.MatchValue(value=int(value)))
        case Compared(field, how, value):
            bounds = {"lte" if how == "le" else how: value}
            return models.FieldCondition(key=field, range=models.Range(**bounds))


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except BelegError:
        raise
    except (ApiException, ResponseHandlingException, httpx.HTTPError, OSError, ValueError) as error:
        raise unavailable(error) from error
