"""Every zone by its own kind of landing: folders by the operating system, all other addresses by fsspec. Port `Landing`."""

from __future__ import annotations

from datetime import datetime

from rag.adapters.landing.labelling import document_id
from rag.ports import Landing
from rag.types import Document, Sighting, Zone


class RoutedLanding:
    """Chooses by the zone's URL and does nothing else."""

    def __init__(self, *, folders: Landing, stores: Landing) -> None:
        self._folders, self._stores = folders, stores

    def _of(self, zone: Zone) -> Landing:
        return self._folders if zone.is_folder else self._stores

    async def zone(self, zone: Zone) -> Zone:
        return await self._of(zone).zone(zone)

    async def sightings(self, zone: Zone) -> list[Sighting]:
        return await self._of(zone).sightings(zone)

    async def read(self, zone: Zone, path: str) -> Document:
        return await self._of(zone).read(zone, path)

    async def supersessions(self, zone: Zone) -> dict[str, datetime]:
        return await self._of(zone).supersessions(zone)

    def document_id(self, zone: Zone, path: str) -> str:
        return document_id(zone, path)
