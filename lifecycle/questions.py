"""Evaluation sets: JSON lines → `Item`s. A door: read with a strict schema, an error names file and line."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from lifecycle.types import Expected, Item
from rag.errors import Permanent
from rag.types import Classification, Turn


class _Passage(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    document: str = Field(pattern=r"^[^/]+/.+")
    quote: str = Field(min_length=1)


class _Turn(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    role: Literal["user", "assistant"]
    content: str


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(min_length=1)
    split: Literal["dev", "test"]
    language: str = Field(min_length=2, max_length=2)
    tenant: str
    clearance: Classification
    groups: frozenset[str] = frozenset()
    question: str = Field(min_length=1)
    history: tuple[_Turn, ...] = ()
    answerable: bool
    expected: tuple[_Passage, ...] = ()
    answer_contains: tuple[str | tuple[str, ...], ...] = ()
    tags: tuple[str, ...] = ()

    @field_validator("clearance", mode="before")
    @classmethod
    def _by_name(cls, value: object) -> object:
        if isinstance(value, str) and value in Classification.__members__:
            return Classification[value]
        raise ValueError(f"one of {', '.join(Classification.__members__)}")

    @model_validator(mode="after")
    def _has_expectation(self) -> _Line:
        if self.answerable != bool(self.expected):
            raise ValueError("an answerable question needs an expected passage, another one has none")
        return self


def read_questions(path: Path, *, split: str | None = None) -> list[Item]:
    """In file order, only those of `split` if given. Raises `Permanent("questions.invalid")`."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise Permanent("questions.unreadable", f"{path} cannot be read: {error.strerror}.") from error
    items: dict[str, Item] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        item = _item(path, number, line)
        if item.id in items:
            raise Permanent("questions.invalid", f"{path}, line {number}: the id {item.id} occurs twice.")
        items[item.id] = item
    return [item for item in items.values() if split in {None, item.split}]


def _item(path: Path, number: int, line: str) -> Item:
    try:
        read = _Line.model_validate_json(line)
    except ValidationError as error:
        what = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'line'}: {e['msg']}" for e in error.errors())
        raise Permanent("questions.invalid", f"{path}, line {number}: {what}.") from None
    return Item(
        id=read.id,
        split=read.split,
        language=read.language,
        tenant=read.tenant,
        clearance=read.clearance,
        groups=read.groups,
        question=read.question,
        history=tuple(Turn(role=turn.role, content=turn.content) for turn in read.history),
        answerable=read.answerable,
        expected=tuple(Expected(document=e.document, quote=e.quote) for e in read.expected),
        answer_contains=tuple((c,) if isinstance(c, str) else c for c in read.answer_contains),
        tags=read.tags,
    )
