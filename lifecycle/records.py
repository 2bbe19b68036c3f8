"""Changes → audit rows. Pure. Used by the store, which writes both in one transaction."""

from __future__ import annotations

from lifecycle.types import Change, Release
from rag.types import AuditRow


def created(release: Release) -> AuditRow:
    """A new draft. The row's id follows from the release's name."""
    return AuditRow(
        id=f"release:{release.name}:create",
        at=release.created_at,
        actor=release.created_by,
        tenant=None,
        action="release.create",
        outcome=release.stage.value,
        facts={
            "use_case": release.use_case,
            "release": release.name,
            "recipe": release.recipe.id,
            "prompt": f"{release.recipe.prompt.name}@{release.recipe.prompt.version}",
        },
    )


def changed(change: Change, *, epoch: int, before: str | None) -> AuditRow:
    """A move. `before`: what was live until then. Reasons are the operator's own words and stay in the history."""
    at = change.at.isoformat(timespec="microseconds")
    return AuditRow(
        id=f"release:{change.release}:{change.move.value}:{at}",
        at=change.at,
        actor=change.actor,
        tenant=None,
        action=f"release.{change.move.value}",
        outcome="live" if change.points_to is not None else "recorded",
        facts={
            "use_case": change.use_case,
            "release": change.release,
            "before": before,
            "epoch": epoch,
            "stages": {name: [old.value, new.value] for name, (old, new) in change.stages.items()},
        },
    )
