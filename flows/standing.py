"""How a zone stands, as one table in Prefect that stays: the lines of `beleg zone status`. Called by `flows.ingest`.

It belongs to no run, so that it outlives them, and is written anew in its place: Prefect keeps one row for each zone.
"""

from __future__ import annotations

import json
import logging

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey
from prefect.client.schemas.objects import Artifact
from prefect.exceptions import ObjectNotFound

from flows.artifacts import MOST_ROWS, key_of, more, plain
from rag.compose import Rag
from rag.ingest.reporting import standing_of
from rag.ingest.standing import Fate, FileStatus, ZoneStatus
from rag.ingest.standing_lines import COLUMNS, line, rows
from rag.types import Zone, now

log = logging.getLogger(__name__)

_KIND = "status"
_ORDER = (
    Fate.failed, Fate.starved, Fate.quarantined, Fate.missing, Fate.waiting, Fate.masked, Fate.indexed, Fate.deleted,
    Fate.forgotten,
)  # fmt: skip
"""What somebody has to act on first."""


class Standing:
    """Of all zones, in one process: it knows how the last run of each has ended, so that one that rests is not read again."""

    def __init__(self) -> None:
        self._ended: dict[str, str] = {}

    async def show(self, rag: Rag, zone: Zone, *, ended: str, is_changed: bool) -> None:
        """Written only where it differs from what stands there. A table that cannot be written costs no sweep.

        `ended`: how the run did, in any words. `is_changed`: whether it has touched a file.
        """
        if not is_changed and self._ended.get(zone.name) == ended:
            return
        try:
            state = rag.state
            standing = await standing_of(
                zone, ledger=state.ledger, sweeps=state.sweeps, at=now(), sweep_s=state.settings.sweep_s
            )
            async with get_client() as client:
                await _write(client, zone.name, table(standing), summary(standing))
        except Exception as error:  # noqa: BLE001 - the server or the database may restart; the next run writes it
            log.warning("standing.not_shown", extra={"zone": zone.name, "kind": type(error).__name__})
            self._ended.pop(zone.name, None)
        else:
            self._ended[zone.name] = ended


async def forget_standing(client: PrefectClient, zone: str) -> None:
    """When there is no such zone any more. Raises what Prefect's client raises while the server is away."""
    for artifact in await _stored(client, zone):
        await _delete(client, artifact)


def table(standing: ZoneStatus) -> str:
    """Prefect's form: a list of rows, trouble first, at most `MOST_ROWS`."""
    shown = sorted(standing.files, key=_trouble_first)[:MOST_ROWS]
    return json.dumps([dict(zip(COLUMNS, row, strict=True)) for row in rows(shown, at=None)])


def summary(standing: ZoneStatus) -> str:
    """Markdown: counts, what is the matter with the whole zone, and what the table leaves out. Names no file."""
    left = len(standing.files) - MOST_ROWS
    told = plain(line(standing)) + "." + more(max(0, left), f"beleg zone status {standing.zone} --all")
    return "\n\n".join([told, *(plain(f"{alarm.message} {alarm.hint}".rstrip()) for alarm in standing.alarms)])


def _trouble_first(one: FileStatus) -> tuple[int, str]:
    return _ORDER.index(one.fate), one.path


async def _write(client: PrefectClient, zone: str, data: str, description: str) -> None:
    known = await _stored(client, zone)
    if not known:
        key = key_of(_KIND, zone)
        await client.create_artifact(ArtifactCreate(key=key, type="table", data=data, description=description))
        return
    first, *others = known
    if (first.data, first.description) != (data, description):
        await client.update_artifact(first.id, ArtifactUpdate(data=data, description=description))
    for artifact in others:  # two processes have written the first one at once
        await _delete(client, artifact)


async def _stored(client: PrefectClient, zone: str) -> list[Artifact]:
    of_zone = ArtifactFilter(key=ArtifactFilterKey(any_=[key_of(_KIND, zone)]))
    return await client.read_artifacts(artifact_filter=of_zone)


async def _delete(client: PrefectClient, artifact: Artifact) -> None:
    try:
        await client.delete_artifact(artifact.id)
    except ObjectNotFound:
        log.info("standing.gone_already")
