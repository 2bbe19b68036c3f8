"""A change's way through: create → evaluate → promote | roll back. Decides; the store applies, on record.

What is live is one pointer per use case. Each decision is taken on an epoch of that pointer and only applies if the
pointer has not moved since: of two promotions at once one wins, and the other is told.
"""

from __future__ import annotations

from datetime import datetime

from lifecycle.ports import ReleaseStore
from lifecycle.stages import Move, Stage, after
from lifecycle.types import Change, Pointer, Release
from rag.errors import Refused
from rag.types import Recipe

_ATTEMPTS = 5
"""Of a first start, when several processes make it at once: all but one lose a race or two."""


async def create(recipe: Recipe, *, store: ReleaseStore, actor: str, at: datetime, note: str = "") -> Release:
    """A draft of this recipe. The same recipe twice is one release."""
    return await store.add(recipe, actor=actor, at=at, note=note)


async def evaluated(name: str, *, store: ReleaseStore, actor: str, at: datetime, run: str = "") -> Release:
    """Records that the release was evaluated. `run`: the tracker's id of the evaluation."""
    return await _restage(name, Move.evaluate, store=store, actor=actor, at=at, reason=run)


async def reject(name: str, *, store: ReleaseStore, actor: str, at: datetime, reason: str = "") -> Release:
    """The release will not go live. A draft or an evaluated one only."""
    return await _restage(name, Move.reject, store=store, actor=actor, at=at, reason=reason)


async def promote(
    name: str,
    *,
    store: ReleaseStore,
    actor: str,
    at: datetime,
    reason: str = "",
    unevaluated: bool = False,
) -> Pointer:
    """Makes the release the live one of its use case, and retires the one before it.

    Raises `Refused("release.stage")` for a draft unless `unevaluated`, `Refused("release.moved")` if another move won.
    """
    pointer = await store.pointer((await store.release(name)).use_case)
    candidate = await store.release(name)  # read after the pointer: the epoch then vouches for the stage
    skips = unevaluated and candidate.stage is Stage.draft
    move = Move.promote_unevaluated if skips else Move.promote
    stages = {name: (candidate.stage, after(candidate.stage, move))}
    if pointer is not None:
        live = await store.release(pointer.release)
        stages[live.name] = (live.stage, after(live.stage, Move.supersede))
    return await _point(candidate, move, stages, pointer, store=store, actor=actor, at=at, reason=reason)


async def roll_back(
    use_case: str, *, store: ReleaseStore, actor: str, at: datetime, reason: str = "", to: str | None = None
) -> Pointer:
    """Takes the live release back. Without `to`, the one that was live last before it and was not itself taken back.

    Raises `Refused("release.nothing_before")` if there is none.
    """
    pointer = await store.pointer(use_case)
    if pointer is None:
        raise _nothing_before(use_case)
    live = await store.release(pointer.release)
    target = await _target(use_case, live.name, to, store)
    stages = {
        live.name: (live.stage, after(live.stage, Move.roll_back)),
        target.name: (target.stage, after(target.stage, Move.restore)),
    }
    return await _point(target, Move.roll_back, stages, pointer, store=store, actor=actor, at=at, reason=reason)


async def ensure_first_release(recipe: Recipe, *, store: ReleaseStore, at: datetime, actor: str = "system") -> Pointer:
    """Something is live: what was, or else this recipe, made live without an evaluation. Safe in many processes."""
    for _ in range(_ATTEMPTS):
        pointer = await store.pointer(recipe.use_case)
        if pointer is not None:
            return pointer
        first = await create(recipe, store=store, actor=actor, at=at, note="First start.")
        try:
            return await promote(first.name, store=store, actor=actor, at=at, reason="First start.", unevaluated=True)
        except Refused:
            continue  # another process was first: its pointer is read in the next round
    raise Refused("release.moved", "Other processes keep moving the pointer.", hint="Try again in a moment.")


async def live_at(use_case: str, at: datetime, *, store: ReleaseStore) -> str | None:
    """Name of the release that was live at that instant; `None` before the first."""
    name = None
    for moved in await store.history(use_case):
        if moved.at > at:
            break
        name = moved.release
    return name


async def _restage(name: str, move: Move, *, store: ReleaseStore, actor: str, at: datetime, reason: str) -> Release:
    release = await store.release(name)
    pointer = await store.pointer(release.use_case)
    change = Change(
        use_case=release.use_case,
        move=move,
        release=name,
        stages={name: (release.stage, after(release.stage, move))},
        points_to=None,
        expected_epoch=pointer.epoch if pointer else 0,
        actor=actor,
        reason=reason,
        at=at,
    )
    await store.apply(change)
    return await store.release(name)


async def _point(
    release: Release,
    move: Move,
    stages: dict[str, tuple[Stage, Stage]],
    pointer: Pointer | None,
    *,
    store: ReleaseStore,
    actor: str,
    at: datetime,
    reason: str,
) -> Pointer:
    change = Change(
        use_case=release.use_case,
        move=move,
        release=release.name,
        stages=stages,
        points_to=release.name,
        expected_epoch=pointer.epoch if pointer else 0,
        actor=actor,
        reason=reason,
        at=at,
    )
    return Pointer(use_case=release.use_case, release=release.name, epoch=await store.apply(change))


async def _target(use_case: str, live: str, to: str | None, store: ReleaseStore) -> Release:
    if to is not None:
        target = await store.release(to)
        if target.use_case != use_case:
            raise Refused("release.other_use_case", f"{to} belongs to the use case {target.use_case}.")
        return target
    for moved in reversed(await store.history(use_case)):
        if moved.release != live:
            candidate = await store.release(moved.release)
            if candidate.stage is Stage.retired:
                return candidate
    raise _nothing_before(use_case)


def _nothing_before(use_case: str) -> Refused:
    return Refused(
        "release.nothing_before",
        f"There is no earlier release of {use_case} to go back to.",
        hint="Promote another release instead.",
    )
