"""What a file in any kind of zone is called and labelled: its identity, its labels, and the file that its sidecar names."""

from __future__ import annotations

import hashlib
import posixpath
import unicodedata
from dataclasses import replace

from rag.adapters.landing.zone_file import Sidecar
from rag.types import Labels, Zone


def document_id(zone: Zone, path: str) -> str:
    """The identity of a place: digest of tenant, zone and path."""
    return hashlib.sha256(f"{zone.tenant}\n{zone.name}\n{path}".encode()).hexdigest()[:32]


def labels_of(zone: Zone, sidecar: Sidecar) -> Labels:
    return Labels(
        tenant=zone.tenant,
        business_unit=zone.business_unit,
        classification=zone.classification if sidecar.classification is None else sidecar.classification,
        readers=zone.readers if sidecar.readers is None else sidecar.readers,
        valid_from=sidecar.valid_from or zone.valid_from,
        valid_until=sidecar.valid_until or zone.valid_until,
    )


def labels_mark(zone: Zone) -> str:
    """A zone whose settings changed labels its files anew; one that keeps no history any more drops it."""
    labels = labels_of(zone, Sidecar())
    history = "history" if zone.keeps_history else ""
    return history + repr(replace(labels, readers=frozenset())) + repr(sorted(labels.readers))


def beside(path: str, other: str) -> str:
    """The path that a sidecar names, seen from its own file."""
    joined = posixpath.join(posixpath.dirname(path), unicodedata.normalize("NFC", other))
    return posixpath.normpath(joined)
