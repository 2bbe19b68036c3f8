"""What callers send: OpenAI's request shapes and our search. A door: read here, then only our nouns travel on.

Fields that OpenAI's clients send and that have no meaning here (temperature, seed, user, …) are let pass; fields whose
effect a caller would miss (tools, n, images, …) are refused with a clear word.
"""

from __future__ import annotations

import unicodedata
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from rag.as_of import instant_of
from rag.errors import Permanent
from rag.types import Principal, Question, Turn, UseCase, now
from serving.errors import BadRequest
from serving.settings import Limits

ModelName = Annotated[str, Field(min_length=1, max_length=200, description="The use case, as listed by `/v1/models`.")]


class TextPart(BaseModel):
    """A piece of a message. Only text is understood."""

    model_config = ConfigDict(extra="ignore")

    type: str
    text: str | None = None


class Message(BaseModel):
    """One turn of the conversation."""

    model_config = ConfigDict(extra="ignore")

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[TextPart] | None = None
    tool_calls: list[Any] | None = None


class StreamOptions(BaseModel):
    """What else a stream shall tell."""

    model_config = ConfigDict(extra="ignore")

    include_usage: bool | None = None


class BelegIn(BaseModel):
    """What we understand beyond OpenAI's fields. With its clients: `extra_body={"beleg": {...}}`."""

    model_config = ConfigDict(extra="forbid")

    as_of: str | None = Field(
        None, max_length=40, examples=["2026-03-01"],
        description="Answer from the documents valid then: a day (its end, UTC) or an ISO 8601 instant.",
    )  # fmt: skip


class ChatRequest(BaseModel):
    """OpenAI's chat completion request. `model` names the use case."""

    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={
            "examples": [
                {
                    "model": "assistant",
                    "messages": [{"role": "user", "content": "Wie lange ist die Kündigungsfrist in der Probezeit?"}],
                    "stream": False,
                }
            ]
        },
    )

    model: ModelName
    messages: list[Message] = Field(min_length=1)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: int | None = Field(None, ge=1)
    max_completion_tokens: int | None = Field(None, ge=1)
    n: int | None = None
    tools: list[Any] | None = None
    functions: list[Any] | None = None
    response_format: dict[str, Any] | None = None
    modalities: list[str] | None = None
    audio: dict[str, Any] | None = None
    logprobs: bool | None = None
    stop: str | list[str] | None = None
    beleg: BelegIn | None = None


class SearchRequest(BaseModel):
    """Evidence only, no answer."""

    model_config = ConfigDict(
        extra="ignore",
        json_schema_extra={"examples": [{"model": "assistant", "query": "Kündigungsfrist Probezeit", "limit": 5}]},
    )

    model: ModelName
    query: str
    limit: int = Field(8, ge=1)
    beleg: BelegIn | None = None


def question(request: ChatRequest, *, request_id: str, asker: Principal, use_case: UseCase, limits: Limits) -> Question:
    """The request as our noun. Raises `BadRequest` for what is empty, too long or not supported."""
    _require_supported(request)
    if len(request.messages) > limits.turns:
        raise BadRequest("conversation_too_long", f"More than {limits.turns} messages.", param="messages")
    turns = tuple(_turn(message, f"messages.{n}") for n, message in enumerate(request.messages))
    if turns[-1].role != "user":
        raise BadRequest("invalid_request", "The last message must have the role 'user'.", param="messages")
    if sum(len(turn.content) for turn in turns) > limits.conversation_characters:
        raise BadRequest(
            "conversation_too_long", f"The conversation is longer than {limits.conversation_characters} characters.",
            param="messages", hint="Send only its last turns.",
        )  # fmt: skip
    at = now()
    return Question(
        id=request_id,
        asker=asker,
        use_case=use_case,
        turns=(*turns[:-1], Turn(role="user", content=_asked(turns[-1].content, "messages", limits))),
        at=at,
        max_tokens=request.max_completion_tokens or request.max_tokens,
        as_of=as_of(request.beleg.as_of if request.beleg else None, "beleg.as_of", at),
    )


def search_question(
    request: SearchRequest,
    *,
    request_id: str,
    asker: Principal,
    use_case: UseCase,
    limits: Limits,
) -> Question:
    """Likewise for a search."""
    if request.limit > limits.search_results:
        raise BadRequest("invalid_request", f"limit: at most {limits.search_results}.", param="limit")
    turn = Turn(role="user", content=_asked(_clean(request.query, "query"), "query", limits))
    at = now()
    then = as_of(request.beleg.as_of if request.beleg else None, "beleg.as_of", at)
    return Question(id=request_id, asker=asker, use_case=use_case, turns=(turn,), at=at, as_of=then)


def as_of(text: str | None, param: str, at: datetime) -> datetime | None:
    """Raises `BadRequest` for what is no instant, or lies in the future."""
    if text is None:
        return None
    try:
        return instant_of(text, now=at)
    except Permanent as error:
        raise BadRequest(error.code, error.message, param=param, hint=error.hint) from None


def _require_supported(request: ChatRequest) -> None:
    """`None` and the values that mean 'as usual' pass."""
    odd = {
        "n": (request.n or 1) != 1,
        "tools": bool(request.tools),
        "functions": bool(request.functions),
        "response_format": (request.response_format or {}).get("type", "text") != "text",
        "modalities": (request.modalities or ["text"]) != ["text"],
        "audio": request.audio is not None,
        "logprobs": bool(request.logprobs),
        "stop": bool(request.stop),
    }
    for param, is_odd in odd.items():
        if is_odd:
            raise BadRequest(
                "unsupported_parameter", f"'{param}' is not supported: an answer here is one cited text.", param=param
            )


def _turn(message: Message, where: str) -> Turn:
    if message.role in {"tool", "function"} or message.tool_calls:
        raise BadRequest("unsupported_parameter", "Tool messages are not supported.", param=where)
    role: Literal["system", "user", "assistant"] = (
        "user" if message.role == "user" else "assistant" if message.role == "assistant" else "system"
    )
    return Turn(role=role, content=_clean(_text(message.content, where), where))


def _text(content: str | list[TextPart] | None, where: str) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    if any(part.type != "text" or part.text is None for part in content):
        raise BadRequest(
            "unsupported_content", "Only text parts are supported, no images, files or audio.", param=where
        )
    return "\n".join(part.text or "" for part in content)


def _clean(text: str, where: str) -> str:
    """Without NUL (no text has one); a lone surrogate is no text."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise BadRequest("invalid_request", "The text is not valid Unicode.", param=where) from None
    return text.replace("\0", "")


def _asked(text: str, param: str, limits: Limits) -> str:
    if all(unicodedata.category(character)[0] in "CZ" for character in text):  # blanks, controls, nothing visible
        raise BadRequest("empty_question", "The question is empty.", param=param)
    if len(text) > limits.question_characters:
        raise BadRequest(
            "question_too_long", f"The question is longer than {limits.question_characters} characters.", param=param
        )
    return text.strip()
