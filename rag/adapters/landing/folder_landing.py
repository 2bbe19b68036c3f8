"""A local folder as a landing zone. Port `Landing`. Never leaves the folder, whatever names and links lie in it."""

from __future__ import annotations

import asyncio
import hashlib
import os
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from rag.adapters.landing.zone_file import Sidecar, read_sidecar
from rag.errors import Permanent, Temporary
from rag.types import Document, Labels, Sighting, Zone

SIDECAR = ".meta.yaml"
_PASSING = ("~$", ".", "._")
"""Office's lock files and hidden ones: they come and go while people work."""
_UNFINISHED = (".part", ".tmp", ".crdownload", ".partial", ".swp")


class FolderLanding:
    """See `rag.ports.Landing`. Files above `max_bytes` are refused before they are read."""

    def __init__(self, *, max_bytes: int = 100 * 2**20) -> None:
        self._max_bytes = max_bytes

    async def sightings(self, zone: Zone) -> list[Sighting]:
        return await asyncio.to_thread(self._sightings, zone)

    async def read(self, zone: Zone, path: str) -> Document:
        return await asyncio.to_thread(self._read, zone, path)

    async def supersessions(self, zone: Zone) -> dict[str, datetime]:
        return await asyncio.to_thread(self._supersessions, zone)

    def document_id(self, zone: Zone, path: str) -> str:
        return hashlib.sha256(f"{zone.tenant}\n{zone.name}\n{path}".encode()).hexdigest()[:32]

    # --- in threads -------------------------------------------------------------------------------------------

    def _sightings(self, zone: Zone) -> list[Sighting]:
        root = _root(zone)
        zone_mark = _mark(root / "zone.yaml")
        found = []
        for file in _files(root):
            path = file.relative_to(root).as_posix()
            try:
                stat = file.stat()
            except FileNotFoundError:
                continue  # gone between listing and looking: the next sweep sees the same
            etag = hashlib.sha256(
                f"{stat.st_mtime_ns}|{stat.st_ino}|{_mark(_sidecar(file))}|{zone_mark}|{_labels_mark(zone)}".encode()
            ).hexdigest()[:16]
            found.append(
                Sighting(
                    zone=zone.name,
                    path=unicodedata.normalize("NFC", path),
                    size=stat.st_size,
                    modified_at=datetime.fromtimestamp(stat.st_mtime, UTC),
                    etag=etag,
                )
            )
        return sorted(found, key=lambda sighting: sighting.path)

    def _read(self, zone: Zone, path: str) -> Document:
        root = _root(zone)
        file = _inside(root, path)
        try:
            size = file.stat().st_size
            if size > self._max_bytes:
                raise Permanent(
                    "too_large",
                    f"The file has {size // 2**20} MB; at most {self._max_bytes // 2**20} MB are read.",
                    hint="Split it, or have BELEG_MAX_FILE_MB raised.",
                )
            sidecar = read_sidecar(_sidecar(file)) if _sidecar(file).is_file() else Sidecar()
            content = file.read_bytes()
            modified_at = datetime.fromtimestamp(file.stat().st_mtime, UTC)
        except FileNotFoundError as error:
            raise Permanent("file_vanished", "The file was removed while it was read.") from error
        except PermissionError as error:
            raise Permanent("not_readable", "Beleg may not read this file.", hint="Give it read permission.") from error
        except OSError as error:
            raise Temporary("file_unreachable", "The file cannot be reached at the moment.") from error
        if not content:
            raise Permanent("empty_file", "The file is empty.", hint="Replace it by one with content, or remove it.")
        return Document(
            id=self.document_id(zone, path),
            version=hashlib.sha256(content).hexdigest(),
            zone=zone.name,
            path=path,
            uri=file.as_uri(),
            content=content,
            modified_at=modified_at,
            labels=_labels(zone, sidecar),
            title=sidecar.title,
            language=sidecar.language,
            supersedes=sidecar.supersedes,
        )

    def _supersessions(self, zone: Zone) -> dict[str, datetime]:
        root = _root(zone)
        ends: dict[str, datetime] = {}
        for file in root.rglob(f"*{SIDECAR}"):
            successor = file.with_name(file.name.removesuffix(SIDECAR))
            if file.is_symlink() or not successor.is_file():
                continue
            try:
                sidecar = read_sidecar(file)
            except Permanent:
                continue  # `read` reports it for its own file
            if sidecar.supersedes:
                old = (successor.relative_to(root).parent / sidecar.supersedes).as_posix()
                begins = sidecar.valid_from or zone.valid_from or datetime.min.replace(tzinfo=UTC)
                ends[old] = min(begins, ends.get(old, begins))
        return ends


def _root(zone: Zone) -> Path:
    """Raises `Temporary("zone_vanished")`: an unreachable zone is never an empty one."""
    root = Path(zone.url.removeprefix("file://"))
    if not root.is_dir():
        raise Temporary(
            "zone_vanished",
            f"The folder of zone {zone.name} cannot be reached.",
            hint="Mount it, or mend the zone.",
            after_s=30,
        )
    return root.resolve()


def _files(root: Path) -> list[Path]:
    """Regular files below the folder. Links are not followed: they could lead out of the zone."""
    found = []
    for folder, folders, names in os.walk(root, onerror=_unreadable):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            file = Path(folder) / name
            if not _is_passing(name) and not file.is_symlink() and file.is_file():
                found.append(file)
    return found


def _unreadable(error: OSError) -> None:
    """A folder that cannot be listed must not look like one whose files were deleted."""
    raise Temporary(
        "zone_unreadable", "A folder of the zone cannot be listed.", hint="Give Beleg read permission."
    ) from error


def _is_passing(name: str) -> bool:
    return name.startswith(_PASSING) or name.endswith((*_UNFINISHED, SIDECAR)) or name == "zone.yaml"


def _inside(root: Path, path: str) -> Path:
    """Raises `Permanent("unsafe_path")`. On disk the name may be decomposed (macOS): both forms are tried."""
    for form in (path, unicodedata.normalize("NFD", path)):
        file = root / form
        if file.is_symlink() or not file.resolve().is_relative_to(root):
            raise Permanent("unsafe_path", "The path leads out of its zone.", hint="Put the file itself into the zone.")
        if file.is_file():
            return file
    raise Permanent("file_vanished", "The file is no longer there.")


def _sidecar(file: Path) -> Path:
    return file.with_name(file.name + SIDECAR)


def _mark(file: Path) -> str:
    try:
        stat = file.stat()
    except FileNotFoundError:
        return "none"
    return f"{stat.st_mtime_ns}/{stat.st_size}"


def _labels_mark(zone: Zone) -> str:
    """A zone whose settings changed labels its files anew."""
    labels = _labels(zone, Sidecar())
    return repr(replace(labels, readers=frozenset())) + repr(sorted(labels.readers))


def _labels(zone: Zone, sidecar: Sidecar) -> Labels:
    return Labels(
        tenant=zone.tenant,
        business_unit=zone.business_unit,
        classification=zone.classification if sidecar.classification is None else sidecar.classification,
        readers=zone.readers if sidecar.readers is None else sidecar.readers,
        valid_from=sidecar.valid_from or zone.valid_from,
        valid_until=sidecar.valid_until or zone.valid_until,
    )
