"""A function in a child process with limits: what a stranger's file does to a library stays in there.

Used by the parser and by what draws pages. One child at a time, kept warm from call to call.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from rag.errors import Permanent


class ChildCrashedError(Exception):
    """The child ended without an answer."""


class ChildTooSlowError(Exception):
    """The child was ended before it had an answer."""


class Isolated:
    """Calls one function, one call after the other.

    Args:
        function: `module:function` that the child runs; takes one value and gives one back, both picklable.
        timeout_s: of a call, or of each piece of it after which the child gives a sign of life (`rag.adapters.alive`).
        longest_s: of a call, in any case. memory_mb: of the child. grace_s: on top for a fresh child's imports, on a
            loaded machine.
    """

    def __init__(
        self, function: str, *, timeout_s: float, longest_s: float, memory_mb: int, grace_s: float = 60.0
    ) -> None:
        self._function, self._memory_mb = function, memory_mb
        self._timeout_s, self._longest_s, self._grace_s = timeout_s, longest_s, grace_s
        self._child: subprocess.Popen[bytes] | None = None
        self._pipe: Connection | None = None
        self._turn = asyncio.Lock()

    async def call(self, value: object) -> Any:
        """What the function gives back. Raises its `Permanent`, `ChildCrashedError`, `ChildTooSlowError`."""
        async with self._turn:
            return await asyncio.to_thread(self._call, value)

    async def aclose(self) -> None:
        await asyncio.to_thread(self._end)

    # --- in a thread ------------------------------------------------------------------------------------------

    def _call(self, value: object) -> Any:
        fresh = self._child is None or self._child.poll() is not None
        if fresh:
            self._begin()
        if self._pipe is None:
            raise AssertionError("a child without a pipe")
        try:
            self._pipe.send(value)
            is_well, reply = self._reply(self._pipe, self._timeout_s + (self._grace_s if fresh else 0))
        except (EOFError, OSError) as error:
            self._end()
            raise ChildCrashedError from error
        if is_well:
            return reply
        code, message, hint = reply
        raise Permanent(code, message, hint=hint)

    def _reply(self, pipe: Connection, patience_s: float) -> tuple[bool, Any]:
        """A sign of life (`None`) gives it as long again, up to `longest_s` in all."""
        deadline = time.monotonic() + self._longest_s
        while pipe.poll(patience_s) and time.monotonic() < deadline:
            reply: tuple[bool, Any] | None = pipe.recv()
            if reply is not None:
                return reply
            patience_s = self._timeout_s
        self._end()
        raise ChildTooSlowError

    def _begin(self) -> None:
        self._end()
        self._pipe, theirs = multiprocessing.Pipe()
        # A process of its own: `multiprocessing` would import the whole command line into the child first.
        command = [
            sys.executable,
            "-m",
            "rag.adapters.child",
            str(theirs.fileno()),
            str(self._memory_mb),
            self._function,
        ]
        self._child = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)  # noqa: S603
        theirs.close()

    def _end(self) -> None:
        if self._child is not None:
            programs = _children(self._child.pid)
            self._child.kill()
            self._child.wait()
            for program in programs:  # such as Tesseract, which would go on for a minute
                with suppress(ProcessLookupError):
                    os.kill(program, signal.SIGKILL)
        if self._pipe is not None:
            self._pipe.close()
        self._child = self._pipe = None


def _children(pid: int) -> list[int]:
    """What a process has started and not waited for. Empty where there is no /proc."""
    try:
        return [int(found) for found in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
    except OSError:
        return []
