"""For data owners: zones and what became of each file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from beleg.commands import standing
from beleg.terminal import AsJson, ClassificationName, ZoneName, emit, fail, finish, note, shown, tell
from rag.errors import Permanent

if TYPE_CHECKING:
    from flows.sweep import Sweep
    from rag.ingest.ingest import Survey
    from rag.types import Zone

app = typer.Typer()
zone = typer.Typer(no_args_is_help=True, help="Landing zones: folders whose documents are answered from.")
zone.add_typer(standing.app)
app.add_typer(zone, name="zone")
chunk = typer.Typer(no_args_is_help=True, help="How documents are cut into the passages that are searched.")
app.add_typer(chunk, name="chunk")


@zone.command("add", epilog="Example: `beleg zone add ~/handbooks --tenant default --classification internal`")
def add(  # noqa: PLR0917 - one for each option
    place: Annotated[
        str,
        typer.Argument(
            metavar="FOLDER|URL",
            help="A folder, or a store (s3://, az://CONTAINER/PATH, gs://), opened by the environment's credentials. Its `zone.yaml` sets what is not given here.",
        ),
    ],
    name: Annotated[str | None, typer.Option(help="Name of the zone; default: the folder's.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Who owns the documents; default: `default`.")] = None,
    classification: Annotated[
        ClassificationName | None, typer.Option(help="Who may read them; default: `internal`.")
    ] = None,
    owner: Annotated[str | None, typer.Option(help="Who is told what becomes of the files.")] = None,
    chunking: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND.KEY=VALUE", help="How its documents are cut, e.g. slides.target=80; repeat it."),
    ] = None,
    keeps_history: Annotated[
        bool | None,
        typer.Option(
            "--keeps-history/--forgets-history",
            help="Whether earlier versions of a replaced file answer `ask --as-of`; default: they go.",
        ),
    ] = None,
    hold: Annotated[
        bool,
        typer.Option(
            "--hold", help="Ingest nothing of a new zone until `beleg zone publish`, after a look at the preview."
        ),
    ] = False,
    move: Annotated[
        bool, typer.Option("--move", help="A zone of this name lies elsewhere: from now on it lies here.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a folder or a store a landing zone, or change the settings of one. Nothing is written there.

    Documents are read by `beleg ingest`, or within seconds if `beleg up` runs.
    """
    from beleg.home import here, is_held
    from beleg.zones import add_zone, is_empty

    work = add_zone(
        place,
        name=name,
        tenant=tenant,
        classification=classification,
        owner=owner,
        chunking=chunking or (),
        keeps_history=keeps_history,
        hold=hold,
        move=move,
    )
    added, changes = finish(work)
    if as_json:
        emit(added)
        return
    tell(f"Zone {added.name} (tenant {added.tenant}, {added.classification.name}): {added.url}")
    for change in changes:
        tell(f"  changed: {change}")
    if is_empty(added):
        tell("The folder is empty: drop documents into it.")
    if added.held:
        from rag.ingest.hold import HELD, next_step

        tell(HELD)
        tell(next_step(added))
    elif is_held(here().home.resolve()):
        tell("The running instance reads it now. Next: `beleg zone status`.")
    else:
        tell("Next: `beleg up`, or `beleg ingest` alone.")


@zone.command("publish", epilog="Example: `beleg zone publish handbuch --by 'A. Weber'`")
def publish(
    name: Annotated[str, typer.Argument(metavar="ZONE")],
    by: Annotated[str, typer.Option("--by", help="Who has looked at the preview; stands in the audit.")],
    as_json: AsJson = False,
) -> None:
    """Let a held zone go: from now on it is ingested. Status 1 if it is not held."""
    from beleg.home import here, is_held
    from beleg.zones import publish_zone

    made = finish(publish_zone(name, by=by))
    if as_json:
        emit(made)
        return
    tell(f"{made.zone}: published by {made.by}, on record.")
    running = is_held(here().home.resolve())
    tell("The running instance reads it now." if running else "Next: `beleg up`, or `beleg ingest` alone.")


@zone.command("remove", epilog="Example: `beleg zone remove handbuch --yes`")
def remove(
    name: Annotated[str, typer.Argument(metavar="ZONE")],
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without, only say what would go.")] = False,
) -> None:
    """Forget a zone: nothing of it is answered from any more. The files in its folder stay."""
    from beleg.zones import entries, remove_zone
    from rag.types import State

    ((_, found),) = finish(entries(name)).items()
    there = sum(entry.receipt.state is not State.deleted for entry in found)
    if not yes:
        tell(
            f"{there} documents of {name} would leave the index, the files in its folder would stay. Do it with --yes."
        )
        return
    tell(f"{name}: {finish(remove_zone(name, tell=tell))} documents removed, the zone is forgotten.")


@zone.command("preview", epilog="Example: `beleg zone preview ~/handbooks --page preview.html`")
def preview(
    named: Annotated[str, typer.Argument(metavar="ZONE|FOLDER", help="A zone, or a folder that is none yet.")],
    page: Annotated[
        Path | None, typer.Option(help="Also write a page (HTML) that shows what could be searched.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What would become of every file, and what would be masked, before anything is indexed. Nothing is written.

    Status 1 if a file would not be searched.
    """
    from beleg.previewing import page as page_of
    from beleg.previewing import preview
    from rag.ingest.preview import Preview

    async def look() -> tuple[Zone | None, list[Preview]]:
        found: list[Preview] = []
        of_zone: Zone | None = None
        async for zone_seen, one in preview(named):
            of_zone = zone_seen
            found.append(one)
            (note if as_json else tell)(f"  {shown(one.path)}: {one.fate} {one.told}")
        return of_zone, found

    of_zone, found = finish(look())
    if as_json:
        emit([{"path": one.path, "fate": one.fate, "told": one.told, "chunks": len(one.chunks)} for one in found])
    if of_zone is None:
        note("There is no file to look at.")
    elif page is not None:
        page.write_text(page_of(of_zone, found), encoding="utf-8")
        note(f"Look at it: {page.resolve().as_uri()}")
    if of_zone is not None and of_zone.held and of_zone.name == named:
        note(f"The zone is held. Let it go: `beleg zone publish {named} --by NAME`")
    raise SystemExit(1 if any(one.cleared is None for one in found) else 0)


@chunk.command("show", epilog="Example: `beleg chunk show handbook.pdf --pictures /tmp/pages`")
def show(
    file: Annotated[Path, typer.Argument(help="A file; the settings of the zone that it lies in count.")],
    pictures: Annotated[
        Path | None, typer.Option(help="For a PDF: write its pages here, each chunk framed and numbered.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """How a file is cut: each chunk with its headings, place and tokens, as it would be searched. Nothing is written."""
    from beleg.drawing import draw_chunks
    from beleg.previewing import preview_file, where

    one = finish(preview_file(file))
    if as_json:
        emit(one.chunks)
    else:
        for number, (cut, tokens) in enumerate(zip(one.chunks, one.tokens, strict=True), start=1):
            tell(f"--- {number}: {where(cut)}, {tokens} tokens, {cut.language}")
            if cut.context:
                tell("    " + cut.context.replace("\n", "\n    "))
            tell(cut.text)
        tell(f"{shown(one.path)}: {one.told}")
    if pictures is not None:
        for made in finish(draw_chunks(file, one.chunks, pictures)):
            note(f"  {made}")


@chunk.command("rules", epilog="Example: `beleg chunk rules --zone handbuch`")
def rules(
    zone_name: Annotated[str | None, typer.Option("--zone", help="With what this zone has set for itself.")] = None,
    as_json: AsJson = False,
) -> None:
    """The table by which documents are cut, in tokens of the embedding model, and where each cell comes from."""
    from beleg.chunk_rules import table

    found = finish(table(zone_name))
    if as_json:
        emit(found)
        return
    for row in found:
        cells = "  ".join(f"{cell.key} {cell.shown:5}" for cell in row.cells)
        tell(f"{row.kind:8}  {cells} {', '.join(row.media_types)}")
    others = [(row.kind, cell) for row in found for cell in row.cells if cell.is_override]
    for kind, cell in others:
        tell(f"  {kind}.{cell.key} = {cell.shown}: {cell.origin}")
    if not others:
        tell("All of it is built in.")


@zone.command("list", epilog="Example: `beleg zone list --json`")
def list_zones(as_json: AsJson = False) -> None:
    """All zones with their tenant and classification."""
    from beleg.zones import zones

    found = finish(zones())
    if as_json:
        emit(found)
        return
    for item in found:
        told = f"{item.url}  (held)" if item.held else item.url
        tell(f"{item.name:24} {item.tenant:20} {item.classification.name:20} {told}")
    if not found:
        tell("No zone yet. `beleg zone add DIR` makes one.")


@app.command("ingest", epilog="Example: `beleg ingest` or `beleg ingest handbuch --dry-run`")
def ingest(
    name: ZoneName = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    retry: Annotated[
        bool, typer.Option("--retry", help="Also the files that are blocked after three failures.")
    ] = False,
    confirm_deletions: Annotated[
        bool, typer.Option("--confirm-deletions", help="Remove what is gone, however much of the zone that is.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Bring the index to what lies in the zones: new, changed and deleted files.

    Status 1 if a zone could not be read, or a file or a deletion has to wait; files in quarantine are no failure.
    """
    from beleg.ingesting import ingest_zones, plan_zones

    if dry_run:
        _print_plans(finish(plan_zones(name, retry=retry)), as_json=as_json)
        return
    if confirm_deletions and name is None:
        fail(Permanent("which_zone", "Deletions are confirmed zone by zone.", hint="Name one: `beleg zone list`."))
    work = ingest_zones(name, tell=note if as_json else tell, retry=retry, confirm_deletions=confirm_deletions)
    sweeps, missed = finish(work)
    if as_json:
        emit({"zones": sweeps, "failed": missed})
    else:
        for sweep in sweeps:
            _print_sweep(sweep)
    raise SystemExit(1 if missed or any(sweep.failed or sweep.held for sweep in sweeps) else 0)


def _print_sweep(sweep: Sweep) -> None:
    tell(f"{sweep.zone}: {len(sweep.receipts)} done, {sweep.unchanged} unchanged, generation {sweep.generation}")


def _print_plans(plans: dict[Zone, Survey], *, as_json: bool) -> None:
    if as_json:
        emit({zone.name: plan for zone, plan in plans.items()})
        return
    from rag.ingest.hold import HELD, next_step
    from rag.ingest.ingest import is_mass

    for zone, plan in plans.items():
        tell(f"{zone.name}: {len(plan.due)} to ingest, {len(plan.gone)} to remove, {plan.unchanged} unchanged")
        if zone.held:
            tell(f"  But: {HELD} {next_step(zone)}")
        for sighting in plan.due:
            tell(f"  + {shown(sighting.path)}")
        for gone in plan.gone:
            tell(f"  - {shown(gone.receipt.path)}")
        if is_mass(len(plan.gone), plan.known, zone):
            tell(
                f"  More than {zone.deletion_limit:.0%} of the zone: what was not moved waits for --confirm-deletions."
            )
