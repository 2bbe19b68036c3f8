"""What lies in a folder: how a name on disk is shown, and how the file behind a shown path is found again.

Shown paths are NFC and printable in any encoding; on disk the same name may be decomposed (macOS) or hold bytes that
are no UTF-8 (old archives). Links are never followed: they could lead out of the folder.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import stat
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from rag.errors import Permanent, Temporary

log = logging.getLogger(__name__)

SIDECAR = ".meta.yaml"
_PASSING = ("~$", ".")
"""Office's lock files and hidden ones: they come and go while people work."""
_UNFINISHED = (".part", ".tmp", ".crdownload", ".partial", ".swp")
_SYSTEM = ("thumbs.db", "desktop.ini")


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A regular file: `path` as it is shown, relative to the root; `file` as it is named on disk."""

    path: str
    file: Path
    stat: os.stat_result


def shown(name: str) -> str:
    r"""A name that can be stored and shown; bytes that are no UTF-8 stand as `\xNN`."""
    return unicodedata.normalize("NFC", _as_text(name))


def apart(name: str) -> str:
    r"""The same with accents that are signs of their own as `\uNNNN`: tells two names apart that look alike."""
    return "".join(f"\\u{ord(sign):04x}" if unicodedata.combining(sign) else sign for sign in _as_text(name))


def _as_text(name: str) -> str:
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def files(root: Path) -> list[Found]:
    """Every document, sorted by path. Raises `Temporary` if a folder cannot be listed.

    Of two names that look alike and are written in different forms of Unicode, one is shown with its signs apart.
    """
    found: dict[str, Found] = {}
    for folder, folders, names in os.walk(root, onerror=_unreadable):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in sorted(names):
            file = Path(folder, name)
            status = None if is_passing(name) else _regular(file)
            if status is None:
                continue
            raw = file.relative_to(root).as_posix()
            path = shown(raw)
            one = Found(path=path, file=file, stat=status)
            alike = found.get(path)
            if alike is not None:
                one, other = (one, alike) if raw == path else (alike, one)
                told = apart(other.file.relative_to(root).as_posix())
                found[told] = replace(other, path=told)
            found[path] = one
    return [found[path] for path in sorted(found)]


def locate(root: Path, path: str) -> Path:
    """The file that `files` shows as `path`. Raises `Permanent`: `unsafe_path` or `file_vanished`."""
    parts = path.split("/")
    if "\0" in path or any(part in {"", ".", ".."} for part in parts):
        raise _unsafe()
    for file in () if _is_hidden(parts) else _candidates(root, parts):
        if os.path.realpath(file) != str(file):
            raise _unsafe()
        if _regular(file) is not None:
            return file
    raise Permanent("file_vanished", "The file is no longer there.")


def read_regular(file: Path, most: int) -> tuple[bytes, os.stat_result]:
    """What stands there at one moment; of more than `most` bytes, none or the first `most + 1`. Raises `Temporary("file_changing")`, `OSError`.

    Opens no link that was put in the file's place since it was located, and waits for no pipe.
    """
    for _ in range(2):  # a second look, for a file that was just being saved
        with os.fdopen(os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as stream:
            before = os.fstat(stream.fileno())
            if not stat.S_ISREG(before.st_mode) or os.path.realpath(file) != str(file):
                raise _unsafe()
            content = b"" if before.st_size > most else stream.read(most + 1)
            after = os.fstat(stream.fileno())
        if max(before.st_size, len(content)) > most or (before.st_mtime_ns, before.st_size, len(content)) == (
            after.st_mtime_ns, after.st_size, after.st_size,
        ):  # fmt: skip
            return content, after
    raise Temporary("file_changing", "The file is still being written.", after_s=5)


def sidecar(file: Path) -> Path | None:
    """The sidecar of a file on disk, in whichever form its name is written. `None`: it has none."""
    for form in dict.fromkeys([file.name, shown(file.name), unicodedata.normalize("NFD", file.name)]):
        path = file.with_name(form + SIDECAR)
        if os.path.lexists(path):
            return path
    return None


def is_passing(name: str) -> bool:
    """Settings, sidecars, and what programs leave lying about: no documents."""
    lower = name.lower()
    is_ours = name == "zone.yaml" or name.endswith(SIDECAR)
    return is_ours or name.startswith(_PASSING) or lower.endswith(_UNFINISHED) or lower in _SYSTEM


def _is_hidden(parts: list[str]) -> bool:
    return is_passing(parts[-1]) or any(part.startswith(".") for part in parts)


def _candidates(folder: Path, parts: list[str]) -> Iterator[Path]:
    if not parts:
        yield folder
        return
    for name in _names_like(folder, parts[0]):
        yield from _candidates(folder / name, parts[1:])


def _names_like(folder: Path, part: str) -> Iterator[str]:
    """The name itself first; the others that are shown alike only if that was not enough."""
    if os.path.lexists(folder / part):
        yield part
    if part.isascii() and not re.search(r"\\x[89a-f]|\\u[0-9a-f]{4}", part):
        return  # such a name is shown as it is
    try:
        names = sorted(entry.name for entry in folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return
    yield from (name for name in names if name != part and part in {shown(name), apart(name)})


def _regular(file: Path) -> os.stat_result | None:
    """`None`: gone since it was listed, or a link, a pipe, a device."""
    try:
        status = file.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return status if stat.S_ISREG(status.st_mode) else None


def _unreadable(error: OSError) -> None:
    """A folder that cannot be listed must not look like one whose files were deleted."""
    if error.errno == errno.ENAMETOOLONG:  # deeper than any program can open: nothing of it was ever a document
        log.warning("landing.folder_too_deep")
        return
    raise Temporary(
        "zone_unreadable", "A folder of the zone cannot be listed.", hint="Give Beleg read permission."
    ) from error


def _unsafe() -> Permanent:
    return Permanent("unsafe_path", "The path leads out of its zone.", hint="Put the file itself into the zone.")
