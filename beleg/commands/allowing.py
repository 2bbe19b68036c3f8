"""For stewards and operators: what the guard takes for personal data and is none."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from beleg.commands.erasures import PathArgument, ZoneArgument
from beleg.commands.reviews import By, Reason, review
from beleg.terminal import AsJson, emit, fail, finish, shown, tell
from rag.errors import Permanent

if TYPE_CHECKING:
    from beleg.allowing import Asked, Change
    from rag.types import AllowEntry

app = typer.Typer()
allow = typer.Typer(no_args_is_help=True, help="The allow-list: findings of the guard that are no personal data.")
app.add_typer(allow, name="allow")

Until = Annotated[str, typer.Option(help="Last day that it holds (UTC), a year ahead at most: 2027-03-31.")]
ApprovedBy = Annotated[str | None, typer.Option(help="A second person who has looked at it.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say which documents would change, and do nothing.")]
Everywhere = Annotated[
    bool, typer.Option("--also-answers", help="Also in questions and answers; needs the whole tenant, no zone.")
]


@allow.command(
    "add",
    epilog="Example: `beleg allow add --zone handbuch --type PHONE_NUMBER --pattern '+49 761 4455*' "
    "--by 'A. Weber' --reason 'Our switchboard.' --until 2027-03-31 --dry-run`",
)
def add(  # noqa: PLR0917 - the options of a command
    entity: Annotated[str, typer.Option("--type", help="Type of the finding, as the counts name it: PHONE_NUMBER.")],
    by: By,
    reason: Reason,
    until: Until,
    text: Annotated[
        str | None, typer.Option(help="Exactly this text; - reads it from stdin. Only a keyed digest is kept.")
    ] = None,
    pattern: Annotated[
        str | None,
        typer.Option(help="Texts like this: `#` is a digit, `*` digits and blanks. For addresses and numbers to call."),
    ] = None,
    zone: Annotated[str | None, typer.Option(help="For what comes into this zone; default: all of the tenant.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Whose; default: the zone's, or `default`.")] = None,
    approved_by: ApprovedBy = None,
    also_answers: Everywhere = False,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Leave a text, or texts of a shape, standing from now until a day. The same again gives it a new end.

    Documents that it can concern are read again with the next sweep, and when it ends.
    """
    from beleg.allowing import Asked
    from rag.types import AllowKind

    if (text is None) == (pattern is None):
        fail(Permanent("allow_value", "Nothing or two things to allow.", hint="Give either --text or --pattern."))
    kind, value = (AllowKind.text, text) if pattern is None else (AllowKind.pattern, pattern)
    asked = Asked(
        tenant=tenant, zone=zone, entity=entity, kind=kind, value=sys.stdin.read() if text == "-" else value or "", by=by,
        reason=reason, until=until, approved_by=approved_by, also_answers=also_answers,
    )  # fmt: skip
    _added(asked, dry_run=dry_run, as_json=as_json)


@allow.command("list", epilog="Example: `beleg allow list --tenant aurelia --json`")
def list_entries(
    tenant: Annotated[str | None, typer.Option(help="One tenant's; default: all.")] = None,
    all_entries: Annotated[bool, typer.Option("--all", help="Also what has ended or was revoked.")] = False,
    as_json: AsJson = False,
) -> None:
    """What is allowed, where, until when, by whom and why. Exact texts are not kept, so they are not shown."""
    from beleg.allowing import listed
    from rag.types import now

    at = now()
    found = [entry for entry in finish(listed(tenant)) if all_entries or entry.is_live(at)]
    if as_json:
        emit(found)
        return
    for entry in found:
        _print(entry)
    if not found:
        tell("Nothing is allowed: whatever the guard finds counts.")


@allow.command("approve", epilog="Example: `beleg allow approve 3f9a1c22b0 --by 'B. Kurz'`")
def approve(entry: Annotated[str, typer.Argument(metavar="ID")], by: By, as_json: AsJson = False) -> None:
    """A second person has looked at an entry; it stands beside the first one's name."""
    from beleg.allowing import approve as approve_entry

    _told(finish(approve_entry(entry, by=by)), as_json=as_json)


@allow.command("revoke", epilog="Example: `beleg allow revoke 3f9a1c22b0 --by 'A. Weber' --reason 'A private number.'`")
def revoke(
    entry: Annotated[str, typer.Argument(metavar="ID")],
    by: By,
    reason: Reason,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """From now on it counts again. What was indexed because of it is masked with the next sweep."""
    from beleg.allowing import changes, supposed_revoked
    from beleg.allowing import revoke as revoke_entry

    if dry_run:
        _print_changes(finish(changes(finish(supposed_revoked(entry, by=by, reason=reason)))), as_json=as_json)
        return
    _told(finish(revoke_entry(entry, by=by, reason=reason)), as_json=as_json)


@review.command("findings", epilog="Example: `beleg review findings klinik parkordnung.pdf`")
def list_findings(zone: ZoneArgument, path: PathArgument, as_json: AsJson = False) -> None:
    """What the guard finds in a document, numbered, with type and place. The texts stand in the document alone."""
    from beleg.allowing import findings

    found = finish(findings(zone, path))
    if as_json:
        emit([{"number": f.number, "type": f.entity, "score": f.score, "where": f.where} for f in found])
        return
    for one in found:
        tell(f"{one.number:4} {one.entity:24} {one.score:.2f}  {one.where}")
    if not found:
        tell("The guard finds nothing in it.")


@review.command(
    "allow",
    epilog="Example: `beleg review allow handbuch imprint.html --finding 2 --by 'A. Weber' --reason 'A street.' "
    "--until 2027-03-31`",
)
def allow_finding(  # noqa: PLR0917 - the options of a command
    zone: ZoneArgument,
    path: PathArgument,
    finding: Annotated[int, typer.Option(help="Its number in `beleg review findings`.")],
    by: By,
    reason: Reason,
    until: Until,
    approved_by: ApprovedBy = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """A finding is no personal data: leave this very text standing in the zone. The document is read again by itself."""
    from beleg.allowing import Asked
    from beleg.allowing import finding as finding_of
    from rag.types import AllowKind

    seen = finish(finding_of(zone, path, finding))
    asked = Asked(
        tenant=None, zone=zone, entity=seen.entity, kind=AllowKind.text, value=seen.text, by=by, reason=reason,
        until=until, approved_by=approved_by,
    )  # fmt: skip
    _added(asked, dry_run=dry_run, as_json=as_json)


def _added(asked: Asked, *, dry_run: bool, as_json: bool) -> None:
    from beleg.allowing import add, changes, supposed

    if dry_run:
        _print_changes(finish(changes(finish(supposed(asked)))), as_json=as_json)
        return
    _told(finish(add(asked)), as_json=as_json)


def _told(entry: AllowEntry, *, as_json: bool) -> None:
    if as_json:
        emit(entry)
        return
    _print(entry)
    tell("On record. Documents that it concerns are read again with the next sweep.")


def _print(entry: AllowEntry) -> None:
    from rag.types import now

    at = now()
    state = "revoked" if entry.is_revoked else "ended" if entry.until <= at else "holds"
    what = f"like {shown(entry.value)}" if entry.kind.value == "pattern" else "one text"
    where = (
        f"zone {entry.zone}" if entry.zone else f"tenant {shown(entry.tenant)}, {', '.join(sorted(entry.directions))}"
    )
    second = f", approved by {shown(entry.approved_by)}" if entry.approved_by else ""
    tell(f"{entry.id}  {state} until {entry.until:%Y-%m-%d %H:%M} UTC  {entry.entity} {what}  ({where})")
    tell(f"  version {entry.version} by {shown(entry.by)}{second}: {shown(entry.reason)}")


def _print_changes(found: list[Change], *, as_json: bool) -> None:
    if as_json:
        emit(found)
        return
    for change in found:
        tell(f"  {change.zone}/{shown(change.path)}: {change.before} → {change.after}")
    tell(f"{len(found)} documents would change; nothing was done.")
