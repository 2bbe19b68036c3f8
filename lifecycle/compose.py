"""Settings → the lifecycle, open. The only file of `lifecycle/` that names adapters; called by entry points alone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from lifecycle.adapters.database_releases import DatabaseReleases
from lifecycle.adapters.mlflow_tracking import MlflowTracker
from lifecycle.live import LiveReleases
from lifecycle.recipes import make_recipe
from lifecycle.releases import ensure_first_release
from rag.compose import Rag, State
from rag.types import Recipe, now


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifecycle:
    """What is live, and where that is remembered."""

    store: DatabaseReleases
    releases: LiveReleases


def open_store(state: State) -> DatabaseReleases:
    """Releases alone: commands that only look need no model."""
    return DatabaseReleases(state.database)


def open_tracker(port: int) -> MlflowTracker:
    """The instance's own MLflow."""
    return MlflowTracker(f"http://127.0.0.1:{port}")


@asynccontextmanager
async def open_lifecycle(rag: Rag) -> AsyncIterator[Lifecycle]:
    """Every use case has a live release afterwards: on a first start, the recipe as configured."""
    store = open_store(rag.state)
    for name in rag.use_cases:
        await ensure_first_release(await configured_recipe(rag, name), store=store, at=now())
    yield Lifecycle(store=store, releases=LiveReleases(store))


async def configured_recipe(rag: Rag, use_case: str, *, live: Recipe | None = None) -> Recipe:
    """What would answer if the files as they stand now were released: over the index that `live` reads."""
    index = rag.indexes.lead if live is None else await rag.indexes.read_by(live.index_profile)
    return make_recipe(
        use_case=use_case,
        endpoints=rag.endpoints,
        prompt=rag.prompt(use_case),
        retrieval=rag.use_cases[use_case].retrieval,
        index_profile=index.build.profile,
        policy_revision=rag.chain.policy.revision,
        guard_revision=rag.chain.guard.revision,
    )
