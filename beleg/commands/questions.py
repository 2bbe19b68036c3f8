"""For people who ask: one question from the terminal, through the very chain that serves."""

from __future__ import annotations

from typing import Annotated
from uuid import uuid4

import typer

from beleg.terminal import AsJson, emit, finish, tell
from rag.errors import Permanent
from rag.settings import read_settings
from rag.types import Answer, Classification, Outcome, Principal, Question, Turn, now

app = typer.Typer()


@app.command(
    "ask", epilog='Example: `beleg ask "Wie viele Urlaubstage habe ich?" --tenant aurelia --clearance internal`'
)
def ask(
    question: Annotated[str, typer.Argument(help="The question, in German or English.")],
    tenant: Annotated[str, typer.Option(help="Whose documents to ask.")] = "default",
    clearance: Annotated[str, typer.Option(help="Highest classification that may be read.")] = "internal",
    group: Annotated[list[str] | None, typer.Option(help="Groups of the asker; repeat for more.")] = None,
    use_case: Annotated[str, typer.Option(help="A folder of usecases/.")] = "assistant",
    as_json: AsJson = False,
) -> None:
    """Ask, and see the answer with its evidence. Exit code 1 if the documents do not answer it."""
    if clearance not in Classification.__members__:
        raise Permanent(
            "bad_clearance",
            f"Clearance {clearance!r} does not exist.",
            hint=f"Use one of {', '.join(Classification.__members__)}.",
        )
    asker = Principal(
        subject="cli", tenant=tenant, groups=frozenset(group or []), clearance=Classification[clearance],
    )  # fmt: skip
    given = finish(_ask(question, asker, use_case))
    if as_json:
        emit(given)
    else:
        tell(given.text)
        for c in given.citations:
            tell(f"  [{c.number}] {c.zone}/{c.path}: “{c.quote}” (support {c.support:.2f})")
        tell(f"  {given.question_id}, release {given.release}; `beleg audit explain {given.question_id}` tells why")
    raise SystemExit(0 if given.outcome is Outcome.answered else 1)


async def _ask(text: str, asker: Principal, use_case: str) -> Answer:
    from lifecycle.compose import open_lifecycle
    from rag.answer.answer import answer
    from rag.compose import open_rag

    if not text.strip():
        raise Permanent("empty_question", "The question is empty.", hint="Put it in quotes after `beleg ask`.")
    async with open_rag(read_settings()) as rag, open_lifecycle(rag) as house:
        if use_case not in rag.use_cases:
            raise Permanent(
                "no_such_use_case", f"There is no use case {use_case}.", hint=f"Use one of {', '.join(rag.use_cases)}."
            )
        question = Question(
            id=f"req_{uuid4().hex}", asker=asker, use_case=rag.use_cases[use_case],
            turns=(Turn(role="user", content=text),), at=now(),
        )  # fmt: skip
        live = await house.releases.live(use_case)
        async for part in answer(question, live=live, chain=rag.chain):
            if isinstance(part, Answer):
                return part
    raise AssertionError("the chain ended without an answer")
