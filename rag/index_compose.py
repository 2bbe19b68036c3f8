"""Settings → the indexes of an instance, opened. The part of `rag.compose` that names adapters of indexes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from rag.chunking import Chunking
from rag.errors import Permanent
from rag.settings import Settings
from rag.types import Build, IndexRecord, IndexState, now

if TYPE_CHECKING:
    from pydantic import SecretStr

    from rag.adapters.embedders.opening import OpenModel
    from rag.adapters.index.indexes import Indexes
    from rag.adapters.index.opening import Opened
    from rag.ports import Catalog, Publications


def open_index(settings: Settings, record: IndexRecord, publications: Publications) -> Opened:
    """The embedded one, unless a server is configured. Raises `Permanent`: `bad_setting` for two of them.

    The first lies where it always lay; each later one has a folder, or a prefix in the server, of its own.
    """
    from rag.adapters.index.opening import azure_search, embedded, qdrant_server

    build, keep, is_first = record.build, settings.keep_generations, record.number == 1
    name, dimension, terms = build.embedder, build.dimension, build.keywords
    prefix = settings.index_prefix if is_first else f"{settings.index_prefix}-{record.number}"
    lock = settings.home.resolve() / "run" / ("index.lock" if is_first else f"{record.name}.write.lock")
    if settings.qdrant_url is not None and settings.azure_search_endpoint is not None:
        hint = "Unset BELEG_QDRANT_URL or BELEG_AZURE_SEARCH_ENDPOINT."
        raise Permanent("bad_setting", "Two index servers are configured.", hint=hint)
    if settings.azure_search_endpoint is not None:
        return azure_search(
            settings.azure_search_endpoint, key=_revealed(settings.azure_search_key), prefix=prefix, lock=lock,
            semantic=settings.azure_search_semantic,
            publications=publications, embedder=name, dimension=dimension, terms=terms, keep=keep,
        )  # fmt: skip
    if settings.qdrant_url is not None:
        return qdrant_server(
            settings.qdrant_url, api_key=_revealed(settings.qdrant_api_key), prefix=prefix,
            quantized=settings.qdrant_quantized, sharded=settings.qdrant_sharded, lock=lock,
            publications=publications, embedder=name, dimension=dimension, terms=terms, keep=keep,
        )  # fmt: skip
    root = settings.index_root if is_first else settings.index_root / record.name
    return embedded(root, publications=publications, embedder=name, dimension=dimension, terms=terms, keep=keep)


def _revealed(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def open_indexes(settings: Settings, catalog: Catalog, open_model: OpenModel, publications: Publications) -> Indexes:
    """Nothing is opened before it is asked for."""
    from rag.adapters.embedders.opening import Models
    from rag.adapters.index.indexes import Indexes

    return Indexes(
        catalog, open_one=lambda record: open_index(settings, record, publications), locks=settings.home.resolve() / "run",
        models=Models(open_model),
    )  # fmt: skip


def begun_with(record: IndexRecord) -> Chunking:
    """Its whole table, whatever the settings say now."""
    return Chunking(operators=record.build.cells, origin=f"{record.name}, as it was begun")


async def ensure_first_index(settings: Settings, indexes: Indexes, build: Build) -> None:
    """On record before anything else. One that an earlier version has built keeps the embedder that it was built with."""
    from rag.adapters.index.generations import Stamp

    if await indexes.refresh():
        return
    stamp = Stamp.read(settings.index_root)
    if stamp is not None:
        was = stamp.profile
        build = replace(build, embedder=was.embedder, dimension=was.dimension, keywords=was.keywords, parser="")
    at = now()
    await indexes.catalog.keep(
        IndexRecord(name="index-1", build=build, state=IndexState.ready, leads=True, started_at=at, ready_at=at)
    )
    await indexes.refresh()
