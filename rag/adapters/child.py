"""The child of `Isolated`: values in, one result or one reason out each. No text in a reason."""

from __future__ import annotations

import importlib
import resource
import sys
from multiprocessing.connection import Connection

from rag.adapters import alive
from rag.errors import Permanent


def serve(pipe: Connection, memory_mb: int, function: str) -> None:
    """Until the parent closes the pipe."""
    limit = memory_mb * 2**20
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    alive.teller.set(lambda: pipe.send(None))
    module, _, name = function.partition(":")
    work = getattr(importlib.import_module(module), name)
    while True:
        try:
            value = pipe.recv()
        except EOFError:
            return
        try:
            pipe.send((True, work(value)))
        except Permanent as error:
            pipe.send((False, (error.code, error.message, error.hint)))
        except MemoryError:
            pipe.send((False, ("too_hungry", "Reading the file needs more memory than allowed.", "Split it.")))
        except Exception as error:  # noqa: BLE001 - a library's own error may be any, and its words may hold text
            kind = type(error).__name__
            reason = ("broken_file", f"The file cannot be read ({kind}).", "Export it anew and replace it.")
            pipe.send((False, reason))


if __name__ == "__main__":
    serve(Connection(int(sys.argv[1])), int(sys.argv[2]), sys.argv[3])
