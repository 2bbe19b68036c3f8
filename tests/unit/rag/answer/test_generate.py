"""Which endpoint drafts, and what happens when one is sick."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest
from evidence import hit

from rag.answer.generate import Drafted, generate
from rag.errors import Permanent, Temporary
from rag.ports import Llm
from rag.testing import ScriptedLlm, decision
from rag.types import Brief, Prompt, Route, Usage

BRIEF = Brief(
    question="Wie viel?",
    turns=(),
    evidence=(hit("Es sind 30."),),
    prompt=Prompt(name="p", version="1", template=""),
    language="de",
)
SICK = Temporary("endpoint_timeout", "Endpoint a did not answer in time.", after_s=7)


def route(*classes: str) -> Route:
    return Route(decision=decision(), endpoint_classes=classes)


async def collect(stream: AsyncIterator[object], seen: list[object]) -> None:
    async for piece in stream:
        seen.append(piece)  # noqa: PERF401  what came before an error must be kept


async def drafted(allowed: Route, llms: Sequence[Llm]) -> list[str | Drafted]:
    return [piece async for piece in generate(BRIEF, allowed, llms)]


async def test_the_policys_order_decides_not_ours() -> None:
    """The first class of the route drafts, wherever its endpoint stands in the configuration."""
    llms = [
        ScriptedLlm(lines=["ours"], endpoint_class="external"),
        ScriptedLlm(lines=["theirs"], endpoint_class="local"),
    ]
    pieces = await drafted(route("local", "external"), llms)
    assert pieces[0] == "theirs"
    assert isinstance(pieces[-1], Drafted)
    assert pieces[-1].endpoint == "local:scripted-1"


async def test_an_endpoint_that_is_not_allowed_is_never_asked() -> None:
    """Fail over on capacity, fail closed on policy: what the route leaves out sees nothing."""
    forbidden = ScriptedLlm(lines=["x"], endpoint_class="external")
    with pytest.raises(Temporary) as caught:
        await drafted(route("local"), [forbidden, ScriptedLlm(lines=[], endpoint_class="local", dies_with=SICK)])
    assert (caught.value.code, caught.value.after_s, forbidden.asked) == ("no_endpoint", 7, [])


async def test_a_sick_endpoint_gives_way_to_the_next() -> None:
    """Before the first word another endpoint may take over."""
    llms = [ScriptedLlm(lines=[], dies_with=SICK), ScriptedLlm(lines=["well"], endpoint_class="extractive")]
    assert (await drafted(route("local", "extractive"), llms))[0] == "well"


async def test_half_a_draft_is_not_continued_by_another_model() -> None:
    """After the first word the request fails: two half drafts would be an answer that nobody gave."""
    second = ScriptedLlm(lines=["other"])
    seen: list[object] = []
    stream = generate(BRIEF, route("local"), [ScriptedLlm(lines=["half"], dies_with=SICK), second])
    with pytest.raises(Temporary) as caught:
        await collect(stream, seen)
    assert (caught.value.code, seen, second.asked) == ("endpoint_timeout", ["half"], [])


async def test_what_a_failed_endpoint_has_used_is_told() -> None:
    """At a cost and without a word: the next one takes over, and both are accounted for; half a draft is told as one."""
    silent = UsedThenSick()
    pieces = await drafted(
        route("local", "extractive"), [silent, ScriptedLlm(lines=["well"], endpoint_class="extractive")]
    )
    first, text, last = pieces
    assert isinstance(first, Drafted)
    assert isinstance(last, Drafted)
    assert (first.is_whole, first.cost_usd, text, last.is_whole) == (False, 3.0, "well", True)


class UsedThenSick(ScriptedLlm):
    """Thinks, sends the bill, and fails."""

    def __init__(self) -> None:
        super().__init__(lines=[])

    async def draft(self, brief: Brief) -> AsyncIterator[str | Usage]:
        self.asked.append(brief)
        yield Usage(prompt_tokens=1, completion_tokens=3_000_000)
        raise SICK


async def test_an_error_of_ours_is_not_hidden_by_another_endpoint() -> None:
    """Only sickness fails over; any other error is somebody's to mend."""
    with pytest.raises(Permanent):
        await drafted(
            route("local"), [ScriptedLlm(lines=[], dies_with=Permanent("bad", "Bad.")), ScriptedLlm(lines=["x"])]
        )
