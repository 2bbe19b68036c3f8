"""For whoever answers for it: take a document out of everything, and prove it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from beleg.terminal import AsJson, emit, finish, tell

if TYPE_CHECKING:
    from rag.types import Erasure

app = typer.Typer()
document = typer.Typer(no_args_is_help=True, help="Single documents: forget one, show its receipt, let it in again.")
app.add_typer(document, name="document")

ZoneArgument = Annotated[str, typer.Argument(metavar="ZONE")]
PathArgument = Annotated[str, typer.Argument(metavar="PATH", help="As `beleg zone status ZONE --all` shows it.")]


@document.command(
    "forget", epilog="Example: `beleg document forget personal notiz.txt --reason 'GDPR request 17' --yes`"
)
def forget(
    zone: ZoneArgument,
    path: PathArgument,
    reason: Annotated[str, typer.Option(help="One sentence for the receipt. No personal data.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without, only say what would go.")] = False,
    as_json: AsJson = False,
) -> None:
    """Take a document out of the index, every kept generation and the stored texts, with a signed receipt.

    The file itself stays in its folder and is not read again, nor are its bytes under another name, until
    `beleg document release` allows it. Status 4 while an ingest writes: try again.
    """
    from beleg.erasing import forget as forget_document
    from beleg.erasing import known_entry

    if not yes:
        _, entry = finish(known_entry(zone, path))
        receipt = entry.receipt
        tell(f"{zone}/{path}: {receipt.state.value}, chunks: {receipt.chunks}. It would go for good. Do it with --yes.")
        return
    erasure = finish(forget_document(zone, path, reason=reason))
    if as_json:
        emit(erasure)
    else:
        _print(erasure, is_authentic=True)


@document.command("receipt", epilog="Example: `beleg document receipt personal notiz.txt --json`")
def receipt(zone: ZoneArgument, path: PathArgument, as_json: AsJson = False) -> None:
    """The receipts of a document's erasures: what, when, by which rule, how much per store, and whether the signature
    holds. Status 1 if there is none, or one that does not hold.
    """
    from beleg.erasing import receipts

    found = finish(receipts(zone, path))
    if as_json:
        emit(found)
    else:
        for one in found:
            _print(one.erasure, is_authentic=one.is_authentic)
        if not found:
            tell("This document was never taken out.")
    raise SystemExit(0 if found and all(one.is_authentic for one in found) else 1)


@document.command("verify", epilog="Example: `beleg document verify`")
def verify(as_json: AsJson = False) -> None:
    """Look through every store for documents that were taken out. Status 1 if one is found, or a receipt was changed.

    The running instance does this once a day.
    """
    from beleg.erasing import verify as verify_all

    found = finish(verify_all())
    if as_json:
        emit({"verified": found.empty, "still_there": found.kept, "changed": found.forged})
    else:
        tell(f"{len(found.empty)} receipts hold.")
        for one in found.kept:
            tell(f"  STILL THERE: {one.zone}/{one.path} ({one.id})")
        for one in found.forged:
            tell(f"  CHANGED SINCE IT WAS SIGNED: {one.zone}/{one.path} ({one.id})")
    raise SystemExit(1 if found.kept or found.forged else 0)


@document.command("release", epilog="Example: `beleg document release personal notiz.txt`")
def release(zone: ZoneArgument, path: PathArgument) -> None:
    """Allow a forgotten document, and copies of its bytes under other names, to be ingested again, on record."""
    from beleg.erasing import release as release_document

    count = finish(release_document(zone, path))
    tell(f"{zone}/{path} may be read again (receipts closed: {count}). The next sweep does it.")


def _print(erasure: Erasure, *, is_authentic: bool) -> None:
    counts = ", ".join(f"{number} {store}" for store, number in erasure.counts.items())
    tell(f"{erasure.id}: {erasure.zone}/{erasure.path}")
    tell(f"  version     {erasure.version or 'never read'}")
    tell(
        f"  taken out   {erasure.at:%Y-%m-%d %H:%M:%S} UTC by {erasure.actor} ({erasure.rule.value}): {erasure.reason}"
    )
    tell(f"  removed     {counts}; first generation without it: {erasure.generation or 'not published yet'}")
    seen = f"{erasure.verified_at:%Y-%m-%d %H:%M:%S} UTC" if erasure.verified_at else "not yet"
    tell(f"  verified    {seen}")
    tell(f"  signature   {'holds' if is_authentic else 'DOES NOT HOLD' if erasure.signature else 'not signed yet'}")
    if erasure.released_at:
        tell(f"  released    {erasure.released_at:%Y-%m-%d %H:%M:%S} UTC: it may be read again")
