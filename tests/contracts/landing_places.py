"""Landing zones for tests, behind one handle: the twin in memory, and a real folder."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from uuid import uuid4

import fsspec
import pytest

from rag import testing
from rag.adapters.landing.folder_landing import FolderLanding
from rag.adapters.landing.store_landing import StoreLanding
from rag.errors import Permanent
from rag.ports import Landing
from rag.types import Sighting, Zone

MOST = 1000
"""Bytes of a file that the folder's landing reads."""


@dataclass
class MemoryPlace:
    """Files as keys of a dict."""

    landing: testing.MemoryLanding = field(default_factory=testing.MemoryLanding)
    zone: Zone = field(default_factory=testing.zone)

    def put(self, path: str, content: bytes = b"x") -> None:
        self.landing.files[path] = content

    def remove(self, path: str) -> None:
        del self.landing.files[path]

    def vanish(self) -> None:
        self.landing.vanished = True

    def supersede(self, old: str, new: str, begins: datetime) -> None:
        assert new in self.landing.files
        self.landing.until[old] = begins


@dataclass
class FolderPlace:
    """Files in a folder; `root` holds the folder and what lies beside it."""

    root: Path
    landing: Landing = field(default_factory=lambda: FolderLanding(max_bytes=MOST))

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True)
        self.put("zone.yaml", b"name: handbook")

    @property
    def folder(self) -> Path:
        return self.root / "zone"

    @property
    def zone(self) -> Zone:
        made = testing.zone()
        return Zone(
            name=made.name, url=str(self.folder), tenant=made.tenant, owner=made.owner,
            classification=made.classification,
        )  # fmt: skip

    def put(self, path: str, content: bytes = b"x") -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)

    def remove(self, path: str) -> None:
        (self.folder / path).unlink()

    def vanish(self) -> None:
        shutil.rmtree(self.folder)

    def supersede(self, old: str, new: str, begins: datetime) -> None:
        day = begins.astimezone(UTC).isoformat()
        self.put(f"{new}.meta.yaml", f"supersedes: {old}\nvalid_from: {day}".encode())


@dataclass
class StorePlace:
    """Objects in fsspec's own store in memory, each test under a name of its own."""

    landing: Landing = field(default_factory=lambda: StoreLanding(max_bytes=MOST))
    root: str = field(default_factory=lambda: f"/{uuid4().hex}/zone")

    def __post_init__(self) -> None:
        self.store = fsspec.filesystem("memory")
        self.put("zone.yaml", b"name: handbook")

    @property
    def zone(self) -> Zone:
        return replace(testing.zone(), url=f"memory:/{self.root}")

    def put(self, path: str, content: bytes = b"x") -> None:
        self.store.pipe_file(f"{self.root}/{path}", content)

    def remove(self, path: str) -> None:
        self.store.rm_file(f"{self.root}/{path}")

    def vanish(self) -> None:
        self.store.rm(self.root, recursive=True)

    def supersede(self, old: str, new: str, begins: datetime) -> None:
        day = begins.astimezone(UTC).isoformat()
        self.put(f"{new}.meta.yaml", f"supersedes: {old}\nvalid_from: {day}".encode())


Place = MemoryPlace | FolderPlace | StorePlace


async def paths(place: Place) -> list[str]:
    return [sighting.path for sighting in await place.landing.sightings(place.zone)]


async def sighted(place: Place, path: str) -> Sighting:
    return next(s for s in await place.landing.sightings(place.zone) if s.path == path)


async def refusal(place: Place, path: str) -> Permanent:
    """Raised on reading, with a code and a sentence."""
    with pytest.raises(Permanent) as caught:
        await place.landing.read(place.zone, path)
    assert caught.value.code
    assert caught.value.message.endswith(".")
    return caught.value


@contextmanager
def nobody() -> Iterator[None]:
    """Without root's right to read everything. Whoever is no root already lacks it."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


class _Watch:
    """What is to happen just before the next call into the operating system of this kind, on this path."""

    def __init__(self, event: str, path: Path, act: Callable[[], None]) -> None:
        self.event, self.path, self.act = event, str(path), act
        self.has_acted = False
        self.failure: Exception | None = None

    def see(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self.has_acted and event == self.event and str(arguments[0]) == self.path:
            self.has_acted = True
            try:
                self.act()
            except Exception as error:
                self.failure = error


_watches: list[_Watch] = []


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if _watches:
        _watches[-1].see(event, arguments)


@cache
def _install() -> None:
    """An audit hook cannot be taken away again: there is one, and it looks at nothing most of the time."""
    sys.addaudithook(_hook)


@contextmanager
def just_before(event: str, path: Path, act: Callable[[], None]) -> Iterator[None]:
    """Acts once, between what the code under test has looked at and what it opens next. It must come to that."""
    _install()
    watch = _Watch(event, path, act)
    _watches.append(watch)
    try:
        yield
    finally:
        _watches.remove(watch)
    assert watch.has_acted, f"nothing called {event} on that path"
    assert watch.failure is None, watch.failure
