"""Where a release stands, and which moves lead on from there. A table and one function: no clock, no network.

    draft → evaluated → production → retired | rolled_back
    draft, evaluated → rejected

`shadow` and `canary` will stand between evaluated and production: rows of this table, nothing else.
"""

from __future__ import annotations

from enum import StrEnum

from rag.errors import Refused


class Stage(StrEnum):
    """Where a release stands. At most one release of a use case is in `production`."""

    draft = "draft"
    evaluated = "evaluated"
    production = "production"
    retired = "retired"
    rolled_back = "rolled_back"
    rejected = "rejected"


class Move(StrEnum):
    """What may be done to a release. `supersede` and `roll_back` befall the one that leaves production."""

    evaluate = "evaluate"
    reject = "reject"
    promote = "promote"
    promote_unevaluated = "promote_unevaluated"
    supersede = "supersede"
    roll_back = "roll_back"
    restore = "restore"


TABLE: dict[tuple[Stage, Move], Stage] = {
    (Stage.draft, Move.evaluate): Stage.evaluated,
    (Stage.draft, Move.reject): Stage.rejected,
    (Stage.draft, Move.promote_unevaluated): Stage.production,
    (Stage.evaluated, Move.evaluate): Stage.evaluated,
    (Stage.evaluated, Move.reject): Stage.rejected,
    (Stage.evaluated, Move.promote): Stage.production,
    (Stage.production, Move.evaluate): Stage.production,
    (Stage.production, Move.supersede): Stage.retired,
    (Stage.production, Move.roll_back): Stage.rolled_back,
    (Stage.retired, Move.promote): Stage.production,
    (Stage.retired, Move.restore): Stage.production,
    (Stage.rolled_back, Move.evaluate): Stage.evaluated,
}

_HINTS = {
    (Stage.draft, Move.promote): "Evaluate it first, or promote it expressly without an evaluation.",
    (Stage.rolled_back, Move.promote): "It was taken back before: evaluate it again first.",
    (Stage.production, Move.promote): "It answers already.",
}


def after(stage: Stage, move: Move) -> Stage:
    """Where the move leads. Raises `Refused("release.stage")` if it is not allowed from here."""
    try:
        return TABLE[stage, move]
    except KeyError:
        what = move.value.replace("_", " ")
        raise Refused(
            "release.stage", f"A release that is {stage.value} cannot {what}.", hint=_HINTS.get((stage, move), "")
        ) from None
