"""A local folder as a landing zone. Port `Landing`. Never leaves the folder, whatever names and links lie in it."""

from __future__ import annotations

import asyncio
import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from rag.adapters.landing import folder_files
from rag.adapters.landing.labelling import beside, document_id, labels_mark, labels_of
from rag.adapters.landing.zone_file import Sidecar, current_zone, read_sidecar, zone_file_of
from rag.errors import Permanent, Temporary
from rag.types import Document, Sighting, Zone

_ALWAYS = datetime.min.replace(tzinfo=UTC)


class FolderLanding:
    """See `rag.ports.Landing`. Files above `max_bytes` are refused before they are read."""

    def __init__(self, *, max_bytes: int = 100 * 2**20) -> None:
        self._max_bytes = max_bytes

    async def zone(self, zone: Zone) -> Zone:
        return await asyncio.to_thread(lambda: current_zone(zone_file_of(_root(zone)), zone))

    async def sightings(self, zone: Zone) -> list[Sighting]:
        return await asyncio.to_thread(self._sightings, zone)

    async def read(self, zone: Zone, path: str) -> Document:
        return await asyncio.to_thread(self._read, zone, path)

    async def supersessions(self, zone: Zone) -> dict[str, datetime]:
        return await asyncio.to_thread(self._supersessions, zone)

    def document_id(self, zone: Zone, path: str) -> str:
        return document_id(zone, path)

    # --- in threads -------------------------------------------------------------------------------------------

    def _sightings(self, zone: Zone) -> list[Sighting]:
        root = _root(zone)
        try:
            of_zone = labels_mark(zone)
            seen = [_sighting(zone, found, of_zone) for found in folder_files.files(root)]
            is_same = os.path.samestat(root.stat(), _root(zone).stat())
        except OSError as error:
            raise _vanished(zone) from error
        if not is_same:  # what was there at the beginning was taken away: the list may be cut short
            raise _vanished(zone)
        return seen

    def _read(self, zone: Zone, path: str) -> Document:
        root = _root(zone)
        try:
            file = folder_files.locate(root, path)
            sidecar = _sidecar(file)
            content, status = folder_files.read_regular(file, self._max_bytes)
        except FileNotFoundError as error:
            raise Permanent("file_vanished", "The file was removed while it was read.") from error
        except PermissionError as error:
            raise Permanent("not_readable", "Beleg may not read this file.", hint="Give it read permission.") from error
        except OSError as error:
            raise Temporary("file_unreachable", "The file cannot be reached at the moment.") from error
        self._check_size(content, status)
        return Document(
            id=self.document_id(zone, path),
            version=hashlib.sha256(content).hexdigest(),
            zone=zone.name,
            path=path,
            uri=f"beleg://{quote(zone.name)}/{quote(path)}",
            content=content,
            modified_at=datetime.fromtimestamp(status.st_mtime, UTC),
            labels=labels_of(zone, sidecar),
            title=sidecar.title,
            language=sidecar.language,
            supersedes=sidecar.supersedes,
        )

    def _check_size(self, content: bytes, status: os.stat_result) -> None:
        if max(len(content), status.st_size) > self._max_bytes:
            raise Permanent(
                "too_large",
                f"The file has {status.st_size // 2**20} MB; at most {self._max_bytes // 2**20} MB are read.",
                hint="Split it, or have BELEG_MAX_FILE_MB raised.",
            )
        if not content:
            raise Permanent("empty_file", "The file is empty.", hint="Replace it by one with content, or remove it.")

    def _supersessions(self, zone: Zone) -> dict[str, datetime]:
        ends: dict[str, datetime] = {}
        for found in folder_files.files(_root(zone)):
            try:
                sidecar = _sidecar(found.file)
            except Permanent:
                continue  # `read` reports it for its own file
            if sidecar.supersedes:
                old = beside(found.path, sidecar.supersedes)
                begins = sidecar.valid_from or zone.valid_from or _ALWAYS
                if old != found.path:
                    ends[old] = min(begins, ends.get(old, begins))
        return ends


def _root(zone: Zone) -> Path:
    """Raises `Temporary("zone_vanished")`: an unreachable zone is never an empty one.

    A folder without a single entry counts as unreachable too, for that is what the place of an unmounted disk looks
    like. A `zone.yaml` in it says that it is meant.
    """
    root = Path(zone.url.removeprefix("file://"))
    try:
        with os.scandir(root) as entries:
            is_bare = next(entries, None) is None
    except OSError as error:
        raise _vanished(zone) from error
    if is_bare:
        raise Temporary(
            "zone_vanished",
            f"The folder of zone {zone.name} holds nothing at all, as if its disk were not mounted.",
            hint="Mount it; or, if it is meant to be empty, put a zone.yaml into it.",
            after_s=30,
        )
    return root.resolve()


def _vanished(zone: Zone) -> Temporary:
    return Temporary(
        "zone_vanished",
        f"The folder of zone {zone.name} cannot be reached.",
        hint="Mount it, or mend the zone.",
        after_s=30,
    )


def _sighting(zone: Zone, found: folder_files.Found, of_zone: str) -> Sighting:
    sidecar = folder_files.sidecar(found.file)
    beside = "none" if sidecar is None else _mark(sidecar)
    etag = hashlib.sha256(f"{found.stat.st_mtime_ns}|{found.stat.st_ino}|{beside}|{of_zone}".encode()).hexdigest()[:16]
    return Sighting(
        zone=zone.name,
        path=found.path,
        size=found.stat.st_size,
        modified_at=datetime.fromtimestamp(found.stat.st_mtime, UTC),
        etag=etag,
    )


def _sidecar(file: Path) -> Sidecar:
    path = folder_files.sidecar(file)
    return Sidecar() if path is None else read_sidecar(path)


def _mark(file: Path) -> str:
    try:
        stat = file.stat()
    except FileNotFoundError:
        return "none"
    return f"{stat.st_mtime_ns}/{stat.st_size}"
