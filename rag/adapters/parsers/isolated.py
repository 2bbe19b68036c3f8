"""Parsing in a child process with limits. Port `Parser`: a crash, a hang or a hunger is that file's fault alone."""

from __future__ import annotations

import asyncio

from rag.adapters.isolated import ChildCrashedError, ChildTooSlowError, Isolated
from rag.adapters.parsers import ocr
from rag.adapters.parsers.revision import REVISION
from rag.errors import Permanent
from rag.types import Document, Parsed


class IsolatedParser:
    """See `rag.ports.Parser`. As many files at a time as there are children; the first child does what one can do.

    Args:
        timeout_s: whole file, or each page of it whose text has to be recognised. longest_s: whole file, in any case.
        memory_mb: of each child. max_characters: of the text that comes back. grace_s: as `Isolated` says.
        children: made when they are needed.
        read: `module:function` that the child runs; in tests one that hangs or dies.
    """

    def __init__(
        self,
        *,
        timeout_s: float = 60.0,
        longest_s: float = 1800.0,
        memory_mb: int = 2048,
        max_characters: int = 20_000_000,
        grace_s: float = 60.0,
        children: int = 1,
        read: str = "rag.adapters.parsers.reading:read",
    ) -> None:
        self._max_characters = max_characters
        self._readers = [
            Isolated(read, timeout_s=timeout_s, longest_s=longest_s, memory_mb=memory_mb, grace_s=grace_s)
            for _ in range(children)
        ]
        self._free = self._readers[::-1]
        self._turn = asyncio.Semaphore(children)

    @property
    def revision(self) -> str:
        return f"{REVISION} {ocr.revision()}"

    async def parse(self, document: Document) -> Parsed:
        """Raises `Permanent`: what the parser said, or `parser_crashed`, `parser_timeout`, `too_much_text`."""
        try:
            parsed: Parsed = await self._read(document)
        except ChildTooSlowError:
            message = "Reading the file took too long."
            raise Permanent("parser_timeout", message, hint="Export it anew, or split it.") from None
        except ChildCrashedError as error:
            message = "Reading the file failed hard; it may be damaged."
            raise Permanent("parser_crashed", message, hint="Export it anew and replace it.") from error
        if len(parsed.text) > self._max_characters:
            raise Permanent("too_much_text", "The file holds more text than one document may.", hint="Split it.")
        if not parsed.text.strip():
            raise Permanent("no_text", "The file holds no text.", hint="If it is a scan, provide a version with text.")
        return parsed

    async def _read(self, document: Document) -> Parsed:
        async with self._turn:
            reader = self._free.pop()
            try:
                parsed: Parsed = await reader.call(document)
            finally:
                self._free.append(reader)
        return parsed

    async def aclose(self) -> None:
        for reader in self._readers:
            await reader.aclose()
