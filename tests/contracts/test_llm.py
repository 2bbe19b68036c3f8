"""The contract of `Llm`: every endpoint that drafts answers keeps it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from rag.adapters.embedders.hashing import HashEmbedder
from rag.adapters.models.extractive import ExtractiveLlm
from rag.adapters.models.openai_compatible import OpenAICompatibleLlm, Prices
from rag.ports import Llm
from rag.testing import ScriptedLlm
from rag.types import Brief, Chunk, Classification, Hit, Labels, Prompt, Usage

LABELS = Labels(
    tenant="t",
    business_unit=None,
    classification=Classification.public,
    readers=frozenset(),
    valid_from=None,
    valid_until=None,
)
TEXT = "Der Jahresurlaub beträgt 26 Arbeitstage."
CHUNK = Chunk(
    id="c", document_id="d", version="v", zone="z", path="p", uri="u", title="Ferienordnung", media_type="text/plain", position=0,
    start=0, end=len(TEXT), text=TEXT, context="Ferienordnung", places=(), language="de", labels=LABELS,
)  # fmt: skip
BRIEF = Brief(
    question="Wie viele Tage beträgt der Jahresurlaub?", turns=(), evidence=(Hit(chunk=CHUNK, score=1.0, dense=0.8),),
    prompt=Prompt(name="p", version="1", template="Regeln."), language="de",
)  # fmt: skip
NOTHING = Brief(question="?", turns=(), evidence=(), prompt=BRIEF.prompt, language="xx")


class LlmContract:
    """What holds for each `llm` fixture."""

    async def test_a_draft_ends_with_exactly_one_usage(self, llm: Llm) -> None:
        """Text first, then one count that is never negative."""
        pieces: list[Any] = [piece async for piece in llm.draft(BRIEF)]
        assert [piece for piece in pieces if isinstance(piece, Usage)] == pieces[-1:]
        assert all(isinstance(piece, str) for piece in pieces[:-1])
        assert min(pieces[-1].prompt_tokens, pieces[-1].completion_tokens) >= 0

    async def test_no_evidence_and_an_unknown_language_are_no_error(self, llm: Llm) -> None:
        """A brief without passages is answered, or met with silence, but never with a crash."""
        pieces = [piece async for piece in llm.draft(NOTHING)]
        assert isinstance(pieces[-1], Usage)

    async def test_drafts_do_not_share_state(self, llm: Llm) -> None:
        """Two drafts of one endpoint, read in turns, are as two drafts read one after the other."""
        alone = [piece async for piece in llm.draft(BRIEF)]
        first, second = llm.draft(BRIEF), llm.draft(BRIEF)
        mixed: tuple[list[Any], list[Any]] = ([], [])
        for _ in alone:
            mixed[0].append(await anext(first))
            mixed[1].append(await anext(second))
        assert mixed == (alone, alone)

    async def test_it_can_be_named_without_being_asked(self, llm: Llm) -> None:
        """Name, class and model are there at once, for the recipe and for routing; more tokens never cost less."""
        assert all(isinstance(word, str) and word for word in (llm.name, llm.endpoint_class, llm.model))
        assert (
            0.0
            <= llm.cost_usd(Usage(prompt_tokens=1, completion_tokens=1))
            <= llm.cost_usd(Usage(prompt_tokens=1000, completion_tokens=1000))
        )


class TestExtractive(LlmContract):
    @pytest.fixture
    def llm(self) -> Llm:
        return ExtractiveLlm(embedder=HashEmbedder())


class TestScripted(LlmContract):
    @pytest.fixture
    def llm(self) -> Llm:
        return ScriptedLlm(lines=["Es sind 26 ", "Arbeitstage. [1]"])


class TestOpenAICompatible(LlmContract):
    @pytest.fixture
    async def llm(self) -> AsyncIterator[Llm]:
        import asyncio
        import json

        chunks = [
            {"choices": [{"index": 0, "delta": {"content": "Es sind 26 "}, "finish_reason": None}]},
            {"choices": [{"index": 0, "delta": {"content": "Arbeitstage. [1]"}, "finish_reason": "stop"}]},
            {"choices": [], "usage": {"prompt_tokens": 30, "completion_tokens": 6}},
        ]
        body = b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks) + b"data: [DONE]\n\n"

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n" + body)
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        model = OpenAICompatibleLlm(
            name="house", endpoint_class="local", model="tiny", base_url=f"http://127.0.0.1:{port}/v1",
            prices=Prices(prompt=1.0, completion=2.0),
        )  # fmt: skip
        yield model
        await model.aclose()
        server.close()
