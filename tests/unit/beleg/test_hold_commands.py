"""`beleg zone add --hold` and `beleg zone publish`, as typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from beleg.cli import app


class Typed:
    """Commands on one folder of state, and a folder to become a zone."""

    def __init__(self, tmp_path: Path) -> None:
        self.home, self.folder = tmp_path / "home", tmp_path / "akten"
        self.folder.mkdir()
        (self.folder / "brief.txt").write_text("Frau Katharina Lindemann wohnt hier.", encoding="utf-8")

    def run(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, list(arguments), env={"BELEG_HOME": str(self.home)})


@pytest.fixture
def typed(tmp_path: Path) -> Typed:
    return Typed(tmp_path)


@pytest.mark.parametrize("by_file", [True, False])
def test_a_new_zone_is_held_by_option_or_by_its_own_file(typed: Typed, by_file: bool) -> None:
    """Everything that shows it says so, and what to do; nothing of it is ingested."""
    if by_file:
        (typed.folder / "zone.yaml").write_text("hold: true\n", encoding="utf-8")
    added = typed.run("zone", "add", str(typed.folder), *(() if by_file else ("--hold",)))
    assert added.exit_code == 0, added.stderr
    assert "beleg zone preview akten" in added.stdout
    assert "beleg ingest" not in added.stdout
    assert typed.run("zone", "list").stdout.rstrip().endswith("(held)")
    (shown,) = json.loads(typed.run("zone", "list", "--json").stdout)
    assert shown["held"] is True
    status = typed.run("zone", "status")
    assert (status.exit_code, "held: waits for its owner" in status.stdout) == (1, True)
    assert "beleg zone publish akten --by NAME" in status.stderr
    told = json.loads(typed.run("zone", "status", "--json").stdout)
    assert [alarm["code"] for alarm in told["akten"]["alarms"]] == ["held"]


def test_an_ingest_says_that_the_zone_is_held(typed: Typed) -> None:
    """Named it is refused; among all it is passed by, with a status that is not 0. No model is loaded for it."""
    typed.run("zone", "add", str(typed.folder), "--hold")
    named = typed.run("ingest", "akten")
    assert (named.exit_code, named.stdout) == (3, "")
    assert "is held" in named.stderr.lower()
    assert "beleg zone publish akten" in named.stderr
    every = typed.run("ingest")
    assert (every.exit_code, "beleg zone publish akten" in every.stdout) == (1, True)
    assert json.loads(typed.run("ingest", "--json").stdout) == {"zones": [], "failed": ["akten"]}
    assert json.loads(typed.run("zone", "status", "--json").stdout)["akten"]["files"] == []


def test_it_is_let_go_once_by_a_name(typed: Typed) -> None:
    """The audit has a row and stays whole; adding the zone again, also with --hold, takes nothing back."""
    typed.run("zone", "add", str(typed.folder), "--hold")
    assert typed.run("zone", "add", str(typed.folder), "--owner", "mia").exit_code == 0
    assert json.loads(typed.run("zone", "list", "--json").stdout)[0]["held"] is True
    nameless = typed.run("zone", "publish", "akten", "--by", " ")
    assert (nameless.exit_code, "--by" in nameless.stderr) == (1, True)
    assert typed.run("zone", "publish", "akten").exit_code == 2
    assert "no zone nie" in typed.run("zone", "publish", "nie", "--by", "W").stderr
    made = typed.run("zone", "publish", "akten", "--by", "A. Weber", "--json")
    assert json.loads(made.stdout)["by"] == "A. Weber"
    again = typed.run("zone", "publish", "akten", "--by", "A. Weber")
    assert (again.exit_code, "published already" in again.stderr) == (1, True)
    assert json.loads(typed.run("audit", "verify", "--json").stdout)["rows"] == 1
    late = typed.run("zone", "add", str(typed.folder), "--hold")
    assert (late.exit_code, "beleg zone remove akten" in late.stderr) == (1, True)
    (typed.folder / "zone.yaml").write_text("hold: true\n", encoding="utf-8")
    assert typed.run("zone", "add", str(typed.folder)).exit_code == 0
    assert json.loads(typed.run("zone", "list", "--json").stdout)[0]["held"] is False


def test_a_preview_of_a_held_zone_says_how_to_let_it_go(typed: Typed) -> None:
    """That is what its owner was sent there for."""
    typed.run("zone", "add", str(typed.folder), "--hold")
    looked = typed.run("zone", "preview", "akten")
    assert looked.exit_code == 0, looked.stderr
    assert "beleg zone publish akten" in looked.stderr
    assert "Lindemann" not in looked.stdout
