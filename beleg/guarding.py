"""What the guard sees in one text, and why; how much of what is marked in many it finds. Called by `beleg dlp`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from beleg.home import here
from beleg.previewing import known_document
from rag.errors import Permanent
from rag.types import Decision, Direction, Finding, Screened

if TYPE_CHECKING:
    from lifecycle.dlp_scores import DlpScores


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A text to look at: a file of any kind, or `-` for what comes in through stdin.

    Attributes:
        use_case: whose class the policy is told; only where somebody asks or is answered.
        tenant: whose allow-list counts; default: that of the file's zone.
    """

    source: str
    direction: Direction
    use_case: str | None = None
    tenant: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One finding, where people can see it. `text` is what was found, as it stands there."""

    entity: str
    line: int
    column: int
    text: str = field(repr=False)
    recognizer: str
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was found, what the policy says to it, and what would pass; `passes` is empty if nothing does."""

    decision: Decision
    places: tuple[Place, ...]
    allowed: dict[str, int]
    medical_density: float
    medical_categories: frozenset[str]
    passes: str = field(repr=False)


async def look(asked: Asked) -> Look:
    """Nothing is stored. Raises `Permanent` for a file that cannot be read, `Refused` if the guard cannot tell."""
    from rag.compose import open_rag

    async with open_rag(here()) as rag:
        context: dict[str, str | None] = {"tenant": asked.tenant}
        if asked.use_case is not None:
            if asked.use_case not in rag.use_cases:
                known = ", ".join(sorted(rag.use_cases))
                raise Permanent(
                    "no_such_use_case", f"There is no use case {asked.use_case}.", hint=f"There are: {known}."
                )
            context["usecase_class"] = rag.use_cases[asked.use_case].usecase_class
        if asked.source == "-":
            text = _typed(most=rag.state.settings.max_file_mb * 2**20)
        else:
            zone, document = await known_document(Path(asked.source), rag)
            text = (await rag.intake.parser.parse(document)).text
            context |= {"tenant": asked.tenant or zone.tenant, "business_unit": zone.business_unit, "zone": zone.name}
        return _told(text, await rag.intake.guard.screen(text, direction=asked.direction, context=context))


def evaluate(path: Path, *, split: str | None, tell: Callable[[str], None]) -> dict[str, DlpScores]:
    """Of the recognizers as they are configured here, before any policy and allow-list: `all`, then each language.

    `tell` hears of progress. Raises `Permanent`.
    """
    from lifecycle.dlp_scores import score
    from lifecycle.marked import read_marked
    from rag.adapters.guard.detector import Detector
    from rag.adapters.guard.settings import read_guard_settings

    texts = [text for text in read_marked(path) if split in {None, text.split}]
    if not texts:
        raise Permanent("marked_invalid", f"{path.name} holds no text of the split {split}.", hint="Leave out --split.")
    detector = Detector(read_guard_settings(here().policies / "dlp" / "recognizers.yaml"))
    found: list[tuple[Finding, ...]] = []
    for text in texts:
        found.append(detector.detect(text.text).findings)
        if len(found) % _TELL_EVERY == 0:
            tell(f"  {len(found)} of {len(texts)} texts")
    by_language = {language: [at for at, text in enumerate(texts) if text.language == language]
                   for language in sorted({text.language for text in texts})}  # fmt: skip
    parts = {"all": list(range(len(texts))), **(by_language if len(by_language) > 1 else {})}
    return {name: score([texts[at] for at in part], [found[at] for at in part]) for name, part in parts.items()}


_TELL_EVERY = 200


def _typed(*, most: int) -> str:
    """What comes in through stdin. Raises `Permanent`: `too_large`, `not_text`."""
    content = sys.stdin.buffer.read(most + 1)
    if len(content) > most:
        raise Permanent("too_large", f"That is more than {most // 2**20} MB.", hint="Look at a part of it.")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        hint = "Name a file instead: its kind and its encoding are then told by what is in it."
        raise Permanent("not_text", "What came in is no text in UTF-8.", hint=hint) from None


def _told(text: str, screened: Screened) -> Look:
    return Look(
        decision=screened.decision, places=tuple(_place(text, found) for found in screened.findings), passes=screened.text,
        allowed=screened.allowed, medical_density=screened.medical_density, medical_categories=screened.medical_categories,
    )  # fmt: skip


def _place(text: str, found: Finding) -> Place:
    before = text[: found.start]
    return Place(
        entity=found.entity, line=before.count("\n") + 1, column=found.start - (before.rfind("\n") + 1) + 1,
        text=text[found.start : found.end], recognizer=found.recognizer, score=found.score,
    )  # fmt: skip
