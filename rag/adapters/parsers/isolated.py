"""Parsing in a child process with limits. Port `Parser`: a crash, a hang or a hunger is that file's fault alone."""

from __future__ import annotations

import asyncio
import multiprocessing
import subprocess
import sys
import time
from multiprocessing.connection import Connection
from typing import Any

from rag.adapters.parsers import ocr
from rag.adapters.parsers.revision import REVISION
from rag.errors import Permanent
from rag.types import Document, Parsed


class IsolatedParser:
    """See `rag.ports.Parser`. One child at a time, kept warm from file to file.

    Args:
        timeout_s: whole file, or each page of it whose text has to be recognised. longest_s: whole file, in any case.
        memory_mb: of the child. max_characters: of the text that comes back.
        grace_s: on top for a fresh child's imports, on a loaded machine.
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
        self._timeout_s, self._memory_mb, self._max_characters = timeout_s, memory_mb, max_characters
        self._grace_s, self._longest_s, self._read = grace_s, longest_s, read
        self._child: subprocess.Popen[bytes] | None = None
        self._pipe: Connection | None = None
        self._turn = asyncio.Lock()

    @property
    def revision(self) -> str:
        return f"{REVISION} {ocr.revision()}"

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
        fresh = self._child is None or self._child.poll() is not None
        if fresh:
            self._begin()
        pipe = self._pipe
        if pipe is None:
            raise AssertionError("a child without a pipe")
        try:
            pipe.send(document)
            reply = self._reply(pipe, self._timeout_s + (self._grace_s if fresh else 0))
        except (EOFError, OSError) as error:
            self._end()
            raise Permanent(
                "parser_crashed",
                "Reading the file failed hard; it may be damaged.",
                hint="Export it anew and replace it.",
            ) from error
        if isinstance(reply, Parsed):
            return reply
        raise Permanent(*reply[:2], hint=reply[2])

    def _reply(self, pipe: Connection, patience_s: float) -> Any:
        """A sign of life (`None`) gives it as long again, up to `longest_s` in all."""
        deadline = time.monotonic() + self._longest_s
        while pipe.poll(patience_s) and time.monotonic() < deadline:
            reply = pipe.recv()
            if reply is not None:
                return reply
            patience_s = self._timeout_s
        self._end()
        raise Permanent("parser_timeout", "Reading the file took too long.", hint="Export it anew, or split it.")

    def _begin(self) -> None:
        self._end()
        self._pipe, theirs = multiprocessing.Pipe()
        # A process of its own: `multiprocessing` would import the whole command line into the child first.
        command = [
            sys.executable,
            "-m",
            "rag.adapters.parsers.child",
            str(theirs.fileno()),
            str(self._memory_mb),
            self._read,
        ]
        self._child = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)  # noqa: S603
        theirs.close()

    def _end(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.wait()
        if self._pipe is not None:
            self._pipe.close()
        self._child = self._pipe = None
