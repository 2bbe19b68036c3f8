"""A new zone that waits until its owner has looked at the preview. Called by every door of the ingest, CLI and console.

A zone is held from the moment it is on record, or never: what was published once is taken out by removing the zone. Who
lets it go stands in the audit log before it has any effect.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rag.errors import Permanent, Refused
from rag.ports import AuditLog, Ledger
from rag.types import AuditRow, Zone, now

HELD = "It is held: nothing of it is read or searched until its owner has looked at the preview."


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """That a zone was let go. `by`: who answers for it."""

    zone: str
    by: str
    at: datetime


def next_step(zone: Zone) -> str:
    """What its owner can do."""
    return (
        f"Look: `beleg zone preview {zone.name}`. Then let it go: `beleg zone publish {zone.name} --by NAME`. "
        "Or both on the page /console."
    )


def require_published(zone: Zone) -> None:
    """Raises `Refused("zone_held")`."""
    if zone.held:
        raise Refused("zone_held", f"The zone {zone.name} is not ingested. {HELD}", hint=next_step(zone))


async def publish(zone: Zone, *, by: str, ledger: Ledger, audit: AuditLog) -> Publication:
    """From now on the zone is ingested. Raises `Permanent`: `no_name`, `zone_not_held`; `Refused` unrecorded."""
    require_name(by)
    if not zone.held:
        raise Permanent(
            "zone_not_held", f"The zone {zone.name} is published already.",
            hint=f"`beleg zone status {zone.name}` shows how it stands.",
        )  # fmt: skip
    made = Publication(zone=zone.name, by=by.strip(), at=now())
    await audit.append(_row(made, zone))
    await ledger.publish_zone(zone.name)
    return made


def require_name(by: str) -> None:
    """Raises `Permanent("no_name")`."""
    if not by.strip():
        raise Permanent("no_name", "Somebody has to answer for it.", hint="Give --by.")


def _row(made: Publication, zone: Zone) -> AuditRow:
    facts: dict[str, object] = {"zone": zone.name, "classification": zone.classification.name}
    return AuditRow(
        id=f"publish_{zone.name}_{int(made.at.timestamp() * 1000)}", at=made.at, actor=made.by, tenant=zone.tenant,
        action="zone.publish", outcome="published", facts=facts,
    )  # fmt: skip
