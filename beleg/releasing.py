"""Releases from the command line: settings and database around the moves of `lifecycle.releases`."""

from __future__ import annotations

import getpass
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from beleg.home import here
from beleg.use_cases import require_use_case
from lifecycle import releases
from lifecycle.compose import configured_recipe, open_lifecycle, open_store
from lifecycle.ports import ReleaseStore
from lifecycle.recipes import differences
from lifecycle.types import Pointer, Release
from rag.compose import open_rag, open_state
from rag.errors import Permanent
from rag.types import now


async def all_releases() -> tuple[list[Release], set[str]]:
    """All, and the names of those that are live."""
    async with _store() as store:
        found = await store.releases()
        pointers = [await store.pointer(use_case) for use_case in {r.use_case for r in found}]
        return found, {p.release for p in pointers if p is not None}


async def create_release(use_case: str, note: str) -> tuple[Release, list[str]]:
    """The draft, and in what it differs from what is live."""
    settings = here()
    require_use_case(use_case, settings)
    async with open_rag(settings) as rag, open_lifecycle(rag) as house:
        live = await house.releases.live(use_case)
        recipe = await configured_recipe(rag, use_case, live=live.recipe)
        made = await releases.create(recipe, store=house.store, actor=getpass.getuser(), at=now(), note=note)
        return made, differences(live.recipe, recipe)


async def promote_release(name: str, *, why: str, unevaluated: bool) -> Pointer:
    async with _store() as store:
        return await releases.promote(
            name, store=store, actor=getpass.getuser(), at=now(), reason=why, unevaluated=unevaluated
        )


async def roll_release_back(use_case: str, *, to: str | None, why: str) -> Pointer:
    async with _store() as store:
        known = sorted({release.use_case for release in await store.releases()})
        if known and use_case not in known:
            raise Permanent(
                "no_such_use_case", f"Nothing was ever released for {use_case}.", hint=f"Use one of {', '.join(known)}."
            )
        return await releases.roll_back(use_case, store=store, actor=getpass.getuser(), at=now(), reason=why, to=to)


@asynccontextmanager
async def _store() -> AsyncIterator[ReleaseStore]:
    async with open_state(here()) as state:
        yield open_store(state)
