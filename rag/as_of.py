"""What a caller writes for "as of" → the instant at which documents must be valid. Pure. Called by the API and `beleg ask`."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time

from rag.errors import Permanent

_HINT = "Write a day like 2026-03-01, which means its end in UTC, or an instant like 2026-03-01T12:00:00+01:00."
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?", re.ASCII)


def instant_of(text: str, *, now: datetime) -> datetime:
    """A day means its last microsecond in UTC, today means now; an instant without a zone is UTC.

    Raises `Permanent`: `bad_as_of`, and `as_of_future`, for what is valid from then on may not be told yet.
    """
    try:
        asked = _parsed(text.strip())
    except (ValueError, OverflowError):
        raise Permanent("bad_as_of", "as_of is neither a day nor an instant.", hint=_HINT) from None
    is_day = _DAY.fullmatch(text.strip()) is not None
    if is_day and asked.date() == now.astimezone(UTC).date():
        return now
    if asked > now:
        said = f"as_of lies in the future: it is {now.astimezone(UTC):%Y-%m-%d %H:%M} UTC."
        raise Permanent("as_of_future", said, hint="Ask without it for what is valid now.")
    return asked


def _parsed(text: str) -> datetime:
    if _DAY.fullmatch(text):
        return datetime.combine(date.fromisoformat(text), time.max, tzinfo=UTC)
    if not _INSTANT.fullmatch(text):
        raise ValueError("not ISO 8601")
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
