"""What the lifecycle needs from outside."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from lifecycle.types import Change, Moved, Pointer, Release, Scorecard
from rag.types import Prompt, Recipe


class ReleaseStore(Protocol):
    """Releases, and the pointer to the live one. Every change is stored with its audit row, or not at all.

    Down means `Temporary`. Who serves wraps this in `lifecycle.live.LiveReleases`, which outlives it.
    """

    async def add(self, recipe: Recipe, *, actor: str, at: datetime, note: str) -> Release:
        """The release of this recipe, as a new draft; or the one that it has already."""
        ...

    async def release(self, name: str) -> Release:
        """Raises `Permanent("release.unknown")`, or `Permanent("recipe.changed")` if its content is not its hash's."""
        ...

    async def releases(self, use_case: str | None = None) -> list[Release]:
        """Oldest first."""
        ...

    async def pointer(self, use_case: str) -> Pointer | None:
        """`None` before the first promotion. Cheap: asked about once a second per use case and process."""
        ...

    async def apply(self, change: Change) -> int:
        """Returns the pointer's epoch. Raises `Refused("release.moved")` if epoch or a stage is not as expected."""
        ...

    async def history(self, use_case: str) -> list[Moved]:
        """Every move of the pointer, oldest first: what was live when, and who made it so."""
        ...


class Tracker(Protocol):
    """Where people look at runs and prompts. A mirror: nothing is ever read back from it. Down means `Temporary`."""

    async def log(self, scorecard: Scorecard, *, recipe: Recipe, questions: Mapping[str, str] | None = None) -> str:
        """Stores a run and returns its id. `questions`: text per item id, only if it has passed the guard."""
        ...

    async def mirror_prompt(self, prompt: Prompt, *, alias: str | None = None) -> int:
        """Returns the tracker's own version number. The same prompt twice is one version; an alias moves to it."""
        ...
