"""A question's way through, whole: screen → retrieve → route → generate → cite → screen, on record.

The evaluation runs this very function. A sentence leaves only when its citation is verified and the guard has passed
it, so what is streamed, stored and returned are the same characters.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

from rag.answer import messages
from rag.answer.cite import Citing
from rag.answer.entail import entailed
from rag.answer.generate import Drafted, generate
from rag.answer.record import Record
from rag.answer.retrieve import contextual_query, retrieve
from rag.answer.screen import OutputScreen, screen_turns
from rag.answer.surround import surrounded
from rag.errors import BelegError, Temporary
from rag.language import detect
from rag.ports import AuditLog, Embedder, Entailment, Guard, Index, Library, Llm, Policy
from rag.sentences import SentenceStream
from rag.types import Access, Action, Answer, Brief, Classification, Hit, Live, Outcome, Question, Route

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """What the way through needs, opened once per process."""

    guard: Guard
    embedder: Embedder
    index: Index
    policy: Policy
    llms: Sequence[Llm]
    audit: AuditLog
    entailment: Entailment | None = None
    library: Library | None = None
    """For what stands around a hit; without, models read the hits alone."""


async def answer(question: Question, *, live: Live, chain: Chain) -> AsyncGenerator[str | Answer]:
    """Yields verified, guarded pieces of text, then exactly one `Answer` whose text is their concatenation.

    Raises `Refused` before anything is done if no audit row could be written, `Temporary` if no allowed endpoint
    works (possibly after some pieces). Whatever happens, one audit row tells it.
    """
    await chain.audit.ready()  # no record, no answer
    record = Record(question, live)
    done: Answer | None = None
    try:
        async with aclosing(_steps(question, live, chain, record)) as parts:
            async for part in parts:
                if isinstance(part, Answer):
                    done = part
                else:
                    yield part
    except BelegError as error:
        error.cost_usd = record.cost_usd
        await chain.audit.append(record.row(Outcome.failed.value, error=error.code))
        raise
    except BaseException as error:  # also when the asker hangs up: the row must tell
        await asyncio.shield(chain.audit.append(record.row(Outcome.failed.value, error=type(error).__name__)))
        raise
    if done is None:
        raise AssertionError("the chain ended without an answer")
    await chain.audit.append(record.row(done.outcome.value, done.citations))
    yield done


async def _steps(question: Question, live: Live, chain: Chain, record: Record) -> AsyncGenerator[str | Answer]:
    with record.timed("screen_input"):
        asked = await screen_turns(question.turns, guard=chain.guard, context=_guard_context(question))
    record.decided("input", asked.decision)
    record.language = language = _language(question.text)
    if asked.decision.action is Action.block:
        for part in _told(messages.blocked_input(asked.decision, language), Outcome.blocked_input, record):
            yield part
        return

    with record.timed("retrieve"):
        hits = await retrieve(
            contextual_query(asked.turns), embedder=chain.embedder, index=chain.index, access=access_of(question),
            settings=live.recipe.retrieval, language=language,
        )  # fmt: skip
    record.found(hits, chain.index.generation)
    with record.timed("route"):
        # In a thread: a policy that has changed is tried in a process of its own first, which takes a second.
        around = live.recipe.retrieval.surroundings if chain.library is not None else 0
        facts = _routing_facts(question, hits, chain.llms, surroundings=around)
        route = await asyncio.to_thread(chain.policy.route, facts)
    record.routed(route)
    if route.decision.action is Action.block or not route.endpoint_classes:
        for part in _told(messages.refused(language), Outcome.refused, record):
            yield part
        return

    evidence = await _read_around(hits, route, live, chain, record)
    brief = Brief(
        question=asked.turns[-1].content, turns=asked.turns[:-1], evidence=tuple(evidence), prompt=live.recipe.prompt,
        language=language, max_tokens=question.max_tokens,
        min_answerability=live.recipe.retrieval.min_answerability,
    )  # fmt: skip
    async with aclosing(_draft(question, brief, route, chain, record)) as parts:
        async for part in parts:
            yield part


async def _read_around(hits: list[Hit], route: Route, live: Live, chain: Chain, record: Record) -> list[Hit]:
    """With their surroundings, if any endpoint that may answer reads them."""
    allowed = [llm for llm in chain.llms if llm.endpoint_class in route.endpoint_classes]
    tokens = live.recipe.retrieval.surroundings
    if chain.library is None or not tokens or not any(llm.reads_surroundings for llm in allowed):
        return hits
    with record.timed("surround"):
        return await surrounded(hits, library=chain.library, tokens=tokens, count_tokens=chain.embedder.count_tokens)


async def _draft(
    question: Question, brief: Brief, route: Route, chain: Chain, record: Record
) -> AsyncGenerator[str | Answer]:
    """Sentence by sentence: generated, verified against the evidence, guarded, out."""
    citing = Citing(brief.evidence, language=brief.language)
    output = OutputScreen(chain.guard, _guard_context(question, route.endpoint_classes[0]))
    sentences = SentenceStream()
    text = ""
    drafting = record.waited("draft", generate(brief, route, chain.llms))
    async for piece in drafting:
        if isinstance(piece, Drafted):
            record.drafted(piece.endpoint, piece.usage, piece.cost_usd)
            ready = sentences.end() if piece.is_whole else []  # half a sentence is no claim
        else:
            ready = sentences.feed(piece)
        for sentence in ready:
            with record.timed("cite"):
                verified = citing.verify(sentence)
            if verified is None:
                record.dropped_claims += bool(sentence.strip())
                continue
            with record.timed("screen_output"):
                screened = await output.feed(verified.text)
            record.decided("output", screened.decision)
            if screened.decision.action is Action.block:
                message = ("\n\n" if text else "") + messages.blocked_output(brief.language)
                yield message
                await _drain(drafting, record)
                yield record.answer(text + message, Outcome.blocked_output)
                return
            citing.emitted(verified, screened.text, at=len(text))
            text += screened.text
            yield screened.text
    if not text:
        for part in _told(messages.not_answered(brief.language), Outcome.not_answered, record):
            yield part
        return
    citations = citing.citations()
    if chain.entailment is not None:
        with record.timed("entail"):
            citations = await entailed(text, citations, entailment=chain.entailment)
    yield record.answer(text, Outcome.answered, citations)


async def _drain(drafting: AsyncIterator[str | Drafted], record: Record) -> None:
    """Unseen, to the end: what the endpoint has used is known only there, and somebody pays for it."""
    try:
        async for piece in drafting:
            if isinstance(piece, Drafted):
                record.drafted(piece.endpoint, piece.usage, piece.cost_usd)
    except Temporary as error:  # the answer was blocked, whatever becomes of its endpoint
        log.warning("answer.blocked_draft_failed", extra={"code": error.code})


def _told(message: str, outcome: Outcome, record: Record) -> list[str | Answer]:
    """A standard message in place of an answer."""
    return [message, record.answer(message, outcome)]


def access_of(question: Question) -> Access:
    """What the index may return: never more than the asker's clearance, nor than the use case's protection class.

    Also as of an earlier day the rights are those of today: only validity is asked for then.
    """
    asker, use_case = question.asker, question.use_case
    return Access(
        tenant=asker.tenant,
        business_units=asker.business_units,
        groups=asker.groups,
        clearance=Classification(min(asker.clearance, use_case.protection)),
        zones=use_case.zones,
        at=question.as_of or question.at,
    )


async def search(question: Question, *, live: Live, chain: Chain, limit: int) -> list[Hit]:
    """Evidence only, under the same guard, access and record as an answer."""
    await chain.audit.ready()
    record = Record(question, live)
    try:
        hits, outcome = await _found(question, live, chain, record, limit)
    except BaseException as error:
        code = error.code if isinstance(error, BelegError) else type(error).__name__
        row = replace(record.row(Outcome.failed.value, error=code), action="search")
        await asyncio.shield(chain.audit.append(row))
        raise
    await chain.audit.append(replace(record.row(outcome), action="search"))
    return hits


async def _found(question: Question, live: Live, chain: Chain, record: Record, limit: int) -> tuple[list[Hit], str]:
    asked = await screen_turns(question.turns, guard=chain.guard, context=_guard_context(question))
    record.decided("input", asked.decision)
    record.language = _language(question.text)
    hits: list[Hit] = []
    if asked.decision.action is not Action.block:
        with record.timed("retrieve"):
            hits = await retrieve(
                asked.turns[-1].content, embedder=chain.embedder, index=chain.index, access=access_of(question),
                settings=replace(live.recipe.retrieval, limit=limit), language=record.language,
            )  # fmt: skip
    record.found(hits, chain.index.generation)
    return hits, Outcome.blocked_input.value if asked.decision.action is Action.block else "found"


def _language(text: str) -> str:
    """English for what is written in other letters: it is neither, and more people read it."""
    return detect(text) if any("a" <= letter <= "z" for letter in text.casefold()) else "en"


def _guard_context(question: Question, endpoint_class: str | None = None) -> dict[str, str | None]:
    asker = question.asker
    return {
        "usecase_class": question.use_case.usecase_class,
        "tenant": asker.tenant,
        "business_unit": ",".join(sorted(asker.business_units)) or None,
        "user_role": ",".join(sorted(asker.roles)),
        "endpoint_class": endpoint_class,
    }


def _routing_facts(
    question: Question, hits: Sequence[Hit], llms: Sequence[Llm], *, surroundings: int
) -> dict[str, object]:
    """The attributes that `policies/routing` decides on. After retrieval: the hits' labels say who may read them.

    `surroundings`: tokens that may be added to each hit; they carry the hits' own labels.
    """
    sensitivity = max((hit.chunk.labels.classification for hit in hits), default=Classification.public)
    use_case, asker = question.use_case, question.asker
    return {
        "data_sensitivity": sensitivity.name,
        "usecase_class": use_case.usecase_class,
        "quality_tier": use_case.quality_tier,
        "context_length_bucket": _bucket(sum(len(hit.chunk.text) for hit in hits) + surroundings * len(hits) * 4),
        "budget_class": use_case.budget_class,
        "need_websearch": use_case.need_websearch,
        "need_tools": use_case.need_tools,
        "tenant": asker.tenant,
        "business_unit": ",".join(sorted(asker.business_units)) or None,
        "user_role": ",".join(sorted(asker.roles)),
        "runtime_signals": {"unhealthy": []},
        "available": sorted({llm.endpoint_class for llm in llms}),
    }


def _bucket(characters: int) -> str:
    """Rough token buckets at four characters a token."""
    tokens = characters // 4
    return "short" if tokens < 4_000 else "medium" if tokens < 16_000 else "long"
