"""A new index beside the one that is read: begin, evaluate, move, go back, drop. Called by `beleg index`."""

from __future__ import annotations

import getpass
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from beleg.evaluating import SAMPLE_QUESTIONS, items_of, measured
from beleg.home import here, is_held, prepared_home
from beleg.index_standing import build_of
from beleg.ingesting import quiet_prefect
from beleg.use_cases import require_use_case
from lifecycle import releases
from lifecycle.compose import open_lifecycle
from lifecycle.ports import ReleaseStore
from lifecycle.recipes import over_index
from lifecycle.stages import Stage
from lifecycle.types import Pointer, Release, Scorecard
from rag.compose import Rag, open_rag
from rag.errors import Refused
from rag.types import Build, IndexRecord, IndexState, Live, index_for, now


async def start(model: Path | None, *, glossed: bool | None, tell: Callable[[str], None]) -> bool:
    """Begins a new index, or goes on with the one that was begun. Whether it is ready at the end: where an instance is
    up, that builds it. Raises `Refused`: `index_unchanged`, `index_being_built`.
    """
    settings = here()
    home = prepared_home(settings)
    quiet_prefect(settings)
    from flows.rebuild import built

    async with open_rag(settings) as rag:
        record = await _begun(rag, build_of(rag, model, glossed), tell)
        if is_held(home):
            tell(f"The running instance builds {record.name}; `beleg index status` shows how far it is.")
            return False
        return bool(await built(rag, record, tell=tell))


async def _begun(rag: Rag, build: Build, tell: Callable[[str], None]) -> IndexRecord:
    records = await rag.indexes.refresh()
    for record in records:
        if record.build.profile == build.profile:
            if record.state is IndexState.building:
                tell(f"Going on with {record.name}.")
                return record
            raise Refused(
                "index_unchanged", f"{record.name} was built with exactly this.",
                hint=f"Name another embedder, or use it: `beleg index move {record.name}`.",
            )  # fmt: skip
    unfinished = [record for record in records if record.state is IndexState.building]
    if unfinished:
        name = unfinished[0].name
        raise Refused(
            "index_being_built", f"{name} is being built.", hint=f"Wait for it, or `beleg index drop {name} --yes`."
        )
    begun = await rag.indexes.begin(build)
    tell(f"{begun.name} is built beside {rag.indexes.lead.name}, which goes on answering.")
    return begun


@asynccontextmanager
async def _ready(name: str) -> AsyncIterator[tuple[Rag, IndexRecord]]:
    async with open_rag(here()) as rag:
        record = await rag.indexes.named(name)
        if record.state is not IndexState.ready:
            raise Refused(
                "index_not_ready", f"{name} does not hold every document yet.", hint="`beleg index status` shows when."
            )
        yield rag, record


async def evaluate(
    name: str, *, use_case: str, questions: Path | None, split: str, tell: Callable[[str], None]
) -> tuple[Scorecard, Scorecard, str]:
    """The same questions of the index that is read and of this one: both cards, and what that means for its release."""
    items = items_of(questions or SAMPLE_QUESTIONS, split)
    require_use_case(use_case, here())
    async with _ready(name) as (rag, record), open_lifecycle(rag) as house:
        live = await house.releases.live(use_case)
        made = await _release(record, live, house.store)
        beside = Live(release=made.name, recipe=made.recipe, epoch=live.epoch)
        tell(f"Asking {len(items)} questions ({split}) of {live.release}, then of {made.name} over {name} ...")
        before, _ = await measured(rag, house, items, live, use_case=use_case, split=split, is_record=False)
        after, told = await measured(rag, house, items, beside, use_case=use_case, split=split)
    return before, after, told


async def _release(record: IndexRecord, live: Live, store: ReleaseStore) -> Release:
    """The live recipe over this index."""
    note = f"Over {record.name}."
    recipe = over_index(live.recipe, record.build.profile)
    return await releases.create(recipe, store=store, actor=getpass.getuser(), at=now(), note=note)


async def move(name: str, *, use_case: str | None, why: str, unevaluated: bool) -> list[Pointer]:
    """Every use case, or this one, is answered from the index from now on; all are allowed to, or none is moved."""
    async with _ready(name) as (rag, record), open_lifecycle(rag) as house:
        chosen = [use_case] if use_case else list(rag.use_cases)
        made = []
        for one in chosen:
            require_use_case(one, rag.state.settings)
            live = await house.releases.live(one)
            if live.recipe.index_profile != record.build.profile:
                made.append(await _release(record, live, house.store))
        if not unevaluated:
            _require_evaluated(made, name)
        return [
            await releases.promote(
                release.name, store=house.store, actor=getpass.getuser(), at=now(), reason=why or f"Over {name}.",
                unevaluated=unevaluated,
            )
            for release in made
        ]  # fmt: skip


def _require_evaluated(made: list[Release], index: str) -> None:
    drafts = [release for release in made if release.stage in {Stage.draft, Stage.rolled_back}]
    if drafts:
        use_cases = ", ".join(release.use_case for release in drafts)
        raise Refused(
            "index_not_evaluated", f"{index} was not evaluated for {use_cases}.",
            hint=f"`beleg index evaluate {index} --use-case {drafts[0].use_case}`, or say --unevaluated.",
        )  # fmt: skip


async def back(*, use_case: str | None, why: str) -> list[Pointer]:
    """Every use case, or this one, whose release reads another index than the one before: that one answers again."""
    async with open_rag(here()) as rag, open_lifecycle(rag) as house:
        moved = []
        for one in [use_case] if use_case else list(rag.use_cases):
            require_use_case(one, rag.state.settings)
            to = await _before(rag, one, house.store)
            if to is not None:
                moved.append(
                    await releases.roll_back(
                        one, store=house.store, actor=getpass.getuser(), at=now(), reason=why, to=to
                    )
                )
    if not moved:
        raise Refused("index_nothing_before", "No use case was answered from another index that is still there.")
    return moved


async def _before(rag: Rag, use_case: str, store: ReleaseStore) -> str | None:
    """The last release that was answered from another index than the live one, if that index is still there."""
    records = await rag.indexes.refresh()
    read = {r.name: index_for(r.recipe.index_profile, records).name for r in await store.releases(use_case)}
    history = await store.history(use_case)
    found = [moved.release for moved in history if read[moved.release] != read[history[-1].release]]
    return found[-1] if found else None


async def drop(name: str) -> None:
    """Raises `Refused`: `index_read`, `index_alone`."""
    settings = here()
    quiet_prefect(settings)
    from flows.rebuild import drop as drop_index
    from flows.rebuild import index_reading

    async with open_rag(settings) as rag:
        record = await rag.indexes.named(name)
        reading = await index_reading(rag, record)
        if reading and reading.read_by:
            use_cases = ", ".join(reading.read_by)
            raise Refused("index_read", f"{name} answers for {use_cases}.", hint="Move to another index first.")
        await drop_index(rag, record)
