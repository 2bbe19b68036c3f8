"""For people who ask: one question from the terminal, through the very chain that serves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from beleg.terminal import AsJson, ClassificationName, emit, finish, note, tell

if TYPE_CHECKING:
    from rag.types import Answer

app = typer.Typer()


@app.command(
    "ask", epilog='Example: `beleg ask "Wie viele Urlaubstage habe ich?" --tenant aurelia --clearance internal`'
)
def ask(
    question: Annotated[str, typer.Argument(help="The question, in German or English.")],
    tenant: Annotated[str, typer.Option(help="Whose documents to ask.")] = "default",
    clearance: Annotated[ClassificationName, typer.Option(help="Highest classification to read.")] = "internal",
    group: Annotated[list[str] | None, typer.Option(help="A group of the asker; repeat for more.")] = None,
    use_case: Annotated[str, typer.Option(help="A folder of usecases/.")] = "assistant",
    as_of: Annotated[
        str | None, typer.Option(metavar="DATE", help="Answer from what was valid then: 2026-03-01, or an instant.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Ask, and see the answer with its evidence. It goes on the audit record, as every answer does.

    Status 1 if the documents do not answer it or the answer failed, 3 if a rule did not let it pass.
    """
    from beleg.asking import ask_chain
    from rag.types import Outcome

    given, hint = finish(
        ask_chain(question, tenant=tenant, clearance=clearance, groups=group or [], use_case=use_case, as_of=as_of)
    )
    if as_json:
        emit(given)
    else:
        _print_answer(given)
    if hint:
        note(f"beleg: {hint}")
    blocked = {Outcome.blocked_input, Outcome.blocked_output, Outcome.refused}
    raise SystemExit(0 if given.outcome is Outcome.answered else 3 if given.outcome in blocked else 1)


def _print_answer(given: Answer) -> None:
    if given.as_of is not None:
        tell(f"As of {given.as_of:%Y-%m-%d %H:%M} UTC:")
    tell(given.text)
    for c in given.citations:
        tell(f"  [{c.number}] {c.zone}/{c.path}: “{c.quote}” (support {c.support:.2f})")
    tell(f"  {given.question_id}, release {given.release}; `beleg audit explain {given.question_id}` tells why")
