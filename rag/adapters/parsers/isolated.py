"""Parsing in a child process with limits. Port `Parser`: a crash, a hang or a hunger is that file's fault alone."""

from __future__ import annotations

from rag.adapters.isolated import ChildCrashedError, ChildTooSlowError, Isolated
from rag.adapters.parsers import ocr
from rag.adapters.parsers.revision import REVISION
from rag.errors import Permanent
from rag.types import Document, Parsed


class IsolatedParser:
    """See `rag.ports.Parser`. One file at a time.

    Args:
        timeout_s: whole file, or each page of it whose text has to be recognised. longest_s: whole file, in any case.
        memory_mb: of the child. max_characters: of the text that comes back. grace_s: as `Isolated` says.
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
        read: str = "rag.adapters.parsers.reading:read",
    ) -> None:
        self._max_characters = max_characters
        self._reader = Isolated(
            read, timeout_s=timeout_s, longest_s=longest_s, memory_mb=memory_mb, grace_s=grace_s
        )  # fmt: skip

    @property
    def revision(self) -> str:
        return f"{REVISION} {ocr.revision()}"

    async def parse(self, document: Document) -> Parsed:
        """Raises `Permanent`: what the parser said, or `parser_crashed`, `parser_timeout`, `too_much_text`."""
        try:
            parsed: Parsed = await self._reader.call(document)
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

    async def aclose(self) -> None:
        await self._reader.aclose()
