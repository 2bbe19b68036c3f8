"""A container in an object store (S3, Azure Blob, whatever fsspec opens) as a landing zone. Port `Landing`.

Nothing is written there. Credentials are the vendor's own: environment variables, profiles, the machine's identity. A store
that cannot be listed is never an empty zone: an expired credential must not delete what it can no longer see.
"""

from __future__ import annotations

import asyncio
import hashlib
import posixpath
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import quote

from rag.adapters.landing.folder_files import SIDECAR, is_passing
from rag.adapters.landing.labelling import beside, document_id, labels_mark, labels_of
from rag.adapters.landing.store_address import opened
from rag.adapters.landing.zone_file import (
    MOST_BYTES,
    Sidecar,
    ZoneFile,
    current_zone,
    parse_sidecar,
    parse_zone_file,
)
from rag.errors import BelegError, Permanent, Temporary
from rag.types import Document, Sighting, Zone

_ALWAYS = datetime.min.replace(tzinfo=UTC)
_TAGS = ("ETag", "etag", "md5", "content_md5", "checksum", "created")
_TIMES = ("LastModified", "last_modified", "mtime", "modified", "updated", "created")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class _Found:
    """An object: `path` as it is shown, `key` as the store names it, and what the store says of it."""

    path: str
    key: str
    size: int
    modified_at: datetime
    tag: str


class StoreLanding:
    """See `rag.ports.Landing`. Objects above `max_bytes` are refused before they are read."""

    def __init__(self, *, max_bytes: int = 100 * 2**20) -> None:
        self._max_bytes = max_bytes
        self._keys: dict[str, dict[str, str]] = {}
        self._sidecars: dict[str, dict[str, tuple[_Found, Sidecar | None]]] = {}

    async def zone(self, zone: Zone) -> Zone:
        return await self._run(zone, lambda: current_zone(parse_zone_file(self._settings(zone)), zone))

    async def settings(self, zone: Zone) -> ZoneFile:
        """What its `zone.yaml` says, if it has one. Raises `Permanent`, `Temporary`."""
        return await self._run(zone, lambda: parse_zone_file(self._settings(zone)))

    async def sightings(self, zone: Zone) -> list[Sighting]:
        return await self._run(zone, lambda: self._sightings(zone))

    async def read(self, zone: Zone, path: str) -> Document:
        return await self._run(zone, lambda: self._read(zone, path))

    async def supersessions(self, zone: Zone) -> dict[str, datetime]:
        return await self._run(zone, lambda: self._supersessions(zone))

    def document_id(self, zone: Zone, path: str) -> str:
        return document_id(zone, path)

    async def _run(self, zone: Zone, work: Callable[[], _T]) -> _T:
        """In a thread. What a vendor's client raises may name keys: only its kind is kept."""
        try:
            return await asyncio.to_thread(work)
        except BelegError:
            raise
        except Exception as error:
            raise Temporary(
                "zone_vanished", f"The store of zone {zone.name} cannot be reached ({type(error).__name__}).",
                hint="Look after its address and credentials.", after_s=30,
            ) from error  # fmt: skip

    # --- in threads -------------------------------------------------------------------------------------------

    def _listing(self, zone: Zone) -> tuple[Any, dict[str, _Found]]:
        """The store, and everything in the zone by its shown path, settings and sidecars too."""
        store, root = opened(zone.url)
        found: dict[str, _Found] = {}
        for key, facts in store.find(root, detail=True).items():
            raw = key[len(root) :].strip("/")
            if raw:
                path = unicodedata.normalize("NFC", raw)
                found.setdefault(path, _found(path, key, facts))
        _drop_folders(found)
        if not found:
            raise Temporary(
                "zone_vanished", f"The store of zone {zone.name} holds nothing at all under this address.",
                hint="Look after the address; or, if it is meant to be empty, put a zone.yaml there.", after_s=30,
            )  # fmt: skip
        self._keys[zone.url] = {path: one.key for path, one in found.items()}
        return store, found

    def _object(self, store: Any, root: str, zone: Zone, path: str) -> _Found | None:
        """Asked of the store: listing a zone for each of its files would take for ever. By the name that it has there."""
        key = self._keys.get(zone.url, {}).get(path, f"{root}/{path}")
        try:
            facts = store.info(key)
        except FileNotFoundError:
            return None
        return None if facts.get("type") == "directory" else _found(path, key, facts)

    def _sightings(self, zone: Zone) -> list[Sighting]:
        _, found = self._listing(zone)
        of_zone = labels_mark(zone)
        seen = [one for path, one in sorted(found.items()) if _is_document(path)]
        return [_sighting(zone, one, found.get(one.path + SIDECAR), of_zone) for one in seen]

    def _read(self, zone: Zone, path: str) -> Document:
        store, root = opened(zone.url)
        one = self._object(store, root, zone, path) if _is_document(path) else None
        if one is None:
            one = self._listing(zone)[1].get(path)  # says it if all are gone
        if one is None or not _is_document(path):
            raise Permanent("file_vanished", "The file is no longer there.")
        self._require_size(one.size)
        content = _content(store, one.key)
        self._require_size(len(content))
        sidecar = self._sidecar(store, self._object(store, root, zone, path + SIDECAR))
        return Document(
            id=document_id(zone, path),
            version=hashlib.sha256(content).hexdigest(),
            zone=zone.name,
            path=path,
            uri=f"beleg://{quote(zone.name)}/{quote(path)}",
            content=content,
            modified_at=one.modified_at,
            labels=labels_of(zone, sidecar),
            title=sidecar.title,
            language=sidecar.language,
            supersedes=sidecar.supersedes,
        )

    def _require_size(self, size: int) -> None:
        if size > self._max_bytes:
            raise Permanent(
                "too_large", f"The file has {size // 2**20} MB; at most {self._max_bytes // 2**20} MB are read.",
                hint="Split it, or have BELEG_MAX_FILE_MB raised.",
            )  # fmt: skip
        if not size:
            raise Permanent("empty_file", "The file is empty.", hint="Replace it by one with content, or remove it.")

    def _settings(self, zone: Zone) -> bytes | None:
        store, found = self._listing(zone)
        one = found.get("zone.yaml")
        return None if one is None else store.cat_file(one.key, end=MOST_BYTES + 1)

    def _sidecar(self, store: Any, found: _Found | None) -> Sidecar:
        if found is None:
            return Sidecar()
        return parse_sidecar(store.cat_file(found.key, end=MOST_BYTES + 1), posixpath.basename(found.path))

    def _supersessions(self, zone: Zone) -> dict[str, datetime]:
        store, found = self._listing(zone)
        known, ends = self._sidecars.get(zone.url, {}), dict[str, datetime]()
        beside_file = [path for path in sorted(found) if path.endswith(SIDECAR) and path.removesuffix(SIDECAR) in found]
        read = {path: self._read_once(store, found[path], known.get(path)) for path in beside_file}
        self._sidecars[zone.url] = read
        for path, (_, sidecar) in read.items():
            of = path.removesuffix(SIDECAR)
            if sidecar is not None and sidecar.supersedes and (old := beside(of, sidecar.supersedes)) != of:
                begins = sidecar.valid_from or zone.valid_from or _ALWAYS
                ends[old] = min(begins, ends.get(old, begins))
        return ends

    def _read_once(
        self, store: Any, one: _Found, before: tuple[_Found, Sidecar | None] | None
    ) -> tuple[_Found, Sidecar | None]:
        """An unchanged sidecar is not opened again. `None`: unreadable, which `read` reports for its own file."""
        if before is not None and before[0] == one:
            return before
        try:
            return one, self._sidecar(store, one)
        except Permanent:
            return one, None


def _content(store: Any, key: str) -> bytes:
    """Of an object that the store has just told of: what is wrong is wrong with this one, not with the store."""
    try:
        content: bytes = store.cat_file(key)
    except FileNotFoundError as error:
        raise Permanent("file_vanished", "The file is no longer there.") from error
    except Exception as error:
        raise Temporary(
            "file_unreachable", f"The store tells of this file and does not give it out ({type(error).__name__}).",
            hint="Look whether it is archived, and whether Beleg may read it.",
        ) from error  # fmt: skip
    return content


def _drop_folders(found: dict[str, _Found]) -> None:
    """Consoles and tools mark a folder by an empty object of its name: that is no file."""
    folders = {parent for path in found for parent in _parents(path)}
    for path in folders & found.keys():
        if not found[path].size:
            del found[path]


def _parents(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:end]) for end in range(1, len(parts))]


def _found(path: str, key: str, facts: dict[str, Any]) -> _Found:
    tag = next((str(facts[name]) for name in _TAGS if facts.get(name)), "")
    when = next((facts[name] for name in _TIMES if facts.get(name)), None)
    return _Found(path, key, int(facts.get("size") or 0), _instant(when), tag)


def _instant(when: object) -> datetime:
    """Stores say it in their own way; one that does not say it has its tag."""
    if isinstance(when, datetime):
        return when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)
    if isinstance(when, int | float):
        return datetime.fromtimestamp(when, UTC)
    if isinstance(when, str):
        parsed = datetime.fromisoformat(when)
        return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
    return _ALWAYS


def _is_document(path: str) -> bool:
    parts = path.split("/")
    unsafe = "\0" in path or any(part in {"", ".", ".."} for part in parts)
    return not unsafe and not is_passing(parts[-1]) and not any(part.startswith(".") for part in parts)


def _sighting(zone: Zone, one: _Found, sidecar: _Found | None, of_zone: str) -> Sighting:
    beside_it = "none" if sidecar is None else f"{sidecar.modified_at}/{sidecar.size}/{sidecar.tag}"
    etag = hashlib.sha256(f"{one.tag}|{one.modified_at}|{beside_it}|{of_zone}".encode()).hexdigest()[:16]
    return Sighting(zone=zone.name, path=one.path, size=one.size, modified_at=one.modified_at, etag=etag)
