"""The commands as typed: JSON alone where a program reads, one sentence and a status where something is wrong."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest
from typer.testing import CliRunner, Result

from beleg.cli import app
from rag.errors import BelegError


class Home:
    """Commands on one folder of state."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *arguments: str, **settings: str) -> Result:
        return CliRunner().invoke(app, list(arguments), env={"BELEG_HOME": str(self.folder), **settings})


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("Beleg für alle") / "home")


@pytest.fixture(scope="module")
def zone(home: Home, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("zone") / "Öffentliche Ordner"
    folder.mkdir()
    (folder / "Ürlaub.md").write_text("# Urlaub\n30 Tage im Jahr.\n", encoding="utf-8")
    added = home.run("zone", "add", str(folder))
    assert added.exit_code == 0, added.stderr
    return folder


@pytest.mark.parametrize(
    "command",
    [
        ("zone", "list"), ("zone", "status"), ("release", "list"), ("audit", "verify"), ("key", "list"),
        ("key", "create", "--tenant", "default"), ("doctor",),
    ],
)  # fmt: skip
def test_json_is_all_that_a_program_reads(home: Home, zone: Path, command: tuple[str, ...]) -> None:
    """One document on stdout and nothing else."""
    json.loads(home.run(*command, "--json").stdout)


def test_a_zone_keeps_the_name_of_its_folder(home: Home, zone: Path) -> None:
    """Umlauts included; classifications are names, as they are typed."""
    (shown,) = json.loads(home.run("zone", "list", "--json").stdout)
    assert shown["name"] == "öffentliche-ordner"
    assert shown["url"] == str(zone)
    assert shown["classification"] == "internal"


@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        (("zone", "add", "/does/not/exist"), 1, "is not a folder. Name the folder"),
        (("zone", "add", __file__), 1, "is not a folder"),
        (("zone", "add", ".", "--classification", "secret"), 2, "highly_confidential"),
        (("zone", "status", "handbuhc"), 1, "no zone handbuhc. Zones: öffentliche-ordner"),
        (("ingest", "handbuhc"), 1, "no zone handbuhc. Zones: öffentliche-ordner"),
        (("ask", "  "), 1, "question is empty"),
        (("ask", "Wer?", "--as-of", "gestern"), 1, "Write a day like 2026-03-01"),
        (("ask", "Wer?", "--as-of", "2999-01-01"), 1, "lies in the future"),
        (("ask", "Wer?", "--use-case", "nope"), 1, "no use case nope. Use one of assistant"),
        (("ask", "Wer?", "--clearance", "top"), 2, "not one of"),
        (("release", "promote", "assistant-77"), 1, "no release assistant-77. See `beleg release list`"),
        (("release", "rollback"), 3, "no earlier release"),
        (("release", "create", "--use-case", "nope"), 1, "no use case nope"),
        (("eval", "run", "--release", "assistant-77"), 1, "no release assistant-77"),
        (("eval", "run", "--questions", "/does/not/exist"), 1, "/does/not/exist cannot be read"),
        (("eval", "run", "--split", "nope"), 1, "no questions of the split nope"),
        (("audit", "explain", "req_0"), 1, "no audit row for req_0"),
        (("audit", "explain", "req_0", "--language", "fr"), 2, "not one of"),
        (("key", "create", "--tenant", "default", "--role", "boss"), 2, "not one of"),
        (("key", "create", "--tenant", " "), 1, "tenant is empty"),
        (("key", "revoke", "0"), 1, "no key with this id"),
    ],
)
def test_wrong_input_is_one_sentence(home: Home, zone: Path, command: tuple[str, ...], status: int, said: str) -> None:
    """With a status that means something, nothing on stdout and no traceback."""
    result = home.run(*command)
    assert result.exit_code == status, result.stderr
    assert said in " ".join(result.stderr.replace("│", " ").split())
    assert not result.stdout
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"BELEG_HOME": __file__}, "cannot be written: File exists. Set BELEG_HOME"),
        ({"BELEG_HOME": f"{__file__}/home"}, "cannot be written: Not a directory. Set BELEG_HOME"),
        ({"BELEG_PORTT": "8600"}, "Unknown setting BELEG_PORTT"),
        ({"BELEG_PORT": "many"}, "BELEG_PORT"),
    ],
)
@pytest.mark.parametrize("command", [("zone", "list"), ("ingest",), ("key", "list"), ("ask", "Wer?")])
def test_wrong_settings_are_one_sentence(
    home: Home, command: tuple[str, ...], settings: dict[str, str], said: str
) -> None:
    """Whatever was to be done."""
    result = home.run(*command, **settings)
    assert (result.exit_code, result.stdout) == (1, "")
    assert said in result.stderr
    assert result.stderr.count("\n") == 1


@pytest.fixture
def taken_port() -> Iterator[str]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield str(other.getsockname()[1])


@pytest.mark.parametrize("command", ["up", "demo", "serve"])
def test_nothing_is_made_or_shown_before_a_start_can_work(tmp_path: Path, taken_port: str, command: str) -> None:
    """Keys that are shown once must not scroll away above an error."""
    result = Home(tmp_path).run(command, BELEG_PORT=taken_port)
    assert isinstance(result.exception, BelegError)
    assert f"Port {taken_port} is taken" in str(result.exception)
    assert not result.stdout
    assert not (tmp_path / "beleg.sqlite").exists()


def test_a_start_with_a_broken_policy_is_told_before_any_process_starts(tmp_path: Path) -> None:
    """Else the reason would stand in the log of a child."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    result = Home(tmp_path / "home").run("serve", BELEG_PORT=port, BELEG_POLICIES=str(tmp_path / "nowhere"))
    assert result.exit_code == 1
    assert "policy folder holds no Rego file" in result.stderr
    assert not result.stdout


def test_doctor_names_what_is_wrong_and_how_to_mend_it(home: Home, taken_port: str) -> None:
    """A taken port with its setting; what is in order needs no advice; missing NER weights are no fault."""
    result = home.run("doctor", "--json", BELEG_PORT=taken_port)
    found = {check["name"]: check for check in json.loads(result.stdout)}
    assert result.exit_code == 1
    assert found[f"port {taken_port}"]["mend"] == "Set BELEG_PORT to a free port."
    assert all(bool(check["mend"]) != check["ok"] for check in found.values())
    assert found["guard"]["ok"]
    assert "without NER weights" in found["guard"]["finding"]


def test_doctor_goes_on_after_a_fault() -> None:
    """A home that cannot be written is one finding among the others."""
    result = Home(Path(__file__)).run("doctor", "--json")
    found = {check["name"]: check for check in json.loads(result.stdout)}
    assert not found["folder"]["ok"]
    assert not found["database"]["ok"]
    assert found["policies"]["ok"]


def test_a_zone_whose_folder_is_gone_is_not_in_order(tmp_path: Path) -> None:
    """Its status says where the folder was, and the status of the command is not 0."""
    own, folder = Home(tmp_path / "home"), tmp_path / "notizen"
    folder.mkdir()
    added = own.run("zone", "add", str(folder))
    assert "The folder is empty" in added.stdout
    assert "its folder is empty" in own.run("zone", "status").stdout
    folder.rmdir()
    gone = own.run("zone", "status", "--json")
    told = json.loads(gone.stdout)
    assert (gone.exit_code, list(told), told["notizen"]["files"]) == (1, ["notizen"], [])
    assert str(folder) in gone.stderr


def test_chunk_rules_of_a_zone(tmp_path: Path) -> None:
    """The table, its origins, the cut that follows; what no model reads is refused before it is on record."""
    own, folder = Home(tmp_path / "home"), tmp_path / "zone"
    folder.mkdir()
    (folder / "a.md").write_text(
        "# Titel\n\n" + "\n\n".join(["Ein Absatz mit einigen Wörtern darin."] * 12), encoding="utf-8"
    )
    whole = json.loads(own.run("chunk", "show", str(folder / "a.md"), "--json").stdout)
    assert own.run("zone", "add", str(folder), "--chunking", "prose.merges=false").exit_code == 0
    cut = json.loads(own.run("chunk", "show", str(folder / "a.md"), "--json").stdout)
    assert len(whole) < len(cut) == 12
    told = own.run("chunk", "rules", "--zone", "zone")
    assert "prose.merges = no: zone zone" in told.stdout
    assert "All of it is built in." in own.run("chunk", "rules").stdout
    rows = {row["kind"]: row for row in json.loads(own.run("chunk", "rules", "--zone", "zone", "--json").stdout)}
    assert {cell["key"]: cell["value"] for cell in rows["prose"]["cells"]}["merges"] is False
    table = tmp_path / "rules.yaml"
    table.write_text("slides: {target: 60}\n", encoding="utf-8")
    assert f"slides.target = 60: {table}" in own.run("chunk", "rules", BELEG_CHUNKING=str(table)).stdout
    refused = own.run("zone", "add", str(folder), "--chunking", "prose.most=240")
    assert (refused.exit_code, "254 tokens" in refused.stderr) == (1, True)
    assert own.run("chunk", "rules", "--zone", "none").exit_code == 1
    assert own.run("chunk", "rules", BELEG_CHUNKING=str(tmp_path / "none")).exit_code == 1


def test_a_preview_shows_what_would_be_searched_and_writes_nothing(tmp_path: Path) -> None:
    """Masked as it would be, harmless as a page, for a folder that is no zone yet."""
    own, folder = Home(tmp_path / "home"), tmp_path / "akten"
    folder.mkdir()
    (folder / "<b>brief.txt").write_text("Frau Katharina Lindemann wohnt hier. <script>x</script>", encoding="utf-8")
    (folder / "leer.txt").write_text("", encoding="utf-8")
    page = tmp_path / "preview.html"
    looked = own.run("zone", "preview", str(folder), "--page", str(page), "--json")
    assert looked.exit_code == 1  # one of them would not be searched
    fates = {one["path"]: one["fate"] for one in json.loads(looked.stdout)}
    assert fates == {"<b>brief.txt": "indexed, masked", "leer.txt": "quarantined"}
    shown = page.read_text(encoding="utf-8")
    assert "<mark>PERSON</mark>" in shown
    assert "Lindemann" not in shown + looked.stdout
    assert "<script>" not in shown
    assert "<b>" not in shown
    assert json.loads(own.run("zone", "list", "--json").stdout) == []
    assert not (tmp_path / "home" / "index" / "working").exists()


def test_a_file_is_shown_as_it_is_cut(zone: Path, home: Home, tmp_path: Path) -> None:
    """Headings, place and tokens for people, chunks for programs; what is no file is one sentence."""
    told = home.run("chunk", "show", str(zone / "Ürlaub.md"))
    assert told.exit_code == 0
    assert "30 Tage im Jahr." in told.stdout
    assert "--- 1: characters 0 to" in told.stdout
    (cut,) = json.loads(home.run("chunk", "show", str(zone / "Ürlaub.md"), "--json").stdout)
    assert cut["zone"] == "öffentliche-ordner"
    assert home.run("chunk", "show", str(tmp_path)).exit_code == 1


@pytest.mark.parametrize("wrong", [("",), (" ",), (".", "--tenant", ""), (".", "--name", " ")])
def test_an_unset_variable_adds_no_zone(home: Home, wrong: tuple[str, ...]) -> None:
    """`beleg zone add "$DIR"` must not index the folder that a script stands in."""
    before = home.run("zone", "list", "--json").stdout
    refused = home.run("zone", "add", *wrong)
    assert (refused.exit_code, "is empty" in refused.stderr) == (1, True)
    assert home.run("zone", "list", "--json").stdout == before


def test_documents_are_forgotten_only_when_meant(home: Home, zone: Path) -> None:
    """An unknown one is a sentence; the status of a receipt says whether there is one."""
    unknown = home.run("document", "forget", "öffentliche-ordner", "nie.txt", "--reason", "x", "--yes")
    assert unknown.exit_code == 1
    assert isinstance(unknown.exception, SystemExit)
    assert "has never held nie.txt" in unknown.stderr
    assert home.run("document", "receipt", "niemand", "nie.txt").exit_code == 1
    assert json.loads(home.run("document", "verify", "--json").stdout) == {
        "verified": [], "still_there": [], "changed": [],
    }  # fmt: skip


def test_only_what_the_guard_held_back_is_judged(home: Home, zone: Path) -> None:
    """With a name and a reason; an empty queue is in order."""
    assert json.loads(home.run("review", "list", "--json").stdout) == []
    assert home.run("review", "list").exit_code == 0
    unnamed = home.run("review", "release", "öffentliche-ordner", "nie.txt", "--by", " ", "--reason", "x")
    assert (unnamed.exit_code, "needs a name and a reason" in unnamed.stderr) == (1, True)
    unknown = home.run("review", "reject", "öffentliche-ordner", "nie.txt", "--by", "W", "--reason", "x")
    assert "has never held nie.txt" in unknown.stderr


def test_a_store_becomes_a_zone_by_its_address(tmp_path: Path) -> None:
    """Its own settings count; what is no object store, and one that holds nothing, are a sentence each."""
    store = fsspec.filesystem("memory")
    store.pipe_file("/cmds/akten/zone.yaml", b"classification: confidential\n")
    store.pipe_file("/cmds/akten/a.txt", b"x")
    own = Home(tmp_path / "home")
    assert own.run("zone", "add", "memory://cmds/akten/").exit_code == 0
    (shown,) = json.loads(own.run("zone", "list", "--json").stdout)
    assert (shown["name"], shown["url"], shown["classification"]) == ("akten", "memory://cmds/akten", "confidential")
    assert "cannot be opened here" in own.run("zone", "add", "http://127.0.0.1/x").stderr
    empty = own.run("zone", "add", "memory://cmds/nothing")
    assert (empty.exit_code, "holds nothing at all" in empty.stderr) == (4, True)
