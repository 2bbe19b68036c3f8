"""What is done for every zone, and when: each of these is a deployment of the zone in Prefect. Used by `flows.desk`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule
from prefect.utilities.callables import ParameterSchema

INGEST = "ingest"
REPORT = "weekly report"

_MONDAY_MORNING = "0 5 * * 1"
"""UTC: in Europe before anybody works."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One flow, for every zone.

    Attributes:
        flow: its name, under which the deployments stand.
        schedule: what a deployment begins with; a person may set another.
        parameters: of the flow; the first is the zone.
        wish: of ours about the schedule. A change of it, and nothing else, writes over what a person has set.
    """

    flow: str
    description: str
    schedule: IntervalSchedule | CronSchedule
    parameters: ParameterSchema
    wish: str


def ingest_every(sweep_s: float) -> Offer:
    """`sweep_s`: seconds between two runs by the clock."""
    return Offer(
        flow=INGEST, schedule=IntervalSchedule(interval=timedelta(seconds=sweep_s)), wish=str(sweep_s),
        description="Compares the landing zone with what is indexed, takes in what is new and takes out what is gone.",
        parameters=_parameters(
            retry={"type": "boolean", "default": False, "position": 1, "title": "Try again what is blocked"},
            confirm_deletions={
                "type": "boolean", "default": False, "position": 2, "title": "Very many deletions at once are meant",
            },
        ),
    )  # fmt: skip


def report_weekly() -> Offer:
    """On Monday morning. One that was missed because the machine was off is made at its start."""
    return Offer(
        flow=REPORT, schedule=CronSchedule(cron=_MONDAY_MORNING, timezone="UTC"), wish=_MONDAY_MORNING,
        description="Tells the zone's owner what was new, changed, gone, expiring, never retrieved, stuck or held back.",
        parameters=_parameters(),
    )  # fmt: skip


def _parameters(**more: dict[str, Any]) -> ParameterSchema:
    zone = {"zone": {"type": "string", "title": "Zone", "position": 0}}
    return ParameterSchema(properties=zone | more, required=["zone"])
