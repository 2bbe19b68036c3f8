"""ZIP → the files in it, one after the other, each under its name. Bounds hold for what an archive in an archive holds too."""

from __future__ import annotations

import io
import posixpath
import zipfile

from rag.adapters.parsers.attached import Read, add_file
from rag.adapters.parsers.building import Building
from rag.errors import Permanent
from rag.types import Document, Parsed

MEDIA_TYPE = "application/zip"
_MOST_FILES = 500
_BESIDE = ("__MACOSX/", ".DS_Store", "Thumbs.db")
_ENCRYPTED = 0x1


def parse_zip(document: Document, read: Read) -> Parsed:
    """Raises `Permanent`: `password_protected`, `too_many_files`, `archive_in_archive`."""
    with zipfile.ZipFile(io.BytesIO(document.content)) as archive:
        files = [entry for entry in archive.infolist() if not entry.is_dir() and not _is_beside(entry.filename)]
        if any(entry.flag_bits & _ENCRYPTED for entry in files):
            raise Permanent(
                "password_protected", "The archive is protected by a password.", hint="Put the files into the zone."
            )
        if len(files) > _MOST_FILES:
            raise Permanent(
                "too_many_files", f"The archive holds more than {_MOST_FILES} files.", hint="Unpack it into the zone."
            )
        building = Building()
        for entry in sorted(files, key=lambda one: one.filename):
            add_file(building, _name(entry.filename), archive.read(entry), document, read, level=1)
    return building.parsed(document, MEDIA_TYPE)


def _is_beside(name: str) -> bool:
    return name.startswith(_BESIDE[0]) or posixpath.basename(name) in _BESIDE[1:]


def _name(path: str) -> str:
    """As it is shown; nothing is ever written under it."""
    return " ".join(path.replace("\\", "/").lstrip("/").split()) or "file"
