"""What a terminal and a program get to see."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import get_args

import pytest

from beleg.cli import _unforeseen
from beleg.terminal import ClassificationName, emit, exit_code, note, tell
from rag.errors import Permanent, Refused, Temporary
from rag.types import Classification, State


@dataclass(frozen=True)
class Sample:
    level: Classification
    state: State
    names: frozenset[str]
    at: datetime
    share: float
    inner: tuple[Classification, ...]


def test_json_is_json_whatever_is_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Classifications go by name also deep inside, sets are sorted, and what is no number is null."""
    value = Sample(
        level=Classification.internal, state=State.indexed, names=frozenset({"b", "a"}),
        at=datetime(2026, 1, 2, tzinfo=UTC), share=float("nan"), inner=(Classification.public,),
    )  # fmt: skip
    emit({State.indexed: [value]})
    shown = json.loads(capsys.readouterr().out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert shown == {
        "indexed": [
            {
                "level": "internal", "state": "indexed", "names": ["a", "b"], "at": "2026-01-02T00:00:00+00:00",
                "share": None, "inner": ["public"],
            }
        ]
    }  # fmt: skip


def test_a_file_name_cannot_paint_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Control characters of names show as question marks; umlauts and line breaks stay."""
    tell("a\x1b[31mb\tÄ\n\x07")
    note("c\x9bd")
    shown = capsys.readouterr()
    assert shown.out == "a?[31mb\tÄ\n?\n"
    assert shown.err == "c?d\n"


def test_help_offers_the_classifications_there_are() -> None:
    """The written-out names are those of the type."""
    assert set(get_args(ClassificationName)) == set(Classification.__members__)


def test_exit_codes_tell_who_must_act() -> None:
    """As `beleg --help` promises."""
    assert [exit_code(kind("c", "m")) for kind in (Permanent, Refused, Temporary)] == [1, 3, 4]


def test_a_fault_of_ours_shows_its_place_and_not_its_words(capsys: pytest.CaptureFixture[str]) -> None:
    """Messages of libraries quote what they were given, which may be a document."""
    with pytest.raises(ValueError) as caught:
        json.loads("Frau Zwingenberg")
    assert _unforeseen(caught.value) == 70
    shown = capsys.readouterr().err
    assert "JSONDecodeError at tests/unit/beleg/test_terminal.py:" in shown
    assert "Zwingenberg" not in shown
    assert "Traceback" not in shown


def test_a_signal_during_a_run_is_no_fault(capsys: pytest.CaptureFixture[str]) -> None:
    """Prefect raises an exception of its own for it; the process ends with the signal's status, in silence."""

    class Terminated(BaseException):
        signal = 15

    assert _unforeseen(Terminated()) == 143
    assert capsys.readouterr().err == ""
