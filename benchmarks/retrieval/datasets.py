"""Public retrieval sets → texts, questions and answers' places. Found by `BELEG_DATA`, else `../shared/data`."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question and the number of the paragraph that holds its answer.

    Attributes:
        held_out: not used to choose any number in this repository. The same for both languages of a question.
    """

    id: str
    text: str
    gold: int
    held_out: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    language: str
    paragraphs: tuple[str, ...]
    asked: tuple[Asked, ...]


def data_folder() -> Path:
    """Where the public sets lie, whether or not they are there."""
    return Path(os.environ.get("BELEG_DATA", ROOT.parent / "shared" / "data"))


def is_held_out(question_id: str) -> bool:
    """Half of the questions, by a hash that does not change."""
    return hashlib.sha256(question_id.encode()).digest()[-1] % 2 == 1


def xquad(language: str) -> Corpus:
    """All 240 paragraphs and 1,190 questions. Raises `FileNotFoundError` if the set is not there."""
    stored = json.loads((data_folder() / "xquad" / f"xquad.{language}.json").read_text(encoding="utf-8"))
    paragraphs: list[str] = []
    asked: list[Asked] = []
    for article in stored["data"]:
        for paragraph in article["paragraphs"]:
            for question in paragraph["qas"]:
                held_out = is_held_out(question["id"])
                asked.append(
                    Asked(id=question["id"], text=question["question"], gold=len(paragraphs), held_out=held_out)
                )
            paragraphs.append(paragraph["context"])
    return Corpus(language=language, paragraphs=tuple(paragraphs), asked=tuple(asked))
