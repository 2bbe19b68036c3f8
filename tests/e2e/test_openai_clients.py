"""The clients that people have, unchanged: OpenAI's (refusing malformed replies), LangChain's chat model and retriever."""

from __future__ import annotations

from collections.abc import Iterator

import openai
import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_openai import ChatOpenAI
from serving_scene import HOTEL, STRANGER, USER
from serving_server import Server, serve

from rag.adapters.langchain_retriever import BelegRetriever
from rag.errors import Permanent, Refused, Temporary

ASKED = [{"role": "user", "content": "Wie hoch sind Hotelkosten?"}]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serve() as running:
        yield running


@pytest.fixture(scope="module")
def client(server: Server) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key=USER, _strict_response_validation=True, max_retries=0)


def test_a_whole_answer_passes_the_strict_client(client: openai.OpenAI) -> None:
    """Content, annotations, usage and our receipt beside them."""
    reply = client.chat.completions.create(model="assistant", messages=ASKED)
    message = reply.choices[0].message
    first = message.annotations[0].url_citation
    assert message.content[first.start_index : first.end_index] == HOTEL
    assert first.url.startswith("/sources/")
    assert reply.usage.total_tokens > 0
    assert reply.beleg["outcome"] == "answered"


def test_a_stream_passes_the_strict_client(client: openai.OpenAI) -> None:
    """The pieces make up the whole answer; usage comes last; the receipt is on the chunk that finishes."""
    whole = client.chat.completions.create(model="assistant", messages=ASKED)
    chunks = list(
        client.chat.completions.create(
            model="assistant", messages=ASKED, stream=True, stream_options={"include_usage": True}
        )
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert chunks[-1].usage == whole.usage
    finishing = next(chunk for chunk in chunks if chunk.choices and chunk.choices[0].finish_reason)
    assert len(finishing.beleg["citations"]) == len(finishing.choices[0].delta.annotations) == 3


async def test_the_async_client_streams(server: Server) -> None:
    """The same with OpenAI's asynchronous client."""
    async with openai.AsyncOpenAI(
        base_url=f"{server.url}/v1", api_key=USER, _strict_response_validation=True
    ) as client:
        stream = await client.chat.completions.create(model="assistant", messages=ASKED, stream=True)
        text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
    assert text.startswith(HOTEL)


def test_models_are_the_use_cases_of_the_key(client: openai.OpenAI) -> None:
    """Listed and fetched one by one."""
    assert [model.id for model in client.models.list()] == ["assistant", "produkt-hilfe"]
    assert client.models.retrieve("assistant").owned_by == "beleg"


def test_errors_become_the_clients_own(server: Server, client: openai.OpenAI) -> None:
    """Each refusal raises the exception that OpenAI's users already catch."""
    with pytest.raises(openai.NotFoundError) as missing:
        client.chat.completions.create(model="gpt-4o", messages=ASKED)
    assert missing.value.code == "model_not_found"
    with pytest.raises(openai.AuthenticationError):
        openai.OpenAI(base_url=f"{server.url}/v1", api_key="blg_wrong").models.list()
    with pytest.raises(openai.BadRequestError, match="n"):
        client.chat.completions.create(model="assistant", messages=ASKED, n=2)
    with pytest.raises(openai.APIError, match="No endpoint answers"):
        list(
            client.chat.completions.create(
                model="assistant", messages=[{"role": "user", "content": "Das bricht ab"}], stream=True
            )
        )


def test_a_client_that_stops_reading_is_settled(server: Server, client: openai.OpenAI) -> None:
    """Closing the stream stops the chain; what is owed is booked."""
    budget = server.world.budget
    with client.chat.completions.create(
        model="assistant", messages=[{"role": "user", "content": "endlos"}], stream=True
    ) as stream:
        next(iter(stream))
    client.models.list()
    for _ in range(500):
        if len(budget.settled) == len(budget.reserved):
            break
        client.models.list()
    assert set(budget.settled) == set(budget.reserved)


def test_langchains_chat_model_works_unchanged(server: Server) -> None:
    """Invoked and streamed, with a conversation."""
    model = ChatOpenAI(base_url=f"{server.url}/v1", api_key=USER, model="assistant")
    said = model.invoke([HumanMessage("Hotel?"), AIMessage("130 Euro [1]"), HumanMessage("Und Hotelkosten in Berlin?")])
    assert said.content.startswith(HOTEL)
    assert said.usage_metadata["total_tokens"] > 0
    pieces = list(model.stream("Hotelkosten?"))
    assert "".join(piece.content for piece in pieces) == said.content
    assert len(server.world.chain.asked[-2].turns) == 3


async def test_langchains_retriever_brings_evidence(server: Server) -> None:
    """Documents with passage, source, place and score; the same asynchronously."""
    retriever = BelegRetriever(base_url=server.url, api_key=USER, limit=3)
    found = retriever.invoke("Hotel")
    assert len(found) == 3
    assert HOTEL in found[0].page_content
    assert found[0].metadata["source"] == server.world.documents["policy"].document.uri
    assert found[0].metadata["page"] == 1
    assert await retriever.ainvoke("Hotel") == found
    assert USER not in repr(retriever)


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ({"api_key": "blg_wrong"}, Refused),
        ({"model": "produkt-hilfe", "api_key": STRANGER}, Permanent),
        ({"base_url": "http://127.0.0.1:9"}, Temporary),
    ],
)
def test_the_retriever_tells_who_must_act(server: Server, options: dict, kind: type[Exception]) -> None:
    """A wrong key, an unknown use case and a server that is away are three different things."""
    with pytest.raises(kind):
        BelegRetriever(**{"base_url": server.url, "api_key": USER, **options}).invoke("Hotel")
