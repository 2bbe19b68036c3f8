"""The folder of an instance: there, writable, private, and held by one `beleg up` at most. Opened by every command."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import Permanent

if TYPE_CHECKING:
    from rag.settings import Settings

_LEAST_FREE_MB = 256


def here() -> Settings:
    """The settings of this instance, its folder ready. Raises `Permanent`: `bad_setting`, `home_not_writable`."""
    from rag.settings import read_settings

    settings = read_settings()
    writable_home(settings)
    return settings


def writable_home(settings: Settings) -> Path:
    """The folder of state, made if need be, private to its owner. Raises `Permanent("home_not_writable")`."""
    home = settings.home.resolve()
    try:
        home.mkdir(parents=True, exist_ok=True)
        home.chmod(0o700)
        (home / "run").mkdir(exist_ok=True)
        probe = home / "run" / f"probe-{os.getpid()}"  # two commands at once must not take each other's
        probe.write_bytes(b"x")
        probe.unlink()
    except OSError as error:
        raise Permanent(
            "home_not_writable",
            f"{home} cannot be written: {error.strerror}.",
            hint="Set BELEG_HOME to a folder of yours.",
        ) from error
    return home


def prepared_home(settings: Settings) -> Path:
    """A writable folder with room to work. Raises `Permanent`, also `disk_full`."""
    home = writable_home(settings)
    room = os.statvfs(home)
    free_mb = room.f_bavail * room.f_frsize // 2**20
    if free_mb < _LEAST_FREE_MB:
        raise Permanent(
            "disk_full",
            f"Only {free_mb} MB are free under {home}.",
            hint="Free some space, or set BELEG_HOME to another disk.",
        )
    return home


@contextmanager
def held(home: Path) -> Iterator[None]:
    """For the one instance of this folder. Raises `Permanent("already_up")`."""
    with (home / "run" / "up.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise already_up(home) from None
        yield


def is_held(home: Path) -> bool:
    """Whether an instance is up on this folder now."""
    path = home / "run" / "up.lock"
    if not path.exists():
        return False
    with path.open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
        return False


def already_up(home: Path) -> Permanent:
    return Permanent(
        "already_up",
        f"An instance is already up on {home}.",
        hint="Use it, or stop it with Ctrl-C; a second one needs its own BELEG_HOME and ports.",
    )
