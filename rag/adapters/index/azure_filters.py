"""Conditions → filters in OData, as Azure AI Search reads them. Pure: what a name holds never becomes a part of the filter."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rag.adapters.index.remote import Compared, Condition, In, Wanted

_IDS = 200
"""Ids a filter: it may hold some thousand characters."""
MANY = frozenset({"readers"})
_PLAIN = re.compile(r"[A-Za-z0-9-]+")


def split(wanted: Wanted) -> list[Wanted]:
    """A condition with very many values, in parts that a filter takes."""
    for at, condition in enumerate(wanted.all):
        if isinstance(condition, In) and len(condition.values) > _IDS:
            rest = (*wanted.all[:at], *wanted.all[at + 1 :])
            parts = [condition.values[start : start + _IDS] for start in range(0, len(condition.values), _IDS)]
            return [Wanted((*rest, In(condition.field, values)), wanted.but) for values in parts]
    return [wanted]


def odata(wanted: Wanted) -> str:
    said = [_said(condition) for condition in wanted.all]
    said += [f"not ({' and '.join(_said(condition) for condition in group)})" for group in wanted.but]
    return " and ".join(said)


def _said(condition: Condition) -> str:
    match condition:
        case In(field, values) if field in MANY:
            return f"{field}/any(one: {_one_of('one', values)})"
        case In(field, values):
            return f"({_one_of(field, values)})"
        case Compared(field, how, value):
            return f"{field} {how} {value!r}"


def _one_of(field: str, values: Iterable[str]) -> str:
    """Names by `eq`, quoted, for the values of `search.in` are parted by a character that a name may hold; plain ids by
    `search.in`, which takes thousands.
    """
    values = tuple(values)
    if len(values) > 1 and all(_PLAIN.fullmatch(value) for value in values):
        return f"search.in({field}, '{','.join(values)}', ',')"
    return " or ".join(f"{field} eq {_quoted(value)}" for value in values) or "false"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def among_ids(ids: Sequence[str]) -> str:
    """Ids are ours: letters, digits and dashes."""
    return f"search.in(id, '{','.join(ids)}', ',')"
