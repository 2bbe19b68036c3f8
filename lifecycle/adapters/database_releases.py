"""Releases, prompts and the pointer in SQL. Port `ReleaseStore`.

Every change takes the audit chain's lock first: changes of all processes come one after the other, and a change without
its record is not possible.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from lifecycle.recipes import recipe_content, recipe_from
from lifecycle.records import changed, created
from lifecycle.stages import Move, Stage
from lifecycle.types import Change, Moved, Pointer, Release
from rag.adapters.database.audit import chain_rows, lock_chain
from rag.adapters.database.engine import Database
from rag.adapters.database.schema import moves, pointers, prompts, recipes, releases
from rag.errors import Permanent, Refused
from rag.types import Recipe

_PRODUCTION = "production"
"""The one channel there is; canary and shadow will be others."""


class DatabaseReleases:
    """See `lifecycle.ports.ReleaseStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, recipe: Recipe, *, actor: str, at: datetime, note: str) -> Release:
        """The release of this recipe: a new draft, or the one that it has already."""
        async with self._database.write(durable=True) as connection:
            await lock_chain(connection)
            wanted = _releases().where(releases.c.recipe == recipe.id, releases.c.use_case == recipe.use_case)
            known = (await connection.execute(wanted)).first()
            if known is not None:
                return _release(known)
            await self._add_recipe(connection, recipe, at)
            highest = select(func.max(releases.c.number)).where(releases.c.use_case == recipe.use_case)
            number = ((await connection.execute(highest)).scalar() or 0) + 1
            release = Release(
                name=f"{recipe.use_case}-{number}",
                use_case=recipe.use_case,
                recipe=recipe,
                stage=Stage.draft,
                created_at=at,
                created_by=actor,
                note=note,
            )
            await connection.execute(insert(releases).values(**_row(release, number)))
            await chain_rows(connection, [created(release)])
            return release

    async def release(self, name: str) -> Release:
        """Raises `Permanent("release.unknown")`, or `Permanent("recipe.changed")`."""
        async with self._database.read() as connection:
            found = (await connection.execute(_releases().where(releases.c.name == name))).first()
        if found is None:
            raise Permanent("release.unknown", f"There is no release {name}.", hint="See `beleg release list`.")
        return _release(found)

    async def releases(self, use_case: str | None = None) -> list[Release]:
        """Oldest first."""
        statement = _releases().order_by(releases.c.created_at, releases.c.number)
        if use_case is not None:
            statement = statement.where(releases.c.use_case == use_case)
        async with self._database.read() as connection:
            return [_release(found) for found in (await connection.execute(statement)).all()]

    async def pointer(self, use_case: str) -> Pointer | None:
        async with self._database.read() as connection:
            return await _pointer(connection, use_case)

    async def apply(self, change: Change) -> int:
        """One transaction: stages, pointer, history, audit row. Raises `Refused("release.moved")`."""
        async with self._database.write(durable=True) as connection:
            await lock_chain(connection)
            before = await _pointer(connection, change.use_case)
            epoch = before.epoch if before else 0
            if epoch != change.expected_epoch:
                raise _moved(change)
            for name, (old, new) in change.stages.items():
                statement = update(releases).where(releases.c.name == name, releases.c.stage == old.value)
                if (await connection.execute(statement.values(stage=new.value))).rowcount != 1:
                    raise _moved(change)
            live = before.release if before else None
            if change.points_to is not None:
                epoch += 1
                await self._point(connection, change, epoch=epoch, before=live)
            await chain_rows(connection, [changed(change, epoch=epoch, before=live)])
            return epoch

    async def history(self, use_case: str) -> list[Moved]:
        """Every move of the pointer, oldest first."""
        wanted = select(moves).where(moves.c.use_case == use_case, moves.c.channel == _PRODUCTION)
        async with self._database.read() as connection:
            rows = (await connection.execute(wanted.order_by(moves.c.epoch))).mappings().all()
        return [
            Moved(move=Move(row["move"]), **{k: v for k, v in row.items() if k not in {"move", "channel"}})
            for row in rows
        ]

    async def _add_recipe(self, connection: AsyncConnection, recipe: Recipe, at: datetime) -> None:
        """Content under its own hash: what is there already is the same."""
        prompt = recipe.prompt
        stored = select(prompts.c.template).where(prompts.c.name == prompt.name, prompts.c.version == prompt.version)
        template = (await connection.execute(stored)).scalar_one_or_none()
        if template is None:
            values = {"name": prompt.name, "version": prompt.version, "template": prompt.template, "created_at": at}
            await connection.execute(insert(prompts).values(**values))
        elif template != prompt.template:
            raise Permanent(
                "prompt.changed", f"Version {prompt.version} of prompt {prompt.name} has another text already."
            )
        content = {
            "id": recipe.id,
            "use_case": recipe.use_case,
            "content": recipe_content(recipe),
            "prompt_name": prompt.name,
            "prompt_version": prompt.version,
            "created_at": at,
        }
        await connection.execute(self._database.upsert(recipes, content, keys=("id",)))

    async def _point(self, connection: AsyncConnection, change: Change, *, epoch: int, before: str | None) -> None:
        place = {"use_case": change.use_case, "channel": _PRODUCTION, "release": change.points_to, "epoch": epoch}
        await connection.execute(self._database.upsert(pointers, place, keys=("use_case", "channel")))
        what = {
            "move": change.move.value,
            "before": before,
            "actor": change.actor,
            "reason": change.reason,
            "at": change.at,
        }
        await connection.execute(insert(moves).values(**place, **what))


async def _pointer(connection: AsyncConnection, use_case: str) -> Pointer | None:
    wanted = select(pointers.c.release, pointers.c.epoch).where(
        pointers.c.use_case == use_case, pointers.c.channel == _PRODUCTION
    )
    found = (await connection.execute(wanted)).first()
    return None if found is None else Pointer(use_case=use_case, release=found[0], epoch=found[1])


def _releases() -> Select[Any]:
    """Each release with its recipe's content and the prompt's template."""
    same_prompt = (prompts.c.name == recipes.c.prompt_name) & (prompts.c.version == recipes.c.prompt_version)
    joined = releases.join(recipes, recipes.c.id == releases.c.recipe).join(prompts, same_prompt)
    return select(releases, recipes.c.content, prompts.c.template).select_from(joined)


def _release(found: Row[Any]) -> Release:
    return Release(
        name=found.name,
        use_case=found.use_case,
        recipe=recipe_from(found.content, id=found.recipe, template=found.template),
        stage=Stage(found.stage),
        created_at=found.created_at,
        created_by=found.created_by,
        note=found.note,
    )


def _row(release: Release, number: int) -> dict[str, object]:
    return {
        "name": release.name,
        "use_case": release.use_case,
        "number": number,
        "recipe": release.recipe.id,
        "stage": release.stage.value,
        "created_at": release.created_at,
        "created_by": release.created_by,
        "note": release.note,
    }


def _moved(change: Change) -> Refused:
    return Refused(
        "release.moved",
        f"{change.release} was not changed: somebody else moved a release of {change.use_case} meanwhile.",
        hint="Look at `beleg release list`, then try again.",
    )
