"""A zone's weekly report, as a Prefect flow with a table and a text in its UI. Run by `flows.desk` on Monday morning."""

from __future__ import annotations

from typing import Any

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.flows import Flow

from flows.artifacts import MOST_ROWS, key_of, more, plain
from flows.offers import REPORT
from flows.steps import step
from rag.compose import Rag
from rag.ingest.report import Line, Report, rows, summary
from rag.ingest.reporting import report_of
from rag.types import now

_MOST_NAMED = 10
"""Of each kind in the text: what is read in a minute. The table has more."""


def report_flow(rag: Rag) -> Flow[..., Any]:
    """The flow, bound to an opened `Rag`."""

    @flow(name=REPORT, flow_run_name="{zone}: weekly report", persist_result=False, validate_parameters=False)
    async def weekly_report(zone: str) -> Report:
        made = await step("report", lambda: _report(rag, zone))
        await show_report(made)
        return made

    return weekly_report


async def _report(rag: Rag, zone: str) -> Report:
    state = rag.state
    return await report_of(
        await rag.zone(zone), ledger=state.ledger, library=state.library, sweeps=state.sweeps,
        retrievals=state.retrievals, at=now(), sweep_s=state.settings.sweep_s,
    )  # fmt: skip


async def show_report(made: Report) -> None:
    """A table of every line, and a text that can be read or sent on."""
    table = rows(made)
    left = more(max(0, len(table) - MOST_ROWS), f"beleg zone report {made.zone}")
    told = plain(summary(made)) + left
    await acreate_table_artifact(table[:MOST_ROWS], key=key_of("report", made.zone), description=told)
    await acreate_markdown_artifact(text(made), key=key_of("week", made.zone), description=told)


def text(made: Report) -> str:
    """Markdown: a head for each kind that occurs, with its number and the first of its files. Names are shown as text."""
    parts = [f"# {plain(made.zone)}\n\n{plain(summary(made))}"]
    for head, lines in made.heads.items():
        if lines:
            rest = [f"- and {len(lines) - _MOST_NAMED:,} more"] if len(lines) > _MOST_NAMED else []
            parts.append("\n".join([f"## {head}: {len(lines):,}", "", *map(_item, lines[:_MOST_NAMED]), *rest]))
    return "\n\n".join(parts)


def _item(line: Line) -> str:
    why = plain(f"{line.reason} {line.hint}".strip())
    return f"- {plain(line.path)}, {line.at:%Y-%m-%d}" + (f": {why}" if why else "")
