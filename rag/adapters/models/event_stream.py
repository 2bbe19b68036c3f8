"""A response of server-sent chat chunks → its events, and what they add up to. Called by chat adapters alone.

Trusts nothing: not that lines end, not that events are JSON, not that a chunk has choices.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable
from typing import Any, TypeVar

from rag.types import Usage

LONGEST_LINE = 1 << 20
"""Bytes. A line is a few hundred; one without end would fill the memory."""

MOST_TOKENS = 10**8
"""What an endpoint may say that one answer took. More is no count, and would not fit into any account."""

CHARACTERS_PER_TOKEN = 4
"""Rough, and only used where an endpoint does not count."""

T = TypeVar("T")


class Rubbish(Exception):
    """The response is not a stream of chat chunks."""


class Clock:
    """The limits of one call: for the first token, for each further one, and for all. Raises `TimeoutError`."""

    def __init__(self, *, first_s: float, between_s: float, total_s: float) -> None:
        now = asyncio.get_running_loop().time()
        self._between_s = between_s
        self._next, self._last = now + first_s, now + total_s

    def ticked(self) -> None:
        """A token has come and been dealt with: the time for the next one begins."""
        self._next = asyncio.get_running_loop().time() + self._between_s

    async def wait(self, awaitable: Awaitable[T]) -> T:
        left = min(self._next, self._last) - asyncio.get_running_loop().time()
        return await asyncio.wait_for(awaitable, max(left, 0.0))


async def events(pieces: AsyncIterator[bytes], clock: Clock) -> AsyncIterator[str]:
    """The data of each event, in order, without other fields. Raises `Rubbish` for a line that does not end."""
    rest = b""
    while True:
        try:
            piece = await clock.wait(anext(pieces))
        except StopAsyncIteration:
            return
        *lines, rest = (rest + piece).split(b"\n")
        if len(rest) > LONGEST_LINE:
            raise Rubbish
        for line in lines:
            if line.startswith(b"data:"):
                yield line[5:].strip().decode("utf-8", errors="replace")


class Reading:
    """What has been read of one answer."""

    def __init__(self, *, prompt_characters: int) -> None:
        self._prompt_characters = prompt_characters
        self._counted: Usage | None = None
        self.characters = 0
        self.has_said = False
        """Whether there was anything but white space."""
        self.has_finished = False
        """Whether the endpoint has said that the answer is complete."""

    def take(self, event: str) -> str:
        """The text that an event adds, often "". Raises `Rubbish`."""
        try:
            chunk = json.loads(event)
        except (ValueError, RecursionError):
            raise Rubbish from None  # the decoder's error carries the whole text
        if not isinstance(chunk, dict) or not isinstance(chunk.get("choices"), list):
            raise Rubbish
        self._count(chunk.get("usage"))
        text = ""
        for choice in chunk["choices"]:
            text += self._taken(choice)
        self.characters += len(text)
        self.has_said = self.has_said or bool(text.strip())
        return text

    @property
    def has_cost(self) -> bool:
        """Whether anything is known to have been used."""
        return self._counted is not None or self.characters > 0

    @property
    def usage(self) -> Usage:
        """As the endpoint counted, else estimated from characters."""
        if self._counted is not None:
            return self._counted
        return Usage(
            prompt_tokens=-(-self._prompt_characters // CHARACTERS_PER_TOKEN),
            completion_tokens=-(-self.characters // CHARACTERS_PER_TOKEN),
        )

    def _taken(self, choice: Any) -> str:
        delta = choice.get("delta") if isinstance(choice, dict) else None
        if not isinstance(delta, dict):
            raise Rubbish
        self.has_finished = self.has_finished or choice.get("finish_reason") is not None
        content = delta.get("content")  # a model's reasoning and its refusals are no part of an answer
        if content is not None and not isinstance(content, str):
            raise Rubbish
        try:
            (content or "").encode("utf-8")
        except UnicodeEncodeError:
            raise Rubbish from None  # half a character can be neither stored nor sent on
        return content or ""

    def _count(self, usage: Any) -> None:
        if not isinstance(usage, dict):
            return
        prompt, completion = usage.get("prompt_tokens"), usage.get("completion_tokens")
        if not isinstance(prompt, int) or not isinstance(completion, int):
            return
        if 0 <= min(prompt, completion) <= max(prompt, completion) <= MOST_TOKENS:
            self._counted = Usage(prompt_tokens=prompt, completion_tokens=completion)
