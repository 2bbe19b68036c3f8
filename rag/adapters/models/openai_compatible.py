"""Any endpoint that speaks OpenAI's `/v1/chat/completions` with streaming: vLLM, Azure AI Foundry, LiteLLM and others.

Adapter of the port `Llm`. Whatever a sick endpoint does (hangs, dies, answers with a web page) becomes `Temporary` with
a code, never with its words: an error body may echo the prompt. Does not retry; the chain asks the next endpoint.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Literal

import httpx
from pydantic import SecretStr

from rag.adapters.models.event_stream import Clock, Reading, Rubbish, events
from rag.adapters.models.rendering import messages
from rag.errors import Temporary
from rag.types import Brief, Usage

_MOST_CHARACTERS_PER_TOKEN = 16
"""Four times as many as tokens have on average: an answer that is longer ignores the limit it was given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds. Each ends the call with `Temporary`."""

    connect_s: float = 5.0
    first_token_s: float = 30.0
    between_tokens_s: float = 15.0
    total_s: float = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """US dollars per million tokens, from the operator's configuration: an unknown price has no default."""

    prompt: float
    completion: float


class OpenAICompatibleLlm:
    """One model behind one base URL. Close it with `aclose()`."""

    def __init__(
        self,
        *,
        name: str,
        endpoint_class: str,
        model: str,
        base_url: str,
        prices: Prices,
        api_key: SecretStr | None = None,
        timeouts: Timeouts = Timeouts(),
        max_tokens: int = 1024,
        max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens",
        temperature: float | None = 0.0,
        new_marker: Callable[[], str] = lambda: secrets.token_hex(12),
    ) -> None:
        """`base_url` ends in `/v1` and comes from the operator alone; redirects are not followed, proxies of the
        environment not used. `max_tokens` caps what a caller may ask for.
        """
        self._name, self._class, self._model = name, endpoint_class, model
        self._prices, self._timeouts = prices, timeouts
        self._max_tokens, self._max_tokens_field, self._temperature = max_tokens, max_tokens_field, temperature
        self._new_marker = new_marker
        headers = {"authorization": f"Bearer {api_key.get_secret_value()}"} if api_key else {}
        self._client = httpx.AsyncClient(
            base_url=base_url.rstrip("/") + "/",
            headers=headers,
            follow_redirects=False,
            trust_env=False,
            timeout=httpx.Timeout(None, connect=timeouts.connect_s, pool=timeouts.connect_s),  # the rest is ours
        )

    def __repr__(self) -> str:
        return f"OpenAICompatibleLlm({self._name!r}, {self._class}:{self._model})"

    @property
    def name(self) -> str:
        return self._name

    @property
    def endpoint_class(self) -> str:
        return self._class

    @property
    def model(self) -> str:
        return self._model

    @property
    def reads_surroundings(self) -> bool:
        return True

    @property
    def max_tokens(self) -> int:
        """The longest answer, whatever a caller asks for."""
        return self._max_tokens

    def cost_usd(self, usage: Usage) -> float:
        prices = self._prices
        return (usage.prompt_tokens * prices.prompt + usage.completion_tokens * prices.completion) / 1e6

    async def aclose(self) -> None:
        await self._client.aclose()

    async def draft(self, brief: Brief) -> AsyncIterator[str | Usage]:
        """See `Llm`. What fails after it has cost something still yields a `Usage` before it raises `Temporary`.

        An empty answer is a failure too: the prompt asks for a word even where the passages have no answer.
        """
        body = self._body(brief)
        reading = Reading(prompt_characters=sum(len(message["content"]) for message in body["messages"]))
        limits = self._timeouts
        clock = Clock(first_s=limits.first_token_s, between_s=limits.between_tokens_s, total_s=limits.total_s)
        try:
            async with aclosing(await clock.wait(self._opened(body))) as response:
                self._check(response)
                async for event in events(response.aiter_bytes(), clock):
                    if event == "[DONE]":
                        break
                    if text := reading.take(event):
                        yield text
                        clock.ticked()
                    if reading.characters > body[self._max_tokens_field] * _MOST_CHARACTERS_PER_TOKEN:
                        raise self._sick("endpoint_endless", "said more than it was asked for")
            if not reading.has_finished:
                raise self._sick("endpoint_died", "ended its answer too early")
            if not reading.has_said:
                raise self._sick("endpoint_empty", "gave an empty answer")
        except (httpx.HTTPError, TimeoutError, Rubbish, Temporary) as error:
            if reading.has_cost:
                yield reading.usage
            raise self._translated(error) from error
        yield reading.usage

    def _body(self, brief: Brief) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self._model,
            "messages": messages(brief, marker=self._new_marker()),
            "stream": True,
            "stream_options": {"include_usage": True},
            self._max_tokens_field: min(brief.max_tokens or self._max_tokens, self._max_tokens),
        }
        if self._temperature is not None:
            body["temperature"] = self._temperature
        return body

    async def _opened(self, body: dict[str, Any]) -> httpx.Response:
        request = self._client.build_request("POST", "chat/completions", json=body)
        return await self._client.send(request, stream=True)

    def _check(self, response: httpx.Response) -> None:
        """Raises `Temporary` unless this is the beginning of a stream. The body is not looked at."""
        if response.status_code != httpx.codes.OK:
            after_s = _seconds(response.headers.get("retry-after"))
            raise self._sick("endpoint_status", f"answered with HTTP status {response.status_code}", after_s=after_s)
        if not response.headers.get("content-type", "").startswith("text/event-stream"):
            raise Rubbish

    def _translated(self, error: Exception) -> Temporary:
        if isinstance(error, Temporary):
            return error
        if isinstance(error, Rubbish):
            return self._sick("endpoint_rubbish", "sent something that is not a chat stream")
        if isinstance(error, TimeoutError | httpx.TimeoutException):
            return self._sick("endpoint_timeout", "did not answer in time")
        if isinstance(error, httpx.ConnectError):
            return self._sick("endpoint_unreachable", "cannot be reached")
        return self._sick("endpoint_died", "broke the connection")

    def _sick(self, code: str, what: str, *, after_s: float = 1.0) -> Temporary:
        hint = "Look at the endpoint's own log; `beleg doctor` tells whether it can be reached."
        return Temporary(code, f"Endpoint {self._name} {what}.", hint=hint, after_s=after_s)


def _seconds(header: str | None) -> float:
    """A `Retry-After` in seconds, kept to sane bounds; its other form, a date, is not worth a parser here."""
    return min(max(float(header), 1.0), 300.0) if header is not None and header.isdigit() else 1.0
