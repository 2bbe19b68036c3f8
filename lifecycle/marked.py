"""A file of texts in which somebody has marked the personal data → `MarkedText`. Read for evaluations of the guard."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rag.errors import Permanent

NEITHER = "NEITHER"
"""Type of a mark that counts neither as missed nor as wrongly found: what nobody asked the guard to decide."""
Split = Literal["dev", "test"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """`text[start:end]` is of this type, e.g. `PERSON`, or `NEITHER`."""

    start: int
    end: int
    entity: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkedText:
    """One item of an evaluation set.

    Attributes:
        marks: ascending, without overlaps.
        language: ISO 639-1.
        split: `test` is looked at to report, never to improve.
    """

    id: str
    text: str = field(repr=False)
    marks: tuple[Mark, ...]
    language: str
    split: Split


class _Span(BaseModel):
    model_config = ConfigDict(extra="forbid")

    start: int = Field(ge=0)
    end: int
    entity: str = Field(pattern=r"^[A-Z][A-Z_]*$")


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: str
    text: str
    spans: list[_Span]
    language: str = Field(pattern=r"^[a-z]{2}$")
    split: Split = "dev"


def read_marked(path: Path) -> list[MarkedText]:
    """JSON Lines: `{"id", "text", "spans": [{"start", "end", "entity"}], "language", "split"}`, offsets in code points.

    Raises `Permanent("marked_invalid")` naming the line; no text is quoted.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise _invalid(f"{path} is not a readable file of UTF-8 text.") from None
    texts = [_marked(line, f"{path.name}, line {number}") for number, line in enumerate(lines, 1) if line.strip()]
    if not texts:
        raise _invalid(f"{path} holds no text.")
    if len({text.id for text in texts}) != len(texts):
        raise _invalid(f"{path.name}: two lines have the same id.")
    return texts


def _marked(line: str, where: str) -> MarkedText:
    try:
        read = _Line.model_validate_json(line)
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'the line'}: {e['msg']}" for e in error.errors()[:3])
        raise _invalid(f"{where}: {said}.") from None
    spans = sorted(read.spans, key=lambda span: span.start)
    ends = [0, *(span.end for span in spans)]
    for before, span in zip(ends, spans, strict=False):
        if not before <= span.start < span.end <= len(read.text):
            raise _invalid(f"{where}: the span {span.start} to {span.end} is empty, outside the text or over another.")
    marks = tuple(Mark(start=span.start, end=span.end, entity=span.entity) for span in spans)
    return MarkedText(id=read.id, text=read.text, marks=marks, language=read.language, split=read.split)


def _invalid(message: str) -> Permanent:
    return Permanent("marked_invalid", message, hint="`beleg dlp eval --help` shows the form of a line.")
