"""Processes for the tests of `test_qdrant_edge.py`: one writes until it is killed at a given event, another reads.

A server forks them, so that only it imports everything. The kill comes from Python's own audit events, so it happens inside the code under test, which knows nothing of it.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Coroutine
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from index_scene import Scene, chunk, edge_reader, edge_writer

from rag.adapters.index import generations

Copy = Callable[[Path, Path], None]


def killed_at(event: str, number: int) -> Copy:
    """From now on this process dies at the so-manyth event of this name. Gives back a copy that is an event too."""
    seen = 0

    def count(name: str) -> None:
        nonlocal seen
        if name == event:
            seen += 1
            if seen == number:
                os.kill(os.getpid(), signal.SIGKILL)

    def copy(source: Path, target: Path) -> None:
        generations.copy_file(source, target)
        count("copy")

    sys.addaudithook(lambda name, _: count(name))
    return copy


async def forget(root: Path, said: Connection, event: str, number: int) -> None:
    """Takes one of two documents out. What happens before it is nobody's concern here."""
    async with edge_writer(root) as writer:
        scene = Scene(writer, edge_reader(root))
        await scene.publish([chunk("Secret rule", document="gone"), chunk("Kept rule", document="other")])
    async with edge_writer(root, copy=killed_at(event, number)) as writer:
        await writer.retain("gone", None)
        said.send("retained")
        await writer.publish()
        said.send("published")


async def write(root: Path, said: Connection, event: str, number: int) -> None:
    async with edge_writer(root, copy=killed_at(event, number), keep=1) as writer:
        scene = Scene(writer, edge_reader(root))
        await scene.publish([chunk("Old rule", version="1"), chunk("Kept rule", document="other")])
        said.send("first")
        await scene.write([chunk("New rule", version="2")])
        said.send("upserted")
        await writer.retain("handbook", "2")
        said.send("retained")
        await writer.publish()
        said.send("published")


async def read(root: Path, said: Connection) -> None:
    for text in sorted(await Scene(None, edge_reader(root)).texts("rule")):
        said.send(text)


Work = Callable[..., Coroutine[Any, Any, None]]


class Child:
    """A process that works on the index in `root`."""

    def __init__(self, work: Work, root: Path, *arguments: str | int) -> None:
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["crashing"])
        self._hears, theirs = context.Pipe(duplex=False)
        self._process = context.Process(target=_run, args=(work, root, theirs, *arguments))
        self._process.start()
        theirs.close()

    def ended(self) -> tuple[int, list[str]]:
        """How, and what it has said until then. -9: it was killed."""
        said = list[str]()
        try:
            while self._hears.poll(300):
                said.append(self._hears.recv())
        except EOFError:
            pass
        self._process.join(300)
        assert self._process.exitcode is not None, "a hang"
        return self._process.exitcode, said


def _run(work: Work, root: Path, said: Connection, *arguments: str | int) -> None:
    asyncio.run(work(root, said, *arguments))
