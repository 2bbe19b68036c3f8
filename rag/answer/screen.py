"""The guard around a conversation: the question's turns on their way in, the answer's sentences on their way out.

Called by `answer()`. Each text is masked by itself, but decided on together with all that came before: a person in the
first sentence and a diagnosis in the third are one matter. Nothing leaves before it has been screened.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from rag.ports import Guard
from rag.redaction import cut_out, redact
from rag.types import Action, Decision, Direction, Screened, Turn

_BETWEEN_TURNS = "\n\n* * *\n\n"
_REMEMBERED = 8_000
"""Characters of an answer that are screened again with each new sentence; beyond, clean sentences are let go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenedTurns:
    """The conversation as the chain may see it; no turns if it is blocked."""

    turns: tuple[Turn, ...]
    decision: Decision


async def screen_turns(turns: Sequence[Turn], *, guard: Guard, context: Mapping[str, str | None]) -> ScreenedTurns:
    """All turns in one decision, whoever is said to have spoken them: the client sent them all. Raises `Refused`."""
    whole = _BETWEEN_TURNS.join(turn.content for turn in turns)
    screened = await guard.screen(whole, direction=Direction.input, context=context)
    match screened.decision.action:
        case Action.block:
            return ScreenedTurns(turns=(), decision=screened.decision)
        case Action.allow:
            return ScreenedTurns(turns=tuple(turns), decision=screened.decision)
    masked, at = [], 0
    for turn in turns:
        end = at + len(turn.content)
        masked.append(replace(turn, content=redact(turn.content, cut_out(screened.findings, at, end))))
        at = end + len(_BETWEEN_TURNS)
    return ScreenedTurns(turns=tuple(masked), decision=screened.decision)


class OutputScreen:
    """One answer, sentence by sentence. Once blocked, it stays blocked."""

    def __init__(self, guard: Guard, context: Mapping[str, str | None]) -> None:
        self._guard, self._context = guard, dict(context)
        self._telling: list[str] = []
        self._recent: list[str] = []
        self._blocked: Screened | None = None

    async def feed(self, sentence: str) -> Screened:
        """The next sentence, masked; its decision is that on all sentences so far. Raises `Refused`."""
        if self._blocked is not None:
            return self._blocked
        before = "".join([*self._telling, *self._recent])
        whole = await self._screen(before + sentence)
        if whole.decision.action is Action.block:
            self._blocked = whole
            return whole
        findings = tuple(cut_out(whole.findings, len(before), len(before) + len(sentence)))
        text = redact(sentence, findings) if whole.decision.action is Action.redact else sentence
        await self._remember(sentence)
        return replace(whole, text=text, findings=findings, counts=dict(Counter(f.entity for f in findings)))

    async def _remember(self, sentence: str) -> None:
        """Raw, because the next decision needs it. Of a long answer, old sentences that say nothing are let go."""
        self._recent.append(sentence)
        while len(self._recent) > 1 and sum(map(len, self._recent)) > _REMEMBERED:
            oldest = self._recent.pop(0)
            alone = await self._screen(oldest)
            if alone.findings or alone.medical_density > 0:
                self._telling.append(oldest)

    async def _screen(self, text: str) -> Screened:
        return await self._guard.screen(text, direction=Direction.output, context=self._context)
