"""Settings → the open HTTP front. The only file of `serving/` that names adapters; called by `beleg`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import datetime

from fastapi import FastAPI

from lifecycle.compose import Lifecycle, configured_recipe, open_lifecycle
from rag.adapters.models.openai_compatible import OpenAICompatibleLlm
from rag.adapters.page_image import PdfPages
from rag.answer.answer import answer, search
from rag.compose import Rag, open_rag, open_state
from rag.errors import BelegError
from rag.ingest.chunk import chunk
from rag.ports import Llm
from rag.settings import Settings
from rag.types import Answer, Chunk, Cleared, Hit, IndexState, Question, Usage, Zone
from serving.adapters.budget import DatabaseBudget
from serving.adapters.keys import DatabaseKeys
from serving.adapters.rate_limit import MemoryRateLimit
from serving.app import create_app
from serving.front import OK, Front, Health
from serving.previewing import Previewing

log = logging.getLogger(__name__)

_TOKENS_PER_HIT = 400
"""Chunks are cut below 256 tokens of the embedder; a model's own tokenizer may need half as many again in German."""
_AHEAD_S = 1.0
_PROMPT_TOKENS = 1024
"""Of the use case's prompt and the frame around the passages."""


def open_app(settings: Settings) -> FastAPI:
    """The application; its front is opened when the server starts."""

    @asynccontextmanager
    async def front() -> AsyncIterator[Front]:
        async with open_rag(settings) as rag, open_lifecycle(rag) as lifecycle, aclosing(PdfPages()) as pages:
            await rag.warm()  # the first question must not pay for it
            ahead = asyncio.create_task(_warm_ahead(rag))
            try:
                yield _front(settings, rag, lifecycle, pages)
            finally:
                ahead.cancel()

    return create_app(front)


@asynccontextmanager
async def open_keys(settings: Settings) -> AsyncIterator[DatabaseKeys]:
    """Keys alone, for the command line."""
    async with open_state(settings) as state:
        yield DatabaseKeys(state.database)


async def _warm_ahead(rag: Rag) -> None:
    """An index that has become ready is opened before anybody moves to it: the first question must not pay for that."""
    warmed: set[tuple[str, datetime]] = set()
    while True:
        try:
            for record in await rag.indexes.records():
                if record.state is IndexState.ready and (record.name, record.started_at) not in warmed:
                    chain = rag.chain_of(record)
                    await chain.index.refresh()
                    await chain.embedder.embed(["warm"])
                    warmed.add((record.name, record.started_at))
        except Exception as error:  # noqa: BLE001 - the first question meets the same, and says so
            log.warning("index.not_warm", extra={"kind": type(error).__name__})
        await asyncio.sleep(_AHEAD_S)


def _front(settings: Settings, rag: Rag, lifecycle: Lifecycle, pages: PdfPages) -> Front:
    async def ask(question: Question) -> AsyncIterator[str | Answer]:
        live = await lifecycle.releases.live(question.use_case.name)
        chain = await rag.chain_for(live.recipe)
        async with aclosing(answer(question, live=live, chain=chain)) as parts:
            async for part in parts:
                yield part

    async def find(question: Question, limit: int) -> list[Hit]:
        live = await lifecycle.releases.live(question.use_case.name)
        return await search(question, live=live, chain=await rag.chain_for(live.recipe), limit=limit)

    async def worst_cost_usd(question: Question) -> float:
        """Every endpoint may be tried after the one before it has failed at a cost."""
        asked = sum(len(turn.content) for turn in question.turns)
        live = await lifecycle.releases.live(question.use_case.name)
        read = asked + live.recipe.retrieval.limit * _TOKENS_PER_HIT + _PROMPT_TOKENS
        return sum(_worst_cost_usd(llm, read, question.max_tokens) for llm in rag.chain.llms)

    async def cut(cleared: Cleared, zone: Zone) -> list[Chunk]:
        rules, count = rag.intake.rules(zone), rag.intake.embedder.count_tokens
        return await asyncio.to_thread(chunk, cleared, rules=rules, count_tokens=count)

    async def health() -> Health:
        return await _health(rag, lifecycle)

    previewing = Previewing(rag.intake)
    return Front(
        ask=ask,
        search=find,
        worst_cost_usd=worst_cost_usd,
        use_cases=rag.use_cases,
        library=rag.state.library,
        ledger=rag.ledger,
        sweeps=rag.state.sweeps,
        reviews=rag.state.reviews,
        allow_list=rag.state.allow_list,
        preview=previewing.files,
        findings=previewing.findings,
        guard=rag.intake.guard,
        cut=cut,
        sweep_s=settings.sweep_s,
        landing=rag.intake.landing,
        page_images=pages,
        keys=DatabaseKeys(rag.state.database),
        budget=DatabaseBudget(rag.state.database),
        rate_limit=MemoryRateLimit(settings.requests_per_minute),
        audit=rag.state.audit,
        hints=rag.state.hints,
        health=health,
    )


def _worst_cost_usd(llm: Llm, read: int, wanted: int | None) -> float:
    """The longest answer that the endpoint gives, or the shorter one that the caller wants."""
    if not isinstance(llm, OpenAICompatibleLlm):
        return llm.cost_usd(Usage(prompt_tokens=read, completion_tokens=0))
    written = min(wanted or llm.max_tokens, llm.max_tokens)
    return llm.cost_usd(Usage(prompt_tokens=read, completion_tokens=written))


async def _health(rag: Rag, lifecycle: Lifecycle) -> Health:
    """Ready = a question could be answered and recorded now. The rest are alarms."""
    await asyncio.to_thread(rag.policy.look)  # an alarm must not wait for the next question
    parts = {"policies": rag.policy.alarm or OK, "releases": lifecycle.releases.alarm or OK}
    ready, parts["index"] = await _index_health(rag, lifecycle)
    try:
        await rag.state.audit.ready()
        parts["audit"] = OK
    except BelegError as error:
        ready, parts["audit"] = False, error.message
    for name in rag.use_cases:
        try:
            live = await lifecycle.releases.live(name)
            differs = live.recipe.id != (await configured_recipe(rag, name, live=live.recipe)).id
            parts[f"use case {name}"] = (
                "Its files differ from the live release: `beleg release create` shows how." if differs else OK
            )
        except BelegError as error:
            ready, parts[f"use case {name}"] = False, error.message
    return Health(ready=ready, parts=parts)


async def _index_health(rag: Rag, lifecycle: Lifecycle) -> tuple[bool, str]:
    """Of every index that a live release is answered from."""
    alarms: list[str] = []
    try:
        for name in rag.use_cases:
            profile = (await lifecycle.releases.live(name)).recipe.index_profile
            record = await rag.indexes.read_by(profile)
            index = rag.chain_of(record).index
            await index.refresh()
            if index.generation is None:
                alarms.append("Nothing is published yet: drop documents and ingest.")
            elif index.alarm:
                alarms.append(index.alarm)
            elif not rag.indexes.has_model(record.build):
                alarms.append(
                    f"{record.name} was built with {record.build.embedder}, which is not there any more: it is searched by "
                    "keywords alone. `beleg index status` shows the one that is built instead."
                )
    except BelegError as error:
        return False, str(error)
    return True, alarms[0] if alarms else OK
