"""For data owners: how their zones stand."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from beleg.terminal import AsJson, ZoneName, emit, finish, note, shown, table, tell
from rag.errors import Permanent

if TYPE_CHECKING:
    from rag.ingest.standing import ZoneStatus
    from rag.types import Zone


app = typer.Typer()


@app.command("status", epilog="Example: `beleg zone status handbuch` or `beleg zone status --watch`")
def status(
    name: ZoneName = None,
    all_files: Annotated[bool, typer.Option("--all", help="Also the files that are simply indexed.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Show progress as it goes, until Ctrl-C.")] = False,
    as_json: AsJson = False,
) -> None:
    """What became of every file, since when, why, and what to do.

    *waiting* has its turn coming; *starved* has waited through three sweeps, or nobody works: the operator's to mend;
    *failed* is blocked by its own fault. Status 1 if anybody has to act or a file is still on its way.
    """
    if watch and as_json:
        raise Permanent("two_ways", "--watch is for people, --json for programs.", hint="Give one of them.")
    if watch:
        _watch(name)
        return
    from beleg.standing import standing
    from beleg.zones import trouble

    found = finish(standing(name))
    if as_json:
        emit({zone.name: of_zone for zone, of_zone in found.items()})
    elif not found:
        tell("No zone yet. `beleg zone add DIR` makes one.")
    troubles = [said for one, of_zone in found.items() if (said := trouble(one, of_zone))]
    for one, of_zone in found.items():
        if not as_json:
            _print(one, of_zone, all_files=all_files)
        for alarm in of_zone.alarms:
            note(f"beleg: {one.name}: {alarm.message} {alarm.hint}".rstrip())
    for said in troubles:
        note(f"beleg: {said}")
    raise SystemExit(1 if troubles or not all(of_zone.is_settled for of_zone in found.values()) else 0)


def _print(one: Zone, of_zone: ZoneStatus, *, all_files: bool) -> None:
    from beleg.zones import is_empty
    from rag.ingest.standing import Fate
    from rag.ingest.standing_lines import COLUMNS, line, rows
    from rag.types import now

    if one.held:
        tell(f"{one.name}: held: waits for its owner to look at the preview")
    elif of_zone.files or of_zone.queued:
        tell(line(of_zone))
    elif is_empty(one):
        tell(f"{one.name}: its folder is empty: drop documents into it")
    else:
        tell(f"{one.name}: nothing seen yet: `beleg ingest` reads it")
    told = [file for file in of_zone.files if all_files or file.fate is not Fate.indexed]
    if told:
        made = [(shown(path), *rest) for path, *rest in rows(told, now())]
        table(COLUMNS, made)


def _watch(name: str | None) -> None:
    from rich.live import Live
    from rich.text import Text

    from beleg.standing import watch
    from beleg.terminal import is_terminal

    with suppress(KeyboardInterrupt):
        if not is_terminal():
            finish(watch(name, show=lambda lines: tell("\n".join(lines))))
            return
        with Live(auto_refresh=False) as live:
            finish(watch(name, show=lambda lines: live.update(Text("\n".join(map(shown, lines))), refresh=True)))


@app.command("report", epilog="Example: `beleg zone report handbuch --json`")
def report(
    name: Annotated[str, typer.Argument(metavar="ZONE")],
    as_json: AsJson = False,
) -> None:
    """A zone's last seven days: new, changed, deleted, expiring, expired, never retrieved, stuck, quarantined.

    The same report stands in Prefect every Monday.
    """
    from beleg.standing import report
    from rag.ingest.report import rows, summary

    made = finish(report(name))
    if as_json:
        emit(made)
        return
    tell(summary(made))
    if told := rows(made):
        table(list(told[0]), [[shown(cell) for cell in row.values()] for row in told])
