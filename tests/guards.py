"""The real guard, made once per test run: Presidio takes seconds to import."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from rag.adapters.guard.presidio import PresidioGuard
from rag.adapters.guard.settings import GuardSettings, read_guard_settings
from rag.adapters.policy.rego import RegoPolicy
from rag.types import Direction, Screened

POLICIES = Path(__file__).resolve().parents[1] / "policies"
CONTEXT: dict[str, str | None] = {"tenant": "acme", "usecase_class": "general", "user_role": "user"}


@lru_cache(maxsize=1)
def policy() -> RegoPolicy:
    return RegoPolicy(POLICIES, watch=False)


def presidio_guard(settings: GuardSettings | None = None) -> PresidioGuard:
    """Under the policies and recognizers that the project ships."""
    chosen = settings or read_guard_settings(POLICIES / "dlp" / "recognizers.yaml")
    return _guard(chosen.model_dump_json())


@lru_cache(maxsize=8)
def _guard(settings: str) -> PresidioGuard:
    return PresidioGuard(policy(), GuardSettings.model_validate_json(settings))


async def screened(
    text: str, direction: Direction = Direction.ingest, settings: GuardSettings | None = None
) -> Screened:
    return await presidio_guard(settings).screen(text, direction=direction, context=CONTEXT)


async def found(text: str, settings: GuardSettings | None = None) -> list[tuple[str, str]]:
    """Entities with the text under them."""
    return [(f.entity, text[f.start : f.end]) for f in (await screened(text, settings=settings)).findings]
