"""A zone's weekly report, as a Prefect flow with a table in its UI. Once a week, on Monday morning."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

from prefect import flow
from prefect.artifacts import acreate_table_artifact
from prefect.flows import Flow

from rag.compose import Rag
from rag.ingest.report import Report, rows, summary
from rag.ingest.reporting import report_of
from rag.types import Zone, now

log = logging.getLogger(__name__)

_LOOK_S = 600.0
_HOUR = 5
"""UTC: in Europe before anybody works."""


def report_flow(rag: Rag) -> Flow[..., Any]:
    """The flow, bound to an opened `Rag`."""

    @flow(name="weekly report", flow_run_name="{zone}: weekly report", persist_result=False, validate_parameters=False)
    async def weekly_report(zone: str) -> Report:
        state = rag.state
        made = await report_of(
            await rag.zone(zone), ledger=state.ledger, library=state.library, sweeps=state.sweeps,
            retrievals=state.retrievals, at=now(), sweep_s=state.settings.sweep_s,
        )  # fmt: skip
        await acreate_table_artifact(rows(made), key=f"report-{_slug(zone)}", description=summary(made))
        return made

    return weekly_report


def _slug(name: str) -> str:
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in name.lower()).strip("-") or "zone"


def last_due(at: datetime) -> datetime:
    """The Monday morning that was last."""
    monday = (at - timedelta(days=at.weekday())).replace(hour=_HOUR, minute=0, second=0, microsecond=0)
    return monday if monday <= at else monday - timedelta(days=7)


class Reported:
    """Zone → when its last report was made, or when it was first seen. In a file, because a restart is no Monday."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def due(self, zones: list[str], at: datetime) -> list[str]:
        """Those whose last report is older than the last Monday morning. A new zone's first comes with the next."""
        known = self._read()
        self._write({name: known.get(name, at) for name in zones})
        return [name for name in zones if known.get(name, at) < last_due(at)]

    def made(self, zone: str, at: datetime) -> None:
        self._write({**self._read(), zone: at})

    def _read(self) -> dict[str, datetime]:
        try:
            told = json.loads(self._path.read_text(encoding="utf-8"))
            return {name: datetime.fromisoformat(at) for name, at in told.items()}
        except (OSError, ValueError, AttributeError, TypeError):  # not there, or damaged: it begins anew
            return {}

    def _write(self, known: dict[str, datetime]) -> None:
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps({name: at.isoformat() for name, at in known.items()}), encoding="utf-8")
        fresh.replace(self._path)


async def report_weekly(rag: Rag, reported: Reported, *, look_s: float = _LOOK_S) -> None:
    """Until it is cancelled. A report that fails is tried again with the next look."""
    run = report_flow(rag)
    while True:
        try:
            zones: list[Zone] = await rag.ledger.zones()
            for name in reported.due([zone.name for zone in zones], now()):
                await cast(Awaitable[Report], run(name))
                reported.made(name, now())
        except Exception as error:  # noqa: BLE001 - whatever it is, files must go on being ingested
            log.error("report.failed", extra={"kind": type(error).__name__})  # noqa: TRY400
        await asyncio.sleep(look_s)
