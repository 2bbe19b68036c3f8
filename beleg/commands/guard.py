"""For stewards and operators: what the guard sees, and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from beleg.terminal import AsJson, emit, fail, finish, note, shown, table, tell
from rag.errors import BelegError

if TYPE_CHECKING:
    from beleg.guarding import Look
    from lifecycle.dlp_scores import DlpScores

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


@dlp.command("eval", epilog="Example: `beleg dlp eval marked.jsonl --split dev`")
def evaluate(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="Marked texts, one JSON object a line; see below.")],
    split: Annotated[Literal["dev", "test"] | None, typer.Option(help="One half alone; default: all texts.")] = None,
    as_json: AsJson = False,
) -> None:
    """Precision, recall and F2 of the guard's recognizers on texts in which somebody has marked the personal data.

    A line: `{"id": "1", "language": "de", "split": "dev", "text": "Frau Weber rief an.", "spans": [{"start": 5, "end": 10,
    "entity": "PERSON"}]}`. Offsets count code points; `NEITHER` marks what shall not count. Everything is counted in
    characters, as it is masked; what is masked under another type is masked, and stands in the confusion table. Policy and
    allow-list are left out. Improve on `dev`, report `test`.
    """
    from beleg.guarding import evaluate as evaluated

    try:
        scores = evaluated(source, split=split, tell=note)
    except BelegError as error:
        fail(error)
    if as_json:
        emit({name: _shape(one) for name, one in scores.items()})
        return
    for name, one in scores.items():
        tell(f"{name}: {one.texts} texts")
        _print_scores(one)


def _print_scores(scores: DlpScores) -> None:
    rows = [
        (name, str(tally.marked), _share(tally.recall), _share(tally.precision), _share(tally.f2))
        for name, tally in [*scores.by_type.items(), ("all", scores.overall)]
    ]
    table(("type", "characters", "recall", "precision", "F2"), rows)
    tell(f"sentences without a mark: {scores.clean}, touched: {scores.touched} ({_share(scores.false_positives)})")
    tell()
    mixed = sorted(scores.confusion.items(), key=lambda item: -item[1])
    wrong = [(is_ or "nothing", was or "not masked", str(number)) for (is_, was), number in mixed if is_ != was]
    if wrong:
        table(("marked as", "masked as", "characters"), wrong)
        tell()


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _shape(scores: DlpScores) -> dict[str, object]:
    tallies = [*scores.by_type.items(), ("all", scores.overall)]
    return {
        "texts": scores.texts, "clean_sentences": scores.clean, "touched_sentences": scores.touched,
        "types": {
            name: {"marked": t.marked, "found": t.found, "masked": t.masked, "right": t.right,
                   "recall": t.recall, "precision": t.precision, "f2": t.f2}
            for name, t in tallies
        },
        "confusion": [{"marked": is_, "masked": was, "characters": n} for (is_, was), n in scores.confusion.items()],
    }  # fmt: skip


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
