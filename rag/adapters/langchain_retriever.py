"""LangChain's `BaseRetriever` over a running instance's `/v1/search`. For callers who build with LangChain.

An HTTP client, so access, guard and audit are the server's; nothing here can widen them.
"""

from __future__ import annotations

from typing import Any

import httpx
from langchain_core.callbacks import AsyncCallbackManagerForRetrieverRun, CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import Field, SecretStr

from rag.errors import Permanent, Refused, Temporary

_BUSY = {408, 429, 502, 503, 504}


class BelegRetriever(BaseRetriever):
    """Evidence for a query, best first. `page_content` is the passage, `metadata` its citation and score."""

    base_url: str
    """Of the instance, e.g. `http://127.0.0.1:8600`."""
    api_key: SecretStr
    model: str = "assistant"
    """The use case."""
    limit: int = Field(8, ge=1, le=50)
    as_of: str | None = None
    """A day or an instant: passages of what was valid then."""
    timeout_s: float = Field(30.0, gt=0)

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:  # noqa: ARG002 - LangChain's shape
        try:
            with httpx.Client(timeout=self.timeout_s) as client:
                return _documents(client.post(**self._request(query)))
        except httpx.HTTPError as error:
            raise _unreachable(error) from error

    async def _aget_relevant_documents(
        self,
        query: str,
        *,
        run_manager: AsyncCallbackManagerForRetrieverRun,  # noqa: ARG002 - LangChain's shape
    ) -> list[Document]:
        try:
            async with httpx.AsyncClient(timeout=self.timeout_s) as client:
                return _documents(await client.post(**self._request(query)))
        except httpx.HTTPError as error:
            raise _unreachable(error) from error

    def _request(self, query: str) -> dict[str, Any]:
        return {
            "url": f"{self.base_url.rstrip('/')}/v1/search",
            "headers": {"Authorization": f"Bearer {self.api_key.get_secret_value()}"},
            "json": {
                "model": self.model,
                "query": query,
                "limit": self.limit,
                **({"beleg": {"as_of": self.as_of}} if self.as_of else {}),
            },
        }


def _documents(reply: httpx.Response) -> list[Document]:
    if reply.is_success:
        return [
            Document(
                id=result["citation"]["chunk_id"],
                page_content=result["text"],
                metadata={**result["citation"], "source": result["document"], "score": result["score"]},
            )
            for result in reply.json()["results"]
        ]
    code, message = _told(reply)
    if reply.status_code in _BUSY:
        raise Temporary(code, message, after_s=_after_s(reply))
    if reply.status_code in {401, 403}:
        raise Refused(code, message)
    raise Permanent(code, message)


def _told(reply: httpx.Response) -> tuple[str, str]:
    try:
        error = reply.json()["error"]
        return str(error["code"]), str(error["message"])
    except (ValueError, KeyError, TypeError):
        return "http_error", f"The server answered with status {reply.status_code}."


def _after_s(reply: httpx.Response) -> float:
    value = reply.headers.get("retry-after", "")
    return float(value) if value.isdigit() else 1.0


def _unreachable(error: httpx.HTTPError) -> Temporary:
    return Temporary("server_unavailable", f"The server cannot be reached ({type(error).__name__}).")
