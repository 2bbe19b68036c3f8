"""A process for the tests of `test_qdrant_edge.py`: writes until it is killed at a given event, or reads.

The kill comes from Python's own audit events, so it happens inside the code under test, which knows nothing of it.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

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


async def forget(root: Path, event: str, number: int) -> None:
    """Takes one of two documents out. What happens before it is nobody's concern here."""
    async with edge_writer(root) as writer:
        scene = Scene(writer, edge_reader(root))
        await scene.publish([chunk("Secret rule", document="gone"), chunk("Kept rule", document="other")])
    async with edge_writer(root, copy=killed_at(event, number)) as writer:
        await writer.retain("gone", None)
        print("retained", flush=True)
        await writer.publish()
        print("published", flush=True)


async def write(root: Path, event: str, number: int) -> None:
    async with edge_writer(root, copy=killed_at(event, number), keep=1) as writer:
        scene = Scene(writer, edge_reader(root))
        await scene.publish([chunk("Old rule", version="1"), chunk("Kept rule", document="other")])
        print("first", flush=True)
        await scene.write([chunk("New rule", version="2")])
        print("upserted", flush=True)
        await writer.retain("handbook", "2")
        print("retained", flush=True)
        await writer.publish()
        print("published", flush=True)


async def read(root: Path) -> None:
    print(json.dumps(sorted(await Scene(None, edge_reader(root)).texts("rule"))))


if __name__ == "__main__":
    if sys.argv[2] in {"write", "forget"}:
        work = write if sys.argv[2] == "write" else forget
        asyncio.run(work(Path(sys.argv[1]), sys.argv[3], int(sys.argv[4])))
    else:
        asyncio.run(read(Path(sys.argv[1])))
