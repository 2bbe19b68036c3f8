"""OpenAI's client, LangChain's chat model and our retriever, unchanged, on a running instance with the sample documents."""

from __future__ import annotations

from typing import Any

import httpx
import openai
import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_openai import ChatOpenAI

from rag.adapters.langchain_retriever import BelegRetriever
from tests.e2e.besieged import Besieged

GERMAN = ("Unsere Zentrifuge zeigt E-33 an. Was sollen wir tun?", "außer Betrieb", "benutzerhandbuch-al200.pdf")
ENGLISH = ("Up to what value may I keep a gift from a supplier?", "35 euros", "code-of-conduct.pdf")
FOLLOW_UPS = (
    (
        "Bis wann muss ich meinen Resturlaub nehmen?",
        "Resturlaub ist bis zum 31. März des Folgejahres zu nehmen.",
        "Kann man das verlängern?",
        "Resturlaub",
        "urlaubsordnung.md",
    ),
    (
        "Must accidents in the home office be reported?",
        "Yes, to the occupational safety team.",
        "How fast?",
        "within three days",
        "remote-work-policy.docx",
    ),
)
"""First question, its answer, a question that says nothing alone, what its answer holds, and where that stands."""


@pytest.fixture(scope="module")
def client(house: Besieged) -> openai.OpenAI:
    return openai.OpenAI(
        base_url=f"{house.url}/v1", api_key=house.keys["aurelia"], max_retries=0, _strict_response_validation=True
    )


@pytest.fixture(scope="module")
def chat_model(house: Besieged) -> ChatOpenAI:
    return ChatOpenAI(base_url=f"{house.url}/v1", api_key=house.keys["aurelia"], model="assistant", max_retries=0)


def receipt(reply: Any) -> dict[str, Any]:
    """What stands beside OpenAI's own fields, which their client keeps."""
    return dict(reply.beleg)


@pytest.mark.parametrize(("question", "words", "path"), [GERMAN, ENGLISH])
def test_an_answer_with_annotations(client: openai.OpenAI, question: str, words: str, path: str) -> None:
    """Each annotation spans the claim that it supports, and the quote is from the document that says it."""
    reply = client.chat.completions.create(model="assistant", messages=[{"role": "user", "content": question}])
    message = reply.choices[0].message
    told = receipt(reply)
    assert words in message.content
    assert path in {c["path"] for c in told["citations"]}
    assert len(message.annotations) == len(told["citations"]) >= 1
    for annotation, citation in zip(message.annotations, told["citations"], strict=True):
        span = annotation.url_citation
        claim = message.content[span.start_index : span.end_index]
        assert claim.strip()
        assert f"[{citation['number']}]" in message.content[span.end_index :]
        assert span.url == citation["url"]


@pytest.mark.parametrize(("question", "words", "path"), [GERMAN, ENGLISH])
def test_a_stream_is_the_same_answer(client: openai.OpenAI, question: str, words: str, path: str) -> None:
    """Piece by piece, the annotations on the last chunk, the usage behind it."""
    messages: Any = [{"role": "user", "content": question}]
    whole = client.chat.completions.create(model="assistant", messages=messages)
    chunks = list(
        client.chat.completions.create(
            model="assistant", messages=messages, stream=True, stream_options={"include_usage": True}
        )
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    assert words in text
    (last,) = [chunk for chunk in chunks if chunk.choices and chunk.choices[0].finish_reason]
    assert path in {c["path"] for c in receipt(last)["citations"]}
    annotations: Any = last.choices[0].delta
    assert [a["url_citation"]["url"] for a in annotations.annotations] == [
        a.url_citation.url for a in whole.choices[0].message.annotations
    ]
    assert chunks[-1].usage == whole.usage


@pytest.mark.parametrize(("first", "said", "then", "words", "path"), FOLLOW_UPS)
def test_a_follow_up_needs_the_conversation(
    client: openai.OpenAI, first: str, said: str, then: str, words: str, path: str
) -> None:
    """With what was asked before it is answered from the right document; alone it is not."""
    alone: Any = [{"role": "user", "content": then}]
    behind: Any = [{"role": "user", "content": first}, {"role": "assistant", "content": said}, *alone]
    reply = client.chat.completions.create(model="assistant", messages=behind)
    assert words in reply.choices[0].message.content
    assert path in {c["path"] for c in receipt(reply)["citations"]}
    lost = client.chat.completions.create(model="assistant", messages=alone)
    assert path not in {c["path"] for c in receipt(lost)["citations"]}


@pytest.mark.parametrize(("first", "said", "then", "words", "path"), FOLLOW_UPS)
def test_langchains_chat_model_holds_a_conversation(
    chat_model: ChatOpenAI, first: str, said: str, then: str, words: str, path: str
) -> None:
    """Invoked and streamed alike, with usage."""
    conversation = [HumanMessage(first), AIMessage(said), HumanMessage(then)]
    told = chat_model.invoke(conversation)
    assert words in told.content
    assert told.usage_metadata is not None
    assert told.usage_metadata["total_tokens"] > 0
    assert "".join(str(piece.content) for piece in chat_model.stream(conversation)) == told.content
    assert path  # read by the test above


async def test_langchains_chat_model_streams_asynchronously(chat_model: ChatOpenAI) -> None:
    """The same with `astream`."""
    text = "".join([str(piece.content) async for piece in chat_model.astream(GERMAN[0])])
    assert GERMAN[1] in text


@pytest.mark.parametrize(("question", "words", "path"), [GERMAN, ENGLISH])
async def test_the_retriever_finds_the_passage(house: Besieged, question: str, words: str, path: str) -> None:
    """Evidence with its place; asynchronously the same; another tenant's key finds nothing of it."""
    retriever = BelegRetriever(base_url=house.url, api_key=house.keys["aurelia"], limit=5)
    found = retriever.invoke(question)
    assert path in {document.metadata["path"] for document in found}
    assert any(words in document.page_content for document in found)
    assert await retriever.ainvoke(question) == found
    stranger = BelegRetriever(base_url=house.url, api_key=house.keys["klinik"], limit=50)
    assert {document.metadata["zone"] for document in stranger.invoke(question)} <= {"klinik"}


@pytest.mark.parametrize(("question", "words", "path"), [GERMAN, ENGLISH])
def test_a_citations_address_opens(
    house: Besieged, client: openai.OpenAI, question: str, words: str, path: str
) -> None:
    """The page behind the annotation's URL, its text with the very quote at the cited span, and the PDF page's picture."""
    reply = client.chat.completions.create(model="assistant", messages=[{"role": "user", "content": question}])
    citation = next(c for c in receipt(reply)["citations"] if c["path"] == path)
    page = httpx.get(f"{house.url}{citation['url']}", timeout=120)
    assert (page.status_code, page.headers["content-type"].split(";")[0]) == (200, "text/html")
    source = house.get(f"/v1{citation['url']}", "aurelia").json()
    start, end = citation["quote_start"] - source["text_start"], citation["quote_end"] - source["text_start"]
    assert source["text"][start:end] == citation["quote"]
    assert source["highlight"]["places"][0]["page"] == citation["page"]
    address = f"/v1/sources/{citation['document_id']}/{citation['version']}/page/{citation['page']}.png"
    picture = house.get(address, "aurelia")
    assert (picture.status_code, picture.content[:8]) == (200, b"\x89PNG\r\n\x1a\n")
    assert words


def test_errors_are_the_clients_own(house: Besieged, client: openai.OpenAI) -> None:
    """Each refusal raises what OpenAI's users already catch."""
    asked: Any = [{"role": "user", "content": "Hallo?"}]
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="gpt-4o", messages=asked)
    with pytest.raises(openai.AuthenticationError):
        openai.OpenAI(base_url=f"{house.url}/v1", api_key="blg_wrong", max_retries=0).models.list()
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model="assistant", messages=[{"role": "user", "content": " "}])
    house.model.behaves("fails_with_500")
    with pytest.raises(openai.InternalServerError) as caught:
        client.chat.completions.create(model="model-only", messages=asked)
    assert caught.value.code == "no_endpoint"
    house.model.behaves("dies_after_a_sentence")
    with pytest.raises(openai.APIError, match="broke off"):
        list(client.chat.completions.create(model="model-only", messages=asked, stream=True))
