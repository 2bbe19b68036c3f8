"""Folders of zones → hints that something may have changed. Used by `flows.worker`. A hint is never the truth.

A folder is known by its inode, not by its name: one that was unmounted, deleted or replaced is watched anew, and its
zone gets a hint when it goes and when it comes back.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing
from pathlib import Path

from watchfiles import awatch

from flows.stopping import is_set_within

log = logging.getLogger(__name__)

_DEBOUNCE_MS = 400
"""A copy in progress fires many events; a quarter of the human patience for a small file."""
_LOOK_MS = 2_000
"""How often the folders themselves are looked at: the kernel says nothing of one that was moved away."""

Folders = Mapping[str, Path]
_Identity = tuple[int, int] | None


async def hints(
    folders_now: Callable[[], Folders], stop: asyncio.Event, *, look_ms: int = _LOOK_MS
) -> AsyncIterator[set[str]]:
    """Names of zones to sweep, until `stop` is set. One watcher for all: each would hold a thread of its own."""
    known: dict[str, _Identity] = {}
    while not stop.is_set():
        folders = dict(folders_now())
        seen = await asyncio.to_thread(_identities, folders)
        moved = {name for name in seen.keys() & known.keys() if seen[name] != known[name]}
        known = seen
        if moved:
            yield moved
        owed = {name for name in seen if seen[name]}  # what happened before the watcher stood, nobody has told
        async with aclosing(_changed({n: f for n, f in folders.items() if seen[n]}, stop, look_ms)) as changed:
            async for names in changed:
                if owed or names:
                    yield owed | names
                owed = set()
                if folders_now() != folders or await asyncio.to_thread(_identities, folders) != seen:
                    break


async def _changed(folders: Folders, stop: asyncio.Event, look_ms: int) -> AsyncGenerator[set[str]]:
    """Zones with events; an empty set from time to time. Ends when the folders cannot be watched any more."""
    inside = {name: f"{folder}/" for name, folder in folders.items()}
    try:
        if folders:
            watching = awatch(
                *folders.values(), stop_event=stop, debounce=_DEBOUNCE_MS, rust_timeout=look_ms, yield_on_timeout=True,
                ignore_permission_denied=True,
            )  # fmt: skip
            async for found in watching:
                paths = tuple(path for _, path in found)
                yield {name for name, start in inside.items() if any(path.startswith(start) for path in paths)}
    except ExceptionGroup as error:  # an event that cannot be told, such as a name that is no text, is an event
        log.warning("watching.odd_event", extra={"kind": type(error.exceptions[0]).__name__})
        yield set(folders)
        return
    except (OSError, RuntimeError) as error:  # gone again, or the kernel watches no more: the clock still sweeps
        log.warning("watching.failed", extra={"kind": type(error).__name__, "folders": len(folders)})
    await is_set_within(stop, look_ms / 1000)


def _identities(folders: Folders) -> dict[str, _Identity]:
    return {name: _identity(folder) for name, folder in folders.items()}


def _identity(folder: Path) -> _Identity:
    try:
        status = folder.stat()
    except OSError:
        return None
    return (status.st_dev, status.st_ino) if folder.is_dir() else None
