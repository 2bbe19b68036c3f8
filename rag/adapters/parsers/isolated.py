"""Parsing in a child process with limits. Port `Parser`: a crash, a hang or a hunger is that file's fault alone."""

from __future__ import annotations

import asyncio
import multiprocessing
import resource
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from rag.errors import Permanent
from rag.types import Document, Parsed

_GRACE_S = 60.0
"""For a fresh child's imports, once, on a loaded machine."""


class IsolatedParser:
    """See `rag.ports.Parser`. One child at a time, kept warm from file to file.

    Args:
        timeout_s: whole file. memory_mb: of the child. max_characters: of the text that comes back.
        read: what the child does; replaced in tests by something that hangs or dies.
    """

    def __init__(
        self,
        *,
        timeout_s: float = 60.0,
        memory_mb: int = 2048,
        max_characters: int = 20_000_000,
        read: Callable[[Document], Parsed] | None = None,
    ) -> None:
        self._timeout_s, self._memory_mb, self._max_characters, self._read = timeout_s, memory_mb, max_characters, read
        self._child: BaseProcess | None = None
        self._pipe: Connection | None = None
        self._turn = asyncio.Lock()

    @property
    def revision(self) -> str:
        from rag.adapters.parsers.reading import REVISION

        return REVISION

    async def parse(self, document: Document) -> Parsed:
        """Raises `Permanent`: what the parser said, or `parser_crashed`, `parser_timeout`, `too_much_text`."""
        async with self._turn:
            parsed = await asyncio.to_thread(self._parse, document)
        if len(parsed.text) > self._max_characters:
            raise Permanent("too_much_text", "The file holds more text than one document may.", hint="Split it.")
        if not parsed.text.strip():
            raise Permanent("no_text", "The file holds no text.", hint="If it is a scan, provide a version with text.")
        return parsed

    async def aclose(self) -> None:
        await asyncio.to_thread(self._end)

    # --- in a thread ------------------------------------------------------------------------------------------

    def _parse(self, document: Document) -> Parsed:
        fresh = self._child is None or not self._child.is_alive()
        if fresh:
            self._begin()
        pipe = self._pipe
        if pipe is None:
            raise AssertionError("a child without a pipe")
        try:
            pipe.send(document)
            if not pipe.poll(self._timeout_s + (_GRACE_S if fresh else 0)):
                self._end()
                raise Permanent("parser_timeout", f"Reading the file took longer than {self._timeout_s:.0f} s.", hint="Export it anew, or split it.")
            reply = pipe.recv()
        except (EOFError, OSError) as error:
            self._end()
            raise Permanent("parser_crashed", "Reading the file failed hard; it may be damaged.", hint="Export it anew and replace it.") from error
        if isinstance(reply, Parsed):
            return reply
        raise Permanent(*reply[:2], hint=reply[2])

    def _begin(self) -> None:
        self._end()
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._child = context.Process(target=_serve, args=(theirs, self._memory_mb, self._read), daemon=True)
        self._child.start()
        theirs.close()

    def _end(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.join()
        if self._pipe is not None:
            self._pipe.close()
        self._child = self._pipe = None


def _serve(pipe: Connection, memory_mb: int, read: Callable[[Document], Parsed] | None) -> None:
    """The child: one document in, one `Parsed` or one reason out. No text in a reason."""
    limit = memory_mb * 2**20
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if read is None:
        from rag.adapters.parsers.reading import read
    while True:
        try:
            document = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send(read(document))
        except Permanent as error:
            pipe.send((error.code, error.message, error.hint))
        except MemoryError:
            pipe.send(("too_hungry", "Reading the file needs more memory than allowed.", "Split it."))
        except Exception as error:  # noqa: BLE001  # a library's own error: any, and its words may hold text
            pipe.send(("broken_file", f"The file cannot be read ({type(error).__name__}).", "Export it anew and replace it."))
