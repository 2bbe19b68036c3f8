"""`beleg dlp`, as typed: what the guard finds in a text, and why; how much of what is marked in many."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from beleg.cli import app

LETTER = "Sehr geehrte Frau Dr. Anna Lindemann,\nIhre IBAN ist DE89 3704 0044 0532 0130 00.\n"


class Typed:
    """Commands on one folder of state."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *arguments: str, stdin: str | bytes | None = None, command: str = "test") -> Result:
        return CliRunner().invoke(
            app, ["dlp", command, *arguments], input=stdin, env={"BELEG_HOME": str(self.folder / "home")}
        )


@pytest.fixture
def typed(tmp_path: Path) -> Typed:
    return Typed(tmp_path)


def test_a_file_is_told_finding_by_finding(typed: Typed) -> None:
    """Each with its place, what found it and how sure that is; then what would pass."""
    letter = typed.folder / "brief.txt"
    letter.write_text(LETTER, encoding="utf-8")
    told = typed.run(str(letter), "--json")
    assert told.exit_code == 0, told.stderr
    look = json.loads(told.stdout)
    assert look["decision"]["rule"] == "dlp.pii"
    places = {one["entity"]: one for one in look["places"]}
    assert (places["PERSON"]["line"], places["PERSON"]["column"], places["PERSON"]["text"]) == (1, 23, "Anna Lindemann")
    assert (places["IBAN_CODE"]["line"], places["IBAN_CODE"]["recognizer"]) == (2, "presidio.Iban")
    assert "Frau Dr. <PERSON>" in look["passes"]
    shown = typed.run(str(letter)).stdout
    assert "redact by rule dlp.pii" in shown
    assert "name.title" in shown


def test_a_question_is_read_from_stdin_and_its_policy_is_the_input_s(typed: Typed) -> None:
    blocked = typed.run(
        "-", "--direction", "input", stdin="Frau Anna Lindemann hat Diabetes mellitus und nimmt Metformin."
    )
    assert blocked.exit_code == 1
    assert "block by rule dlp." in blocked.stdout
    assert blocked.stdout.rstrip().endswith("Nothing would pass.")


@pytest.mark.parametrize(
    ("arguments", "stdin", "told"),
    [
        (("nowhere.txt",), None, "is no file"),
        (("-",), b"\xff\xfe\x00\x01", "no text in UTF-8"),
        (("-", "--use-case", "nobody"), "Hallo.", "There is no use case nobody"),
    ],
)
def test_what_cannot_be_looked_at_is_told(
    typed: Typed, arguments: tuple[str, ...], stdin: str | bytes | None, told: str
) -> None:
    result = typed.run(*arguments, stdin=stdin)
    assert (result.exit_code, result.stdout) == (1, "")
    assert told in result.stderr


def test_an_empty_text_passes(typed: Typed) -> None:
    assert json.loads(typed.run("-", "--json", stdin="").stdout)["places"] == []


def test_nothing_is_kept(typed: Typed) -> None:
    """What was looked at is in no file of the instance."""
    typed.run("-", "--direction", "input", stdin=LETTER)
    kept = [path for path in typed.folder.rglob("*") if path.is_file() and b"Lindemann" in path.read_bytes()]
    assert kept == []


MARKED = (
    '{"id": "1", "language": "de", "text": "Frau Anna Lindemann rief an.", "spans": [{"start": 5, "end": 19, "entity": "PERSON"}]}\n'
    '{"id": "2", "language": "en", "split": "test", "text": "The pump runs.", "spans": []}\n'
)


def test_marked_texts_are_told_as_precision_and_recall(typed: Typed) -> None:
    """For all and for each language; one half alone where that is asked for."""
    marked = typed.folder / "marked.jsonl"
    marked.write_text(MARKED, encoding="utf-8")
    told = json.loads(typed.run(str(marked), "--json", command="eval").stdout)
    assert sorted(told) == ["all", "de", "en"]
    assert told["all"]["types"]["PERSON"]["recall"] == told["de"]["types"]["all"]["f2"] == 1.0
    assert (told["en"]["clean_sentences"], told["en"]["touched_sentences"]) == (1, 0)
    shown = typed.run(str(marked), "--split", "test", command="eval").stdout
    assert "all: 1 texts" in shown
    assert "PERSON" not in shown


def test_a_bad_file_of_marked_texts_is_told(typed: Typed) -> None:
    (typed.folder / "marked.jsonl").write_text("{}", encoding="utf-8")
    result = typed.run(str(typed.folder / "marked.jsonl"), command="eval")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "line 1" in result.stderr
