"""For data owners: zones and what became of each file."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from beleg.terminal import AsJson, emit, finish, tell
from rag.errors import Permanent
from rag.settings import read_settings
from rag.types import Classification, Receipt, State, Zone

app = typer.Typer()
zone = typer.Typer(no_args_is_help=True, help="Landing zones: folders whose documents are answered from.")
app.add_typer(zone, name="zone")

DEFAULT_TENANT = "default"


@zone.command("add", epilog="Example: `beleg zone add ~/handbooks --tenant default --classification internal`")
def add(
    folder: Annotated[
        Path, typer.Argument(help="The folder. Its `zone.yaml`, if there is one, sets what is not given here.")
    ],
    name: Annotated[str | None, typer.Option(help="Name of the zone; default: the folder's.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Who owns the documents; default: `default`.")] = None,
    classification: Annotated[
        str | None, typer.Option(help="public, internal, confidential or highly_confidential.")
    ] = None,
    owner: Annotated[str | None, typer.Option(help="Who is told what becomes of the files.")] = None,
) -> None:
    """Make a folder a landing zone. Nothing is read before `beleg ingest` (or at once, if `beleg up` runs)."""
    added = finish(_add(folder, name, tenant, classification, owner))
    tell(f"Zone {added.name} (tenant {added.tenant}, {added.classification.name}): {added.url}")
    tell("Next: `beleg ingest`, unless `beleg up` is running, which has seen it already.")


@zone.command("list", epilog="Example: `beleg zone list --json`")
def list_zones(as_json: AsJson = False) -> None:
    """All zones with their tenant and classification."""
    zones = finish(_zones())
    if as_json:
        emit(zones)
        return
    for item in zones:
        tell(f"{item.name:24} {item.tenant:20} {item.classification.name:20} {item.url}")
    if not zones:
        tell("No zone yet. `beleg zone add DIR` makes one.")


@zone.command("status", epilog="Example: `beleg zone status handbuch`")
def status(
    name: Annotated[str | None, typer.Argument(help="One zone; default: all.")] = None,
    all_files: Annotated[bool, typer.Option("--all", help="Also the files that are simply indexed.")] = False,
    as_json: AsJson = False,
) -> None:
    """What became of every file, and why. Exit code 1 if any file waits or is quarantined."""
    receipts = finish(_receipts(name))
    if as_json:
        emit(receipts)
    else:
        _print_status(receipts, all_files=all_files)
    if any(r.state in {State.quarantined, State.discovered} for found in receipts.values() for r in found):
        raise SystemExit(1)


def _print_status(receipts: dict[str, list[Receipt]], *, all_files: bool) -> None:
    for name, found in receipts.items():
        counts = Counter(r.state.value for r in found)
        tell(f"{name}: " + (", ".join(f"{n} {state}" for state, n in sorted(counts.items())) or "nothing seen yet"))
        for r in found:
            if all_files or r.code != "indexed":
                tell(f"  {r.path}: {r.state.value} ({r.code}) {r.reason} {r.hint}".rstrip())


async def _add(
    folder: Path, name: str | None, tenant: str | None, classification: str | None, owner: str | None
) -> Zone:
    from rag.adapters.landing.zone_file import read_zone_file

    if classification is not None and classification not in Classification.__members__:
        raise Permanent(
            "bad_classification",
            f"Classification {classification!r} does not exist.",
            hint=f"One of {', '.join(Classification.__members__)}.",
        )
    found = read_zone_file(
        folder.expanduser(), name=name, tenant=tenant, owner=owner, default_tenant=DEFAULT_TENANT,
        classification=None if classification is None else Classification[classification],
    )  # fmt: skip
    from rag.compose import open_state

    async with open_state(read_settings()) as state:
        await state.ledger.add_zone(found)
    return found


async def _zones() -> list[Zone]:
    from rag.compose import open_state

    async with open_state(read_settings()) as state:
        return await state.ledger.zones()


async def _receipts(name: str | None) -> dict[str, list[Receipt]]:
    from rag.compose import open_state

    async with open_state(read_settings()) as state:
        names = [z.name for z in await state.ledger.zones()]
        if name is not None and name not in names:
            raise Permanent(
                "no_such_zone", f"There is no zone {name}.", hint=f"Zones: {', '.join(names) or 'none yet'}."
            )
        return {
            zone_name: [r for r, _, _ in (await state.ledger.receipts(zone_name)).values()]
            for zone_name in names
            if name in {None, zone_name}
        }


@app.command("ingest", epilog="Example: `beleg ingest` or `beleg ingest handbuch --dry-run`")
def ingest(
    name: Annotated[str | None, typer.Argument(help="One zone; default: all.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Bring the index to what lies in the zones: new, changed and deleted files. Exit code 1 if a zone failed."""
    from beleg.ingesting import ingest_zones, plan_zones

    if dry_run:
        plans = finish(plan_zones(name))
        if as_json:
            emit(plans)
            return
        for zone_name, plan in plans.items():
            tell(f"{zone_name}: {len(plan.due)} to ingest, {len(plan.gone)} to remove, {plan.unchanged} unchanged")
            for sighting in plan.due:
                tell(f"  + {sighting.path}")
            for gone in plan.gone:
                tell(f"  - {gone.path}")
        return
    sweeps, failed = finish(ingest_zones(name, tell=(lambda _: None) if as_json else tell))
    if as_json:
        emit(sweeps)
    else:
        for sweep in sweeps:
            tell(
                f"{sweep.zone}: {len(sweep.receipts)} done, {sweep.unchanged} unchanged, generation {sweep.generation}"
            )
    raise SystemExit(1 if failed else 0)
