"""The way through, whole: every outcome is on record, and nothing leaves that was not verified and guarded."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from rag.adapters.embedders.hashing import HashEmbedder
from rag.adapters.index.memory import InMemoryIndex
from rag.answer import messages
from rag.answer.answer import Chain, access_of, answer, search
from rag.errors import BelegError, Refused, Temporary
from rag.ingest.batch import Batch
from rag.ingest.ingest import Intake, survey
from rag.testing import (
    EPOCH,
    DigestSigner,
    FixedPolicy,
    MemoryAudit,
    MemoryErasures,
    MemoryLanding,
    MemoryLedger,
    MemoryLibrary,
    MemoryReviews,
    PlainParser,
    ScriptedLlm,
    WordGuard,
    zone,
)
from rag.types import (  # fmt: skip
    Answer,
    Brief,
    Classification,
    Live,
    Outcome,
    Principal,
    Prompt,
    Question,
    Recipe,
    RetrievalSettings,
    Route,
    Turn,
    Usage,
    UseCase,
)

FACT = "The Zephyr gasket lasts 4711 operating hours."
USE_CASE = UseCase(
    name="assistant", title="Assistant", usecase_class="general", protection=Classification.internal,
    quality_tier="standard", budget_class="standard", prompt="assistant", retrieval=RetrievalSettings(),
)  # fmt: skip
RECIPE = Recipe(
    id="recipe", use_case="assistant", endpoints=("local:scripted-1",), prompt=Prompt(name="assistant", version="1", template="Cite."),
    retrieval=RetrievalSettings(min_answerability=0.0), index_profile="test", policy_revision="p", guard_revision="g",
)  # fmt: skip
LIVE = Live(release="assistant-1", recipe=RECIPE, epoch=1)


async def chain(
    *llms: ScriptedLlm, guard: WordGuard | None = None, policy: FixedPolicy | None = None, said: str = FACT
) -> Chain:
    index = InMemoryIndex()
    intake = Intake(
        landing=MemoryLanding({"manual.txt": said.encode()}), parser=PlainParser(), guard=WordGuard(), embedder=HashEmbedder(),
        library=MemoryLibrary(), ledger=MemoryLedger(zone()), index_identity=str, erasures=MemoryErasures(), reviews=MemoryReviews(),
        signer=DigestSigner(), policy=FixedPolicy(),
    )  # fmt: skip
    await Batch(zone(), (await survey(zone(), intake=intake)).due, intake=intake, writer=index).run()
    await index.publish()
    return Chain(
        guard=guard or WordGuard(), embedder=HashEmbedder(), index=index, policy=policy or FixedPolicy("local"),
        llms=llms, audit=MemoryAudit(), library=intake.library,
    )  # fmt: skip


def question(text: str = "How long does the Zephyr gasket last?", *, asker: Principal | None = None) -> Question:
    who = asker or Principal(subject="kim", tenant="acme")
    return Question(id="req_1", asker=who, use_case=USE_CASE, turns=(Turn(role="user", content=text),), at=EPOCH)


async def run(parts: Chain, asked: Question | None = None, live: Live = LIVE) -> tuple[list[str], Answer]:
    pieces: list[str] = []
    done: Answer | None = None
    async for part in answer(asked or question(), live=live, chain=parts):
        if isinstance(part, Answer):
            assert done is None
            done = part
        else:
            assert done is None, "nothing comes after the answer"
            pieces.append(part)
    assert done is not None
    return pieces, done


def facts(parts: Chain) -> dict[str, object]:
    assert isinstance(parts.audit, MemoryAudit)
    (row,) = parts.audit.rows
    return row.facts


async def test_a_question_as_of_a_day_finds_what_was_valid_then_and_is_on_record() -> None:
    """Only validity looks back: who may not read today gets nothing of then."""
    parts = await chain(ScriptedLlm([f"{FACT} [1]"]))
    then = EPOCH - timedelta(days=400)
    access = access_of(replace(question(), as_of=then))
    assert (access.at, access.tenant, access.clearance) == (then, "acme", Classification.internal)
    _, done = await run(parts, replace(question(), as_of=then))
    assert (done.outcome, done.as_of) == (Outcome.answered, then)
    assert facts(parts)["as_of"] == then.isoformat()
    stranger = Principal(subject="kim", tenant="rival")
    _, nothing = await run(await chain(ScriptedLlm([f"{FACT} [1]"])), replace(question(asker=stranger), as_of=then))
    assert nothing.outcome is Outcome.not_answered


async def test_a_supported_claim_leaves_with_its_verbatim_quote() -> None:
    """The answer is what was streamed, and the quote is a slice of the stored text that carries the number."""
    parts = await chain(ScriptedLlm([f"{FACT[:20]}", f"{FACT[20:]} [1]"]))
    pieces, done = await run(parts)
    assert done.outcome is Outcome.answered
    assert done.text == "".join(pieces)
    (citation,) = done.citations
    assert "4711" in citation.quote
    assert FACT[citation.quote_start : citation.quote_end] == citation.quote
    assert "4711" in done.text[citation.start : citation.end]


@pytest.mark.parametrize(
    "lines",
    [
        ["The Zephyr gasket lasts 9999 operating hours. [1]"],
        ["The moon is made of cheese. [1]"],
        ["Certainly! [7]"],
        ["\ufffd\ufffd 123 [1] [2] [99]"],
        [""],
    ],
)
async def test_what_the_evidence_does_not_say_is_dropped(lines: Sequence[str]) -> None:
    """Wrong numbers, inventions and rubbish end as an honest "not answered" in the question's language."""
    pieces, done = await run(await chain(ScriptedLlm(lines)))
    assert done.outcome is Outcome.not_answered
    assert done.text == "".join(pieces) == messages.not_answered("en")
    assert done.citations == ()


async def test_a_german_question_is_refused_in_german() -> None:
    """The standard message speaks the question's language."""
    _, done = await run(await chain(ScriptedLlm([""])), question("Wie lange hält die Dichtung und warum ist das so?"))
    assert done.text == messages.not_answered("de")


async def test_a_sick_endpoint_is_followed_by_the_next_allowed() -> None:
    """Fail over on capacity."""
    sick = ScriptedLlm([], name="sick", dies_with=Temporary("endpoint_down", "down"))
    _, done = await run(await chain(sick, ScriptedLlm([f"{FACT} [1]"], model="second")))
    assert done.endpoint == "local:second"


async def test_death_in_mid_stream_is_an_error_on_record() -> None:
    """Half an answer is no answer: the caller is told, and the row says how far it came."""
    parts = await chain(ScriptedLlm([f"{FACT} [1]\n", "And"], dies_with=Temporary("endpoint_died", "died")))
    with pytest.raises(Temporary):
        await run(parts)
    assert facts(parts)["error"] == "endpoint_died"


async def test_half_a_sentence_is_never_said() -> None:
    """What a dying endpoint said last looks like a claim that the evidence carries, and is none."""
    parts = await chain(DyingLlm([FACT[:23]]))
    said: list[object] = []
    with pytest.raises(Temporary) as caught:
        await listen(parts, said)
    assert said == []
    assert caught.value.cost_usd == facts(parts)["cost_usd"] == 0.005


async def listen(parts: Chain, said: list[object]) -> None:
    async for part in answer(question(), live=LIVE, chain=parts):
        said.append(part)  # noqa: PERF401  what came before an error must be kept


class DyingLlm(ScriptedLlm):
    """Says its lines, sends the bill, and dies."""

    async def draft(self, brief: Brief) -> AsyncIterator[str | Usage]:
        for line in self.lines:
            yield line
        yield Usage(prompt_tokens=10, completion_tokens=5_000)
        raise Temporary("endpoint_died", "died")


async def test_no_allowed_endpoint_means_refused() -> None:
    """What the policy does not allow does not happen, and no model is asked."""
    llm = ScriptedLlm([f"{FACT} [1]"])
    _, done = await run(await chain(llm, policy=FixedPolicy()))
    assert done.outcome is Outcome.refused
    assert llm.asked == []


async def test_a_blocked_question_reaches_no_model() -> None:
    """Guard before model."""
    llm = ScriptedLlm([f"{FACT} [1]"])
    parts = await chain(llm, guard=WordGuard(block=["diagnosis"]))
    _, done = await run(parts, question("What diagnosis does the Zephyr gasket have?"))
    assert done.outcome is Outcome.blocked_input
    assert llm.asked == []


async def test_a_model_sees_only_what_the_guard_left_of_a_question() -> None:
    """Personal data in a question is masked before the model."""
    llm = ScriptedLlm([f"{FACT} [1]"])
    await run(
        await chain(llm, guard=WordGuard(mask=["Mustermann"])),
        question("Mustermann asks: how long does the Zephyr gasket last?"),
    )
    assert "Mustermann" not in llm.asked[0].question


async def test_blocked_output_leaves_nothing_raw() -> None:
    """Guard after model: a standard message, not the sentence."""
    parts = await chain(ScriptedLlm([f"{FACT} [1]"]), guard=WordGuard(block=["4711"]))
    pieces, done = await run(parts)
    assert done.outcome is Outcome.blocked_output
    assert "4711" not in "".join(pieces)
    assert done.text == "".join(pieces)


async def test_a_blocked_answer_is_paid_and_its_endpoint_named() -> None:
    """The endpoint has written it all the same: unknown is never zero."""
    parts = await chain(ScriptedLlm([f"{FACT} [1] ", "And more."]), guard=WordGuard(block=["4711"]))
    _, blocked = await run(parts)
    _, answered = await run(await chain(ScriptedLlm([f"{FACT} [1] ", "And more."])))
    assert blocked.outcome is Outcome.blocked_output
    assert (blocked.endpoint, blocked.usage, blocked.cost_usd) == (answered.endpoint, answered.usage, answered.cost_usd)
    assert blocked.endpoint is not None
    assert isinstance(parts.audit, MemoryAudit)
    assert parts.audit.rows[-1].facts["endpoint"] == blocked.endpoint


async def test_a_search_that_fails_stands_on_record() -> None:
    """A guard that does not answer is told like a failed question."""
    guard = WordGuard()
    parts = await chain(ScriptedLlm([]), guard=guard)
    guard.dead = True
    with pytest.raises(Refused):
        await search(question(), live=LIVE, chain=parts, limit=3)
    assert isinstance(parts.audit, MemoryAudit)
    row = parts.audit.rows[-1]
    assert (row.action, row.outcome, row.facts["error"]) == ("search", "failed", "guard_unavailable")


async def test_no_record_no_answer() -> None:
    """A full audit log stops the request before a model is called."""
    llm = ScriptedLlm([f"{FACT} [1]"])
    parts = await chain(llm)
    assert isinstance(parts.audit, MemoryAudit)
    parts.audit.full = True
    with pytest.raises(Refused):
        await run(parts)
    assert llm.asked == []


async def test_a_dead_guard_lets_nothing_through() -> None:
    """Fail closed on safety."""
    guard, llm = WordGuard(), ScriptedLlm([f"{FACT} [1]"])
    guard.dead = True
    with pytest.raises(BelegError):
        await run(await chain(llm, guard=guard))
    assert llm.asked == []


async def test_a_hang_up_is_on_record() -> None:
    """The asker goes away in mid-stream: the row tells, and no text is in it."""
    parts = await chain(ScriptedLlm([f"{FACT} [1]\n", f"{FACT} [1]"]))
    stream = answer(question(), live=LIVE, chain=parts)
    await anext(stream)
    await stream.aclose()
    assert facts(parts)["error"] == "GeneratorExit"
    assert "4711" not in str(facts(parts))


async def test_another_tenant_finds_nothing() -> None:
    """The same question by another tenant has no evidence."""
    parts = await chain(ScriptedLlm([f"{FACT} [1]"]))
    asked = question(asker=Principal(subject="eve", tenant="other"))
    _, done = await run(parts, asked)
    assert done.outcome is Outcome.not_answered
    assert await search(asked, live=LIVE, chain=parts, limit=10) == []


def test_access_is_the_lower_of_clearance_and_protection() -> None:
    """A use case cannot widen what its asker may read, nor the asker what the use case may touch."""
    low = question(asker=Principal(subject="k", tenant="acme", clearance=Classification.public))
    high = question(asker=Principal(subject="k", tenant="acme", clearance=Classification.highly_confidential))
    assert access_of(low).clearance is Classification.public
    assert access_of(high).clearance is Classification.internal
    assert access_of(replace(high, use_case=replace(USE_CASE, zones=frozenset({"z"})))).zones == {"z"}


MANUAL = "\n".join(
    f"Rule {n} of the house says nothing about that part at all, whatever anybody asks." for n in range(40)
)


@pytest.mark.parametrize(("tokens", "reads", "is_read"), [(200, True, True), (0, True, False), (200, False, False)])
async def test_a_model_that_reads_gets_what_stands_around_a_hit(tokens: int, *, reads: bool, is_read: bool) -> None:
    """As much as the recipe says, cited verbatim from the stored text; the embedded endpoint reads the hits alone."""
    said = f"The Zephyr gasket is made in Gera.\n{MANUAL}"
    llm = ScriptedLlm(["Rule 14 of the house says nothing about that part at all, whatever anybody asks. [1]"], reads_surroundings=reads)  # fmt: skip
    parts = await chain(llm, said=said)
    retrieval = replace(RECIPE.retrieval, limit=1, surroundings=tokens)
    live = replace(LIVE, recipe=replace(RECIPE, retrieval=retrieval))
    _, done = await run(parts, question("Where is the Zephyr gasket made?"), live)
    (hit,) = llm.asked[0].evidence
    assert "Rule 14 of" not in hit.chunk.text
    assert ("Rule 14 of" in hit.passage.text, bool(done.citations)) == (is_read, is_read)
    assert all(said[one.quote_start : one.quote_end] == one.quote for one in done.citations)
    assert ("surround" in facts(parts)["timings_ms"]) is is_read  # type: ignore[operator]


async def test_the_route_knows_how_much_may_be_read() -> None:
    """A policy that sends long contexts elsewhere decides on what the endpoint will get, not on the hits alone."""
    parts = await chain(ScriptedLlm([f"{FACT} [1]"]))
    seen: list[object] = []

    class Noting(FixedPolicy):
        def route(self, facts: Mapping[str, object]) -> Route:
            seen.append(facts["context_length_bucket"])
            return super().route(facts)

    for tokens in (0, 2000 * 8):
        live = replace(LIVE, recipe=replace(RECIPE, retrieval=replace(RECIPE.retrieval, surroundings=tokens)))
        await run(replace(parts, policy=Noting("local")), live=live)
    assert seen == ["short", "long"]
