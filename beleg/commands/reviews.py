"""For stewards: what the guard held back, and the verdict on it."""

from __future__ import annotations

from typing import Annotated

import typer

from beleg.commands.erasures import PathArgument, ZoneArgument
from beleg.terminal import AsJson, emit, finish, shown, tell

app = typer.Typer()
review = typer.Typer(no_args_is_help=True, help="Documents that the guard held back: see, release, reject.")
app.add_typer(review, name="review")

By = Annotated[str, typer.Option("--by", help="Who answers for it; stands in the audit.")]
Reason = Annotated[str, typer.Option(help="One sentence, without content of the document.")]


@review.command("list", epilog="Example: `beleg review list --json`")
def list_queue(
    zone: Annotated[str | None, typer.Argument(metavar="[ZONE]", help="One zone; default: all.")] = None,
    also_judged: Annotated[bool, typer.Option("--all", help="Also what has a verdict.")] = False,
    as_json: AsJson = False,
) -> None:
    """What waits for a verdict, oldest first. Status 1 if anything does."""
    from beleg.reviewing import queue

    found = finish(queue(zone, also_judged=also_judged))
    if as_json:
        emit(found)
    for item in () if as_json else found:
        receipt = item.entry.receipt
        told = f"{item.review.verdict.value} by {item.review.by}: {item.review.reason}" if item.review else "waits"
        tell(f"{receipt.zone}/{shown(receipt.path)} since {item.entry.recorded_at:%Y-%m-%d %H:%M} UTC: {told}")
        tell(f"  ({receipt.code}) {receipt.reason}")
    if not found and not as_json:
        tell("Nothing is held back.")
    raise SystemExit(1 if any(item.review is None for item in found) else 0)


@review.command(
    "release", epilog="Example: `beleg review release library war-and-peace.txt --by 'A. Weber' --reason 'A novel.'`"
)
def release(zone: ZoneArgument, path: PathArgument, by: By, reason: Reason) -> None:
    """Let this version be indexed, with everything masked that the guard found. Other bytes are judged anew."""
    _judged(zone, path, "released", by, reason)
    tell("It is indexed with the next sweep, masked.")


@review.command(
    "reject", epilog="Example: `beleg review reject klinik brief.docx --by 'A. Weber' --reason 'A patient letter.'`"
)
def reject(zone: ZoneArgument, path: PathArgument, by: By, reason: Reason) -> None:
    """Confirm that this version stays out: it leaves the queue."""
    _judged(zone, path, "rejected", by, reason)


def _judged(zone: str, path: str, verdict: str, by: str, reason: str) -> None:
    from beleg.reviewing import judge
    from rag.types import Verdict

    made = finish(judge(zone, path, Verdict(verdict), by=by, reason=reason))
    tell(f"{zone}/{shown(path)}: {made.verdict.value} by {made.by}, on record.")
