"""Our errors → HTTP. The only place that knows status codes.

Below `/v1` an error has OpenAI's form; elsewhere, and where the API is our own (`_OURS`), RFC 9457's. Neither ever repeats
what the caller sent.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import JSONResponse, Response

from rag.errors import BelegError, Permanent, Refused, Temporary

_BY_CODE: Mapping[str, int] = {
    "invalid_api_key": 401,
    "operator_only": 403,
    "model_not_found": 404,
    "source_not_found": 404,
    "version_gone": 404,
    "zone_not_found": 404,
    "document_not_found": 404,
    "no_such_document": 404,
    "nothing_to_judge": 409,
    "zone_not_held": 409,
    "no_such_entry": 404,
    "same_person": 409,
    "allow_changed": 409,
    "allow_until": 400,
    "allow_reason": 400,
    "allow_value": 400,
    "allow_type": 400,
    "no_name": 400,
    "no_reason": 400,
    "reason_too_long": 400,
    "reason_names_somebody": 400,
    "file_vanished": 404,
    "version_changed": 409,
    "preview_busy": 429,
    "page_not_found": 404,
    "page_not_shown": 404,
    "not_found": 404,
    "method_not_allowed": 405,
    "body_too_slow": 408,
    "body_too_large": 413,
    "question_too_long": 413,
    "conversation_too_long": 413,
    "rate_limited": 429,
    "budget_exhausted": 429,
    "price_unknown": 503,
    "guard_too_slow": 503,
    "release.none": 503,
    "index_profile_mismatch": 503,
}

_TYPES = {429: "rate_limit_error", 403: "permission_error"}
"""OpenAI's `type` where it is neither the caller's request (4xx) nor our trouble (5xx)."""

INTERNAL = "internal_error"

_OURS = ("/v1/zones", "/v1/reviews", "/v1/allow-list", "/v1/events/")
"""No client of OpenAI's asks there."""


class BadRequest(Permanent):
    """The request is at fault; `param` names the field as the caller wrote it."""

    def __init__(self, code: str, message: str, *, param: str | None = None, hint: str = "") -> None:
        super().__init__(code, message, hint=hint)
        self.param = param


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """An error on its way out."""

    status: int
    code: str
    message: str
    param: str | None = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def type(self) -> str:
        """OpenAI's error type."""
        if self.code == "budget_exhausted":
            return "insufficient_quota"
        return _TYPES.get(self.status, "invalid_request_error" if self.status < 500 else "server_error")

    def openai(self) -> dict[str, Any]:
        """OpenAI's error object."""
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}

    def rfc9457(self, request_id: str) -> dict[str, Any]:
        """Problem details."""
        return {
            "type": "about:blank", "title": self.code.replace("_", " "), "status": self.status,
            "detail": self.message, "code": self.code, "instance": f"urn:uuid:{request_id}",
        }  # fmt: skip

    def response(self, *, path: str, request_id: str) -> Response:
        """In the form that belongs to the path."""
        if (path == "/v1" or path.startswith("/v1/")) and not path.startswith(_OURS):
            return JSONResponse(self.openai(), self.status, self.headers)
        return JSONResponse(self.rfc9457(request_id), self.status, self.headers, media_type="application/problem+json")


def problem_of(error: BelegError) -> Problem:
    """Status, headers and words for one of our errors."""
    status = _status(error)
    headers = {}
    if isinstance(error, Temporary):
        headers["Retry-After"] = str(max(1, math.ceil(error.after_s)))
    if error.code == "budget_exhausted":
        headers["x-should-retry"] = "false"  # OpenAI's clients would ask again at once, for a month
    if status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="beleg"'
    return Problem(
        status=status, code=error.code, message=str(error), param=getattr(error, "param", None), headers=headers
    )


def _status(error: BelegError) -> int:
    if error.code in _BY_CODE:
        return _BY_CODE[error.code]
    if error.code.endswith("unavailable"):  # refused because audit, budget or guard are away: not the caller's fault
        return 503
    return next(status for kind, status in _BY_KIND.items() if isinstance(error, kind))


_BY_KIND: Mapping[type[BelegError], int] = {BadRequest: 400, Permanent: 500, Refused: 403, Temporary: 503}
"""The first that fits. A `Permanent` that is not about the request is about our state: a damaged text, no release."""


def problem_of_validation(errors: Sequence[Mapping[str, Any]]) -> Problem:
    """From pydantic's findings: where and what, never the input itself."""
    first = errors[0]
    if first["type"] == "json_invalid":
        return Problem(status=400, code="invalid_json", message="The request body is not valid JSON.")
    where = ".".join(str(part) for part in first["loc"] if part not in {"body", "query", "path"})
    what = "; ".join(dict.fromkeys(str(error["msg"]) for error in errors[:3]))
    return Problem(
        status=400, code="invalid_request", message=f"{where or 'The request body'}: {what}.", param=where or None
    )


def problem_of_status(status: int) -> Problem:
    """For what the framework itself refuses: unknown paths, wrong methods, bodies that cannot be parsed."""
    known = {
        400: ("invalid_json", "The request body is not valid JSON."),
        404: ("not_found", "There is nothing at this address. See /docs."),
        415: ("not_json", "Send JSON, with the header 'Content-Type: application/json'."),
        405: ("method_not_allowed", "This address does not know that method. See /docs."),
    }
    code, message = known.get(status, ("http_error", f"The request was refused with status {status}."))
    return Problem(status=status, code=code, message=message)


def internal(request_id: str) -> Problem:
    """For what nobody foresaw. Says nothing of the cause: that stands in the log under the same id."""
    return Problem(
        status=500,
        code=INTERNAL,
        message=f"Something went wrong on our side. Tell your operator the request id {request_id}.",
    )
