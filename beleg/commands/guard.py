"""For stewards and operators: what the guard sees, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from beleg.terminal import AsJson, emit, finish, shown, table, tell

if TYPE_CHECKING:
    from beleg.guarding import Look

app = typer.Typer()
dlp = typer.Typer(no_args_is_help=True, help="The guard: what it takes for personal data and health, and what follows.")
app.add_typer(dlp, name="dlp")


@dlp.command(
    "test",
    epilog="Example: `beleg dlp test letter.docx` or `echo 'Call Anna Weber' | beleg dlp test - --direction input`",
)
def look_at(
    source: Annotated[
        str, typer.Argument(metavar="FILE", help="Of any kind that can be ingested; - reads text from stdin.")
    ],
    direction: Annotated[
        Literal["ingest", "input", "output"], typer.Option(help="Before the index, a question, or an answer.")
    ] = "ingest",
    use_case: Annotated[str | None, typer.Option(help="Its class, for policies that ask for it.")] = None,
    tenant: Annotated[str | None, typer.Option(help="Whose allow-list counts; default: the file's zone's.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what the guard finds in a text: type, place, recognizer, score, the policy's rule, and what would pass.

    Nothing is stored or logged. What was found is printed as it stands, so mind who looks over your shoulder. Status 1 if
    the text would be blocked.
    """
    from beleg.guarding import Asked, look
    from rag.types import Action, Direction

    found = finish(look(Asked(source=source, direction=Direction(direction), use_case=use_case, tenant=tenant)))
    if as_json:
        emit(found)
    else:
        _print(found)
    raise SystemExit(1 if found.decision.action is Action.block else 0)


def _print(found: Look) -> None:
    tell(f"{found.decision.action.value} by rule {found.decision.rule}")
    if found.medical_categories:
        terms = ", ".join(sorted(found.medical_categories))
        tell(f"health: {found.medical_density} terms in 100 words ({terms})")
    for entity, number in found.allowed.items():
        tell(f"left standing by the allow-list: {number} x {entity}")
    if found.places:
        tell()
        head = ("type", "line", "column", "found", "recognizer", "score")
        rows = [
            (one.entity, str(one.line), str(one.column), shown(one.text), one.recognizer, f"{one.score:.2f}")
            for one in found.places
        ]
        table(head, rows)
    tell()
    tell(found.passes or "Nothing would pass.")
