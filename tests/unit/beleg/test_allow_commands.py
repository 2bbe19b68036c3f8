"""The allow-list as typed: on record, with an end, never showing what it allows."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from beleg.allowing import end_of
from beleg.cli import app
from rag.compose import open_state
from rag.errors import Permanent
from rag.settings import read_settings
from rag.types import AuditRow, Entry, Receipt, Sighting, State, now

LETTER = "Studie der Hildegard Brenner Stiftung.\nDiagnose: Diabetes mellitus (E11.90), Ramipril 5 mg 1-0-0.\n"
NAMES = ("Hildegard Brenner", "Brenner")
UNTIL = f"{now() + timedelta(days=30):%Y-%m-%d}"
WHO = ("--by", "A. Weber", "--reason", "A foundation.")
SWITCHBOARD = ("allow", "add", "--type", "PHONE_NUMBER", "--pattern", "+49 761 4455*", *WHO, "--until", UNTIL)


class Home:
    """Commands on one folder of state, with a zone in which a document is held back."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.zone = folder / "home", folder / "studien"
        self.zone.mkdir()
        (self.zone / "studie.txt").write_text(LETTER, encoding="utf-8")
        assert self.run("zone", "add", str(self.zone), "--tenant", "acme").exit_code == 0
        asyncio.run(self._hold_back())

    def run(self, *arguments: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(app, list(arguments), env={"BELEG_HOME": str(self.folder)}, input=stdin)

    async def _hold_back(self) -> None:
        async with open_state(read_settings(home=self.folder)) as state:
            receipt = Receipt(
                zone="studien", path="studie.txt", document_id="d", version="v", state=State.quarantined,
                code="contains_patient_data", counts={"PERSON": 1},
            )  # fmt: skip
            sighting = Sighting(zone="studien", path="studie.txt", size=1, modified_at=now(), etag="e")
            await state.ledger.record(Entry(receipt=receipt, fingerprint="f", sighting=sighting, recorded_at=now()))

    def audit(self) -> list[AuditRow]:
        async def rows() -> list[AuditRow]:
            async with open_state(read_settings(home=self.folder)) as state:
                return await state.audit.rows()

        return asyncio.run(rows())


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("allow"))


@pytest.mark.parametrize(
    ("changed", "status", "said"),
    [
        (("--until", "2020-01-01"), 1, "in the past"), (("--until", "tomorrow"), 1, "no day"),
        (("--until", "9998-12-31"), 1, "at most 366 days"), (("--until", "0000-00-00"), 1, "no day"),
        (("--type", "phone"), 1, "no type of finding"), (("--type", "IBAN_CODE"), 1, "text by text"),
        (("--type", "PERSON"), 1, "can name people"), (("--pattern", "***"), 1, "at least 4"),
        (("--text", "x", "--pattern", "+49 761 4455*"), 1, "either --text or --pattern"),
        (("--zone", "nope"), 1, "no zone nope"), (("--zone", "studien", "--tenant", "other"), 1, "no zone studien"),
        (("--zone", "studien", "--also-answers"), 1, "comes in"),
        (("--by", ""), 1, "a name and a reason"), (("--reason", "It is +49 761 4455*."), 1, "repeats"),
        (("--approved-by", "a. weber"), 1, "second person"),
    ],
)  # fmt: skip
def test_wrong_input_is_one_sentence(home: Home, changed: tuple[str, ...], status: int, said: str) -> None:
    """With what to do instead, and nothing on record."""
    result = home.run(*SWITCHBOARD, *changed)
    assert result.exit_code == status, result.stderr
    assert said in result.stderr
    assert json.loads(home.run("allow", "list", "--all", "--json").stdout) == []


def test_nothing_to_allow_is_told(home: Home) -> None:
    """Neither a text nor a pattern; an entry that nobody knows."""
    assert "either --text or --pattern" in home.run("allow", "add", "--type", "PERSON", *WHO, "--until", UNTIL).stderr
    for command in (("approve", "nope", "--by", "B"), ("revoke", "nope", *WHO)):
        assert "no such entry" in home.run("allow", *command).stderr


def test_from_the_finding_to_the_entry_and_back(home: Home) -> None:
    """A steward marks what the guard found by its number; the text is neither typed, shown, kept nor in the audit."""
    found = json.loads(home.run("review", "findings", "studien", "studie.txt", "--json").stdout)
    assert {one["type"] for one in found} == {"PERSON"}
    number = str(found[0]["number"])
    entry = ("review", "allow", "studien", "studie.txt", "--finding", number, *WHO, "--until", UNTIL)
    assert "no number 99" in home.run(*entry[:5], "99", *entry[6:]).stderr
    supposed = json.loads(home.run(*entry, "--dry-run", "--json").stdout)
    assert json.loads(home.run("allow", "list", "--json").stdout) == []
    assert [change["path"] for change in supposed] == ["studie.txt"]
    assert "ALLOWED" not in supposed[0]["after"]
    added = home.run(*entry)
    assert added.exit_code == 0, added.stderr
    (listed,) = json.loads(home.run("allow", "list", "--tenant", "acme", "--json").stdout)
    assert (listed["tenant"], listed["zone"], listed["directions"]) == ("acme", "studien", ["ingest"])
    approved = home.run("allow", "approve", listed["id"], "--by", "B. Kurz")
    assert "approved by B. Kurz" in approved.stdout
    assert "B. Kurz" in home.run("allow", "list").stdout
    revoked = home.run("allow", "revoke", listed["id"], *WHO)
    assert revoked.exit_code == 0, revoked.stderr
    assert "Nothing is allowed" in home.run("allow", "list").stdout
    assert "revoked" in home.run("allow", "list", "--all").stdout
    rows = [row.action for row in home.audit() if row.action.startswith("allow.")]
    assert rows == ["allow.revoke", "allow.approve", "allow.add"]
    stored = b"".join(path.read_bytes() for path in home.folder.glob("beleg.sqlite*")).decode(errors="replace")
    told = added.output + approved.output + revoked.output + json.dumps(found) + repr(home.audit()) + stored
    assert not [name for name in NAMES if name in told]


def test_a_text_may_come_by_stdin(home: Home) -> None:
    """So that it stands in no history of a shell; the key that seals it is its owner's alone."""
    entry = ("allow", "add", "--type", "PERSON", "--text", "-", "--tenant", "acme", *WHO, "--until", UNTIL, "--json")
    added = home.run(*entry, "--also-answers", stdin="Hildegard Brenner\n")
    made = json.loads(added.stdout)
    assert made["kind"] == "text"
    assert made["directions"] == ["ingest", "input", "output"]
    assert "Brenner" not in added.output
    key = home.folder / "keys" / "allow-list.key"
    assert key.stat().st_mode & 0o077 == 0
    again = json.loads(home.run(*entry, "--also-answers", stdin="HILDEGARD  BRENNER").stdout)
    assert (again["id"], again["version"]) == (made["id"], 2)


def test_a_damaged_key_is_told(tmp_path: Path) -> None:
    """Nothing is sealed by half a key."""
    home = Home(tmp_path)
    (home.folder / "keys").mkdir(exist_ok=True)
    (home.folder / "keys" / "allow-list.key").write_bytes(b"short")
    told = home.run("allow", "add", "--type", "PERSON", "--text", "Brenner", *WHO, "--until", UNTIL)
    assert told.exit_code == 1
    assert "allow-list.key is damaged" in told.stderr


@pytest.mark.parametrize(
    ("until", "end"),
    [("2027-03-31", "2027-04-01T00:00:00+00:00"), ("2027-03-31T12:00", "2027-03-31T12:00:00+00:00"), ("2027-03-31T12:00+02:00", "2027-03-31T10:00:00+00:00")],
)  # fmt: skip
def test_a_day_ends_with_its_last_second(until: str, end: str) -> None:
    """In UTC, unless an offset says otherwise."""
    assert end_of(until).isoformat() == end
    with pytest.raises(Permanent):
        end_of(f"{until}x")
