"""What callers get: OpenAI's chat shapes with our `beleg` object beside them, and search results.

Answer → JSON, pure. Spans count code points, as OpenAI's do.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote

from pydantic import BaseModel, Field

from rag.types import Answer, Citation, Hit, Outcome, Place, Usage

FinishReason = Literal["stop", "content_filter"]


class BoxOut(BaseModel):
    """Fractions of the page's width and height, origin top left."""

    left: float
    top: float
    right: float
    bottom: float


class PlaceOut(BaseModel):
    """Where a span stands in the file. Only what the format has."""

    start: int
    end: int
    page: int | None = None
    box: BoxOut | None = None
    slide: int | None = None
    sheet: str | None = None
    cells: str | None = None
    part: str | None = None


class SourceOut(BaseModel):
    """A passage: document, version, place and span in the stored text."""

    document_id: str
    version: str
    document: str = Field(description="URI of the file.")
    zone: str
    path: str
    title: str
    media_type: str
    chunk_id: str
    url: str = Field(description="Page that shows the passage highlighted; relative to this server.")
    quote: str
    quote_start: int
    quote_end: int
    page: int | None = None
    slide: int | None = None
    sheet: str | None = None
    cells: str | None = None
    part: str | None = None
    places: list[PlaceOut]


class CitationOut(SourceOut):
    """A passage that supports `content[start:end]`."""

    number: int
    start: int
    end: int
    support: float
    entailment: float | None = None


class DecisionOut(BaseModel):
    """What a policy said, and which rule said it."""

    action: str
    rule: str
    reason: str


class BelegOut(BaseModel):
    """The receipt of an answer."""

    request_id: str
    outcome: str
    language: str
    release: str
    recipe: str
    epoch: int
    endpoint: str | None
    citations: list[CitationOut]
    decisions: list[DecisionOut]
    dropped_claims: int
    cost_usd: float
    as_of: datetime | None = Field(None, description="The documents valid then were asked; null = those valid now.")


class UrlCitation(BaseModel):
    """OpenAI's."""

    start_index: int
    end_index: int
    url: str
    title: str


class Annotation(BaseModel):
    """OpenAI's."""

    type: Literal["url_citation"] = "url_citation"
    url_citation: UrlCitation


class UsageOut(BaseModel):
    """OpenAI's."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class AssistantMessage(BaseModel):
    """OpenAI's."""

    role: Literal["assistant"] = "assistant"
    content: str
    refusal: None = None
    annotations: list[Annotation]


class Choice(BaseModel):
    """OpenAI's."""

    index: Literal[0] = 0
    message: AssistantMessage
    finish_reason: FinishReason
    logprobs: None = None


class Completion(BaseModel):
    """OpenAI's `chat.completion`, with `beleg`."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: UsageOut
    beleg: BelegOut


class SearchResult(BaseModel):
    """One passage. Scores compare within one search only."""

    document: str
    text: str
    score: float
    citation: SourceOut


class SearchResponse(BaseModel):
    """Best first."""

    object: Literal["list"] = "list"
    request_id: str
    as_of: datetime | None = None
    results: list[SearchResult]


def completion(answer: Answer, *, model: str, created: int) -> Completion:
    """The whole answer in one piece."""
    message = AssistantMessage(content=answer.text, annotations=url_citations(answer))
    return Completion(
        id=completion_id(answer.question_id),
        created=created,
        model=model,
        choices=[Choice(message=message, finish_reason=finish_reason(answer))],
        usage=usage_out(answer.usage),
        beleg=beleg(answer),
    )


def completion_id(question_id: str) -> str:
    return f"chatcmpl-{question_id}"


def finish_reason(answer: Answer) -> FinishReason:
    """`content_filter` where the guard put its standard message in place of a text."""
    return "content_filter" if answer.outcome in {Outcome.blocked_input, Outcome.blocked_output} else "stop"


def usage_out(usage: Usage) -> UsageOut:
    return UsageOut(
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        total_tokens=usage.prompt_tokens + usage.completion_tokens,
    )


def url_citations(answer: Answer) -> list[Annotation]:
    return [
        Annotation(
            url_citation=UrlCitation(
                start_index=citation.start,
                end_index=citation.end,
                url=_citation_url(citation, answer),
                title=citation.title,
            )
        )
        for citation in answer.citations
    ]


def beleg(answer: Answer) -> BelegOut:
    return BelegOut(
        request_id=answer.question_id,
        outcome=answer.outcome.value,
        language=answer.language,
        release=answer.release,
        recipe=answer.recipe_id,
        epoch=answer.epoch,
        endpoint=answer.endpoint,
        citations=[_citation(citation, answer) for citation in answer.citations],
        decisions=[DecisionOut(action=d.action.value, rule=d.rule, reason=d.reason) for d in answer.decisions],
        dropped_claims=answer.dropped_claims,
        cost_usd=round(answer.cost_usd, 8),
        as_of=answer.as_of,
    )


def search_result(hit: Hit, *, as_of: datetime | None = None) -> SearchResult:
    chunk = hit.chunk
    source = SourceOut(
        document_id=chunk.document_id, version=chunk.version, document=chunk.uri, zone=chunk.zone, path=chunk.path,
        title=chunk.title, media_type=chunk.media_type, chunk_id=chunk.id,
        url=source_url(chunk.document_id, chunk.version, chunk.start, chunk.end, of=passage_digest(chunk.text), as_of=as_of),
        quote=chunk.text, quote_start=chunk.start, quote_end=chunk.end,
        **_first(chunk.places), places=[place_out(place) for place in chunk.places],
    )  # fmt: skip
    return SearchResult(document=chunk.uri, text=chunk.text, score=hit.score, citation=source)


def source_url(
    document_id: str, version: str, start: int, end: int, *, of: str, as_of: datetime | None = None
) -> str:  # fmt: skip
    """Relative, so that no Host header can bend it. `of`: see `passage_digest`."""
    then = "" if as_of is None else f"&as_of={quote(as_of.isoformat(), safe='')}"
    return f"/sources/{quote(document_id, safe='')}/{quote(version, safe='')}?start={start}&end={end}&of={of}{then}"


def passage_digest(text: str) -> str:
    """By which a passage is known in the one of several readings that it stands in."""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _citation_url(citation: Citation, answer: Answer) -> str:
    return source_url(
        citation.document_id, citation.version, citation.quote_start, citation.quote_end,
        of=passage_digest(citation.quote), as_of=answer.as_of,
    )  # fmt: skip


def place_out(place: Place) -> PlaceOut:
    box = place.box and BoxOut(left=place.box.left, top=place.box.top, right=place.box.right, bottom=place.box.bottom)
    return PlaceOut(
        start=place.start, end=place.end, page=place.page, box=box, slide=place.slide, sheet=place.sheet,
        cells=place.cells, part=place.part,
    )  # fmt: skip


def _citation(citation: Citation, answer: Answer) -> CitationOut:
    return CitationOut(
        number=citation.number, start=citation.start, end=citation.end, support=citation.support,
        entailment=citation.entailment, document_id=citation.document_id, version=citation.version,
        document=citation.uri, zone=citation.zone, path=citation.path, title=citation.title,
        media_type=citation.media_type, chunk_id=citation.chunk_id,
        url=_citation_url(citation, answer),
        quote=citation.quote, quote_start=citation.quote_start, quote_end=citation.quote_end,
        **_first(citation.places), places=[place_out(place) for place in citation.places],
    )  # fmt: skip


def _first(places: tuple[Place, ...]) -> dict[str, Any]:
    """Page, slide, sheet, cells and part where the passage begins."""
    first = places[0] if places else Place(start=0, end=0)
    return {name: getattr(first, name) for name in ("page", "slide", "sheet", "cells", "part")}
