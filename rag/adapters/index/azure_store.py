"""Azure AI Search. Implements `remote.Store` over the service's REST API by its own SDK (api-version 2026-04-01).

The service proposes candidates, by vectors and by terms; the terms' weights come back with them and are scored here, with
the counts that the asker may know: its own BM25 would count the documents of every tenant.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
from azure.core.credentials import AzureKeyCredential, TokenCredential
from azure.core.exceptions import AzureError, HttpResponseError, ResourceNotFoundError
from azure.core.pipeline.policies import RetryPolicy
from azure.search.documents import SearchClient
from azure.search.documents.indexes import SearchIndexClient
from azure.search.documents.indexes import models as shapes
from azure.search.documents.models import VectorizedQuery

from rag.adapters.index.azure_filters import MANY, among_ids, odata, split
from rag.adapters.index.azure_semantic import CONFIGURATION, MOST, texts_of, with_ranker
from rag.adapters.index.payload import KEYWORD_FIELDS, NUMBER_FIELDS
from rag.adapters.index.record import Version
from rag.adapters.index.remote import (
    IDENTITY,
    In,
    Names,
    Point,
    Scores,
    Stored,
    Wanted,
    unavailable,
)
from rag.types import Classification, Vector

_T = TypeVar("_T")
_PAGE = 1000
"""The most that the service gives, or takes, at once."""
_MOST_BYTES = 15 * 10**6
"""Of a batch: the service takes 16 MB."""
_LONGEST_PAUSE_S = 10.0
_ATTEMPTS = 6
_BUSY = frozenset({409, 422, 429, 503})
"""Of a single document in a batch: come again."""
_VISIBLE_WITHIN_S = 60.0
_PROFILE = "cosine"

Credential = AzureKeyCredential | TokenCredential


class AzureStore:
    """Calls block, so each runs in a thread. Documents are searchable some moments after they were taken: `write` waits."""

    def __init__(
        self, endpoint: str, credential: Credential, names: Names, *, first_pause_s: float = 0.2, semantic: bool = False
    ) -> None:
        """`first_pause_s`: before a busy service is asked again; doubled each time. `semantic`: the index can be `rank`ed."""
        self._endpoint, self._credential, self._names, self._pause_s = endpoint, credential, names, first_pause_s
        self._semantic = semantic
        self._indexes = SearchIndexClient(endpoint, credential, retry_policy=_Patience())
        self._clients: dict[str, SearchClient] = {}

    async def aclose(self) -> None:
        await asyncio.to_thread(self._indexes.close)
        for client in self._clients.values():
            await asyncio.to_thread(client.close)

    def _client(self, index: str) -> SearchClient:
        if index not in self._clients:
            self._clients[index] = SearchClient(self._endpoint, index, self._credential, retry_policy=_Patience())
        return self._clients[index]

    async def create(self) -> None:
        await _run(self._create)

    def _create(self) -> None:
        there = set(self._indexes.list_index_names())
        if self._names.meta not in there:
            self._indexes.create_index(shapes.SearchIndex(name=self._names.meta, fields=_meta_fields()))
        for part in Classification:
            if self._names.of(part) not in there:
                made = _index(self._names.of(part), self._names.profile.dimension)
                self._indexes.create_index(with_ranker(made) if self._semantic else made)

    async def drop(self) -> None:
        await _run(self._drop)

    def _drop(self) -> None:
        if self._followed() == [self._names.meta]:
            self._indexes.delete_alias(self._names.prefix)
        there = set(self._indexes.list_index_names())
        for name in self._names.all:
            if name in there:
                self._indexes.delete_index(name)

    # --- the meta part --------------------------------------------------------------------------------------------

    async def fact(self, key: str) -> dict[str, Any] | None:
        return await _run(self._fact, self._names.meta, key)

    async def live_fact(self, key: str) -> dict[str, Any] | None:
        return await _run(self._fact, self._names.prefix, key)  # by its alias

    def _fact(self, index: str, key: str) -> dict[str, Any] | None:
        try:
            found = self._client(index).get_document(key)
        except ResourceNotFoundError:
            return None
        fact: dict[str, Any] = json.loads(found["fact"])
        return fact

    def identity(self) -> str:
        """Which index lies there; "" before the first writer. Another one holds nothing of what the last one held."""
        try:
            fact = self._fact(self._names.meta, IDENTITY)
        except AzureError as error:
            raise unavailable(error) from error
        return "" if fact is None else str(fact["identity"])

    async def state(self, key: str, fact: Mapping[str, Any]) -> None:
        await _run(self._act, self._names.meta, "mergeOrUpload", [{"id": key, "fact": json.dumps(fact)}])
        deadline = time.monotonic() + _VISIBLE_WITHIN_S
        while await self.fact(key) != fact:  # who is told that something is published must find it
            if time.monotonic() > deadline:
                raise unavailable(TimeoutError())
            await asyncio.sleep(self._pause_s)

    async def unstate(self, keys: Sequence[str]) -> None:
        await _run(self._act, self._names.meta, "delete", [{"id": key} for key in keys])

    async def follow(self) -> None:
        await _run(self._follow)

    def _follow(self) -> None:
        alias = shapes.SearchAlias(name=self._names.prefix, indexes=[self._names.meta])
        if self._followed() != [self._names.meta]:
            self._indexes.create_or_update_alias(alias)

    def _followed(self) -> list[str]:
        try:
            return list(self._indexes.get_alias(self._names.prefix).indexes)
        except ResourceNotFoundError:
            return []

    # --- points ---------------------------------------------------------------------------------------------------

    async def write(self, part: Classification, points: Sequence[Point]) -> None:
        index = self._names.of(part)
        documents = [_document(point) | (texts_of(point) if self._semantic else {}) for point in points]
        await _run(self._act, index, "upload", documents)
        await _run(self._await_visible, index, [point.id for point in points[-1:]])

    def _await_visible(self, index: str, ids: Sequence[str]) -> None:
        deadline = time.monotonic() + _VISIBLE_WITHIN_S
        pause = self._pause_s / 4
        while len(list(self._page(index, among_ids(ids), ["id"], ""))) < len(ids):
            if time.monotonic() > deadline:
                raise unavailable(TimeoutError())
            time.sleep(pause)
            pause = min(2 * pause, 2.0)

    async def scan(
        self, part: Classification, wanted: Wanted, fields: Sequence[str], *, dense: bool = False, words: bool = False
    ) -> AsyncIterator[Stored]:
        asked = ["id", *fields, *(["dense"] if dense else []), *(["weights"] if words else [])]
        for one in split(wanted):
            last = ""
            while True:
                found = await _run(self._page, self._names.of(part), odata(one), asked, last)
                for document in found:
                    yield _stored(document)
                if len(found) < _PAGE:
                    break
                last = found[-1]["id"]

    def _page(self, index: str, condition: str, fields: Sequence[str], after: str) -> list[dict[str, Any]]:
        condition = f"({condition}) and id gt '{after}'" if after else condition
        return list(
            self._client(index).search("*", filter=condition, order_by=["id asc"], select=list(fields), top=_PAGE)
        )

    async def count(self, part: Classification, wanted: Wanted) -> int:
        counts = [await _run(self._count, self._names.of(part), odata(one)) for one in split(wanted)]
        return sum(counts)

    def _count(self, index: str, condition: str) -> int:
        found = self._client(index).search("*", filter=condition, include_total_count=True, top=0)
        return int(found.get_count() or 0)

    async def end(self, part: Classification, wanted: Wanted, generation: int) -> None:
        ids = [stored.id async for stored in self.scan(part, wanted, [])]
        changes: list[dict[str, Any]] = [{"id": one, "read_until": generation} for one in ids]
        await _run(self._act, self._names.of(part), "merge", changes)
        await self._await_gone(part, wanted, bool(ids))

    async def delete(self, part: Classification, wanted: Wanted) -> None:
        ids = [stored.id async for stored in self.scan(part, wanted, [])]
        await _run(self._act, self._names.of(part), "delete", [{"id": one} for one in ids])
        await self._await_gone(part, wanted, bool(ids))

    async def _await_gone(self, part: Classification, wanted: Wanted, were_any: bool) -> None:
        """What was changed by a condition no longer meets it."""
        deadline = time.monotonic() + _VISIBLE_WITHIN_S
        while were_any and await self.count(part, wanted):
            if time.monotonic() > deadline:
                raise unavailable(TimeoutError())
            await asyncio.sleep(self._pause_s)

    def _act(self, index: str, action: str, documents: Sequence[dict[str, Any]]) -> None:
        """In batches; documents that the service is too busy for come again, the others not."""
        for batch in _batches(documents):
            left = batch
            for attempt in range(_ATTEMPTS):
                left = self._once(index, action, left)
                if not left:
                    break
                time.sleep(self._pause_s * 2**attempt)
            else:
                raise unavailable(TimeoutError())

    def _once(self, index: str, action: str, documents: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """Those to come again. Raises `HttpResponseError` for one that the service will never take."""
        client = self._client(index)
        doing: dict[str, Callable[..., Any]] = {
            "upload": client.upload_documents, "merge": client.merge_documents, "delete": client.delete_documents,
            "mergeOrUpload": client.merge_or_upload_documents,
        }  # fmt: skip
        results = doing[action](documents=list(documents))
        codes = {result.key: result.status_code for result in results if not result.succeeded}
        hopeless = [code for code in codes.values() if code not in _BUSY and not (code == 404 and action != "upload")]
        if hopeless:
            raise HttpResponseError(message=f"status {hopeless[0]}")
        return [document for document in documents if codes.get(document["id"]) in _BUSY]

    # --- searching ------------------------------------------------------------------------------------------------

    async def propose(
        self, part: Classification, wanted: Wanted, vector: Vector, words: Mapping[int, float], limit: int
    ) -> Scores:
        return await _run(self._asked, self._names.of(part), odata(wanted), vector, words, limit)

    async def score(
        self, part: Classification, ids: Sequence[str], vector: Vector, words: Mapping[int, float]
    ) -> Scores:
        return await _run(self._asked, self._names.of(part), among_ids(ids), vector, words, len(ids))

    def _asked(self, index: str, condition: str, vector: Vector, words: Mapping[int, float], limit: int) -> Scores:
        client, asked = self._client(index), ["id", "chunk", "weights", "document_id", "version"]
        limit = min(limit, _PAGE)
        nearest = VectorizedQuery(vector=vector.tolist(), k_nearest_neighbors=limit, fields="dense")
        by_vector = list(
            client.search(
                vector_queries=[nearest], filter=condition, vector_filter_mode="preFilter", select=asked, top=limit
            )
        )
        terms = " ".join(_term(term) for term in sorted(words))
        by_words = list(
            client.search(terms, search_fields=["terms"], search_mode="any", filter=condition, select=asked, top=limit)
        ) if terms else []  # fmt: skip
        found = {document["id"]: document for document in (*by_vector, *by_words)}
        weighed = {point: _weighed(document["weights"], words) for point, document in found.items()}
        return Scores(
            dense={document["id"]: _cosine(document["@search.score"]) for document in by_vector},
            sparse={point: score for point, score in weighed.items() if score},
            chunks={point: document["chunk"] for point, document in found.items()},
            versions={point: Version(one["document_id"], one["version"]) for point, one in found.items()},
        )

    async def rank(self, part: Classification, text: str, chunks: Sequence[str]) -> dict[str, float]:
        """See `azure_semantic.Ranker`. A service that is slow or busy gives back what it has."""
        return await _run(self._ranked, self._names.of(part), text, chunks)

    def _ranked(self, index: str, text: str, chunks: Sequence[str]) -> dict[str, float]:
        found = self._client(index).search(
            text, search_fields=["title", "text"], search_mode="any", query_type="semantic", semantic_configuration_name=CONFIGURATION,
            semantic_error_mode="partial", semantic_max_wait_in_milliseconds=2000, filter=odata(Wanted((In("chunk", tuple(chunks)),))),
            select=["id", "chunk"], top=MOST,
        )  # fmt: skip
        scores = [(one["chunk"], one.get("@search.reranker_score")) for one in found]
        return {chunk: float(score) for chunk, score in scores if score is not None}

    async def payloads(self, part: Classification, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        wanted = among_ids(ids)
        found = await _run(self._page, self._names.of(part), wanted, ["id", "payload"], "")
        return {document["id"]: json.loads(document["payload"]) for document in found}


class _Patience(RetryPolicy[Any, Any]):
    """A few times, and not for as long as the service likes: who waits is a question, or a sweep that comes again anyway."""

    def __init__(self) -> None:
        super().__init__(retry_total=4, retry_backoff_factor=0.2, retry_backoff_max=5)

    def get_retry_after(self, response: Any) -> float | None:
        wanted = super().get_retry_after(response)
        return None if wanted is None else min(wanted, _LONGEST_PAUSE_S)


async def _run(work: Callable[..., _T], *arguments: Any) -> _T:
    try:
        return await asyncio.to_thread(work, *arguments)
    except (AzureError, OSError) as error:
        raise unavailable(error) from error


def _batches(documents: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """As many as the service takes at once, by number and by size."""
    made: list[list[dict[str, Any]]] = []
    room = 0
    for document in documents:
        size = len(json.dumps(document)) + 40
        if not made or len(made[-1]) == _PAGE or size > room:
            made.append([])
            room = _MOST_BYTES
        made[-1].append(document)
        room -= size
    return made


# --- documents ----------------------------------------------------------------------------------------------------


def _meta_fields() -> list[Any]:
    return [
        shapes.SimpleField(name="id", type="Edm.String", key=True),
        shapes.SimpleField(name="fact", type="Edm.String"),
    ]


def _index(name: str, dimension: int) -> shapes.SearchIndex:
    fields = [shapes.SimpleField(name="id", type="Edm.String", key=True, filterable=True, sortable=True)]
    for field in ("chunk", "digest", *KEYWORD_FIELDS):
        kind = "Collection(Edm.String)" if field in MANY else "Edm.String"
        fields.append(shapes.SimpleField(name=field, type=kind, filterable=True))
    fields += [shapes.SimpleField(name=field, type="Edm.Double", filterable=True) for field in NUMBER_FIELDS]
    fields += [
        shapes.SimpleField(name=field, type="Edm.Int64", filterable=True) for field in ("read_since", "read_until")
    ]
    fields += [
        shapes.SimpleField(name="payload", type="Edm.String"),
        shapes.SimpleField(name="weights", type="Edm.String"),
        shapes.SearchableField(name="terms", type="Edm.String", analyzer_name="whitespace", hidden=True),
        shapes.SearchField(
            name="dense", type="Collection(Edm.Single)", searchable=True, hidden=False,
            vector_search_dimensions=dimension, vector_search_profile_name=_PROFILE,
        ),
    ]  # fmt: skip
    algorithm = shapes.HnswAlgorithmConfiguration(name="hnsw", parameters=shapes.HnswParameters(metric="cosine"))
    profile = shapes.VectorSearchProfile(name=_PROFILE, algorithm_configuration_name="hnsw")
    vectors = shapes.VectorSearch(algorithms=[algorithm], profiles=[profile])
    return shapes.SearchIndex(name=name, fields=fields, vector_search=vectors)


def _term(term: int) -> str:
    return f"t{term}"


def _document(point: Point) -> dict[str, Any]:
    filtered = ("chunk", "digest", *KEYWORD_FIELDS, *NUMBER_FIELDS, "read_since", "read_until")
    return {
        "id": point.id,
        **{field: point.payload[field] for field in filtered},
        "payload": json.dumps(point.payload, ensure_ascii=False),
        "weights": json.dumps({str(term): round(weight, 6) for term, weight in point.words.items()}),
        "terms": " ".join(_term(term) for term in sorted(point.words)),
        "dense": point.dense.tolist(),
    }


def _stored(document: Mapping[str, Any]) -> Stored:
    dense = document.get("dense")
    weights = document.get("weights")
    return Stored(
        id=document["id"], payload=dict(document),
        dense=None if dense is None else np.asarray(dense, dtype=np.float32),
        words=frozenset(map(int, json.loads(weights))) if weights else frozenset(),
    )  # fmt: skip


def _weighed(weights: str, words: Mapping[int, float]) -> float:
    own: dict[str, float] = json.loads(weights)
    return sum(weight * own.get(str(term), 0.0) for term, weight in words.items())


def _cosine(score: float) -> float:
    """The service says 1 / (1 + distance), and the distance is 1 - cosine."""
    return 2.0 - 1.0 / score
