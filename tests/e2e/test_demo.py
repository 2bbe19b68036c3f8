"""The newcomer's way, on the real thing: `beleg demo`, then what data owners and operators do next."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.instance import RunningInstance, wait_until

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningInstance]:
    instance = RunningInstance(home=tmp_path_factory.mktemp("demo") / "home")
    instance.start("demo", until="Done after")
    yield instance
    if instance.process and instance.process.poll() is None:
        instance.stop()


@pytest.fixture(scope="module")
def own_zone(demo: RunningInstance, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("zone") / "notizen"
    folder.mkdir()
    added = demo.command("zone", "add", str(folder))
    assert added.returncode == 0, added.stderr
    return folder


def test_the_demo_answers_with_citations(demo: RunningInstance) -> None:
    """Two questions are answered with quotes, one is honestly not."""
    assert demo.output.count("  Q: ") == 3
    assert demo.output.count("[1]") >= 4  # a marker in the answer and a line of evidence, twice
    assert "Prefect UI" in demo.output
    assert "MLflow UI" in demo.output


def test_runs_are_visible_in_prefect_by_names_people_understand(demo: RunningInstance) -> None:
    """Each zone's ingest is a completed flow run that tells zone and counts, and each step a task of it, in order."""
    prefect = f"http://127.0.0.1:{demo.ports[1]}/api"
    runs = httpx.post(f"{prefect}/flow_runs/filter", json={}, timeout=120).json()
    done = {run["name"]: run["id"] for run in runs if run["state_type"] == "COMPLETED"}
    assert any(re.fullmatch(r"handbuch: \d+ new", name) for name in done), done
    (klinik,) = (id_ for name, id_ in done.items() if re.match(r"klinik: \d+ new", name))
    chosen = {"flow_runs": {"id": {"any_": [klinik]}}, "sort": "EXPECTED_START_TIME_ASC"}
    tasks = httpx.post(f"{prefect}/task_runs/filter", json=chosen, timeout=120).json()
    order = [task["name"].split(" files ")[0] for task in sorted(tasks, key=lambda task: str(task["start_time"]))]
    first_batch = ["list zone", "parse", "clear", "chunk", "embed", "index"]
    assert order[: len(first_batch)] == first_batch
    assert order[-1] == "publish"


def test_a_dropped_file_is_answered_without_a_restart(demo: RunningInstance, own_zone: Path) -> None:
    """From drop to cited answer while API and ingest run; and gone again after its deletion."""
    key = demo.key(tenant="default")
    question = "How long does the Zephyr gasket last?"
    (own_zone / "stays.txt").write_text("The warehouse opens at seven.\n", encoding="utf-8")  # an emptied zone waits
    path = own_zone / "gasket.txt"
    path.write_text(
        "The Zephyr gasket lasts 4,711 operating hours and is then replaced by the service team.\n", encoding="utf-8"
    )
    wait_until(lambda: "4,711" in _text(demo.ask(key, question)))
    path.unlink()
    wait_until(lambda: "4,711" not in _text(demo.ask(key, question)))


def test_a_held_zone_is_answered_from_only_after_its_owner_has_published_it(
    demo: RunningInstance, own_zone: Path, tmp_path: Path
) -> None:
    """What is dropped later elsewhere is answered, it is not; let go on the page's address, it is within seconds."""
    user, owner = demo.key(tenant="default"), demo.key(tenant="default", role="owner")
    question = "How long does the Boreas coupling last?"
    (tmp_path / "neu").mkdir()
    (tmp_path / "neu" / "coupling.txt").write_text(
        "The Boreas coupling lasts 8,123 operating hours and is then replaced by the service team.\n", encoding="utf-8"
    )
    assert demo.command("zone", "add", str(tmp_path / "neu"), "--hold").returncode == 0
    (own_zone / "seal.txt").write_text("The Notus seal lasts 5,242 operating hours in the field.\n", encoding="utf-8")
    wait_until(lambda: "5,242" in _text(demo.ask(user, "How long does the Notus seal last?")))
    assert "8,123" not in _text(demo.ask(user, question))
    assert json.loads(demo.command("zone", "status", "neu", "--json").stdout)["neu"]["files"] == []
    refused = demo.command("ingest", "neu")
    assert (refused.returncode, "beleg zone publish neu" in refused.stderr) == (3, True)
    address, header = f"{demo.url}/v1/zones/neu", {"Authorization": f"Bearer {owner}"}
    seen = httpx.get(f"{address}/preview", headers=header, timeout=60).json()
    assert [one["path"] for one in seen["files"]] == ["coupling.txt"]
    assert httpx.post(f"{address}/publish", headers=header, timeout=120).status_code == 201
    wait_until(lambda: "8,123" in _text(demo.ask(user, question)))


def test_a_run_is_started_from_prefect_for_the_deployment_of_a_zone(demo: RunningInstance) -> None:
    """Every zone has one to ingest and one to report; a run that Prefect's UI would start is executed by the warm process,
    and leaves its tables.
    """
    prefect = f"http://127.0.0.1:{demo.ports[1]}/api"
    for flow in ("ingest", "weekly%20report"):
        address = f"{prefect}/deployments/name/{flow}/handbuch"
        wait_until(lambda at=address: httpx.get(at, timeout=120).json()["status"] == "READY")
        deployment = httpx.get(address, timeout=120).json()
        run = _asked(prefect, deployment["id"])
        wait_until(lambda of=run: _state(prefect, of) == "COMPLETED")
    artifacts = httpx.post(f"{prefect}/artifacts/latest/filter", json={}, timeout=120).json()
    expected = {f"{kind}-handbuch" for kind in ("zone", "links", "status", "report", "week")}
    assert expected <= {artifact["key"] for artifact in artifacts}


def test_a_rollback_takes_effect_in_the_running_api(demo: RunningInstance, tmp_path: Path) -> None:
    """Create and promote a release, see it in an answer within 2 s, roll back, see the old one."""
    key = demo.key(tenant="aurelia")
    first = demo.ask(key, "Was ist E-33?")["beleg"]["release"]
    shutil.copytree(ROOT / "usecases", tmp_path / "usecases")
    prompt = tmp_path / "usecases" / "assistant" / "prompt.md"
    prompt.write_text(prompt.read_text(encoding="utf-8") + "\n- Be brief.\n", encoding="utf-8")
    demo.environment["BELEG_USE_CASES"] = str(tmp_path / "usecases")
    created = demo.command("release", "create", "--json")
    del demo.environment["BELEG_USE_CASES"]
    assert created.returncode == 0, created.stderr
    second = json.loads(created.stdout)["name"]
    assert second != first
    assert demo.command("release", "promote", second).returncode == 3  # never evaluated: refused
    promoted = demo.command("release", "promote", second, "--why", "a test", "--unevaluated")
    assert promoted.returncode == 0, promoted.stderr
    wait_until(lambda: demo.ask(key, "Was ist E-33?")["beleg"]["release"] == second)
    assert demo.command("release", "rollback", "--why", "a test").returncode == 0
    wait_until(lambda: demo.ask(key, "Was ist E-33?")["beleg"]["release"] == first)


def test_the_audit_verifies_and_explains(demo: RunningInstance) -> None:
    """The chain is whole, and an answer is explained from its id alone."""
    given = demo.ask(demo.key(tenant="aurelia"), "Unsere Zentrifuge zeigt E-33 an. Was sollen wir tun?")
    assert demo.command("audit", "verify").returncode == 0
    told = demo.command("audit", "explain", given["id"])
    assert told.returncode == 0, told.stderr
    assert given["beleg"]["release"] in told.stdout


def test_no_planted_personal_data_is_kept_anywhere(demo: RunningInstance) -> None:
    """Logs, audit, databases, index, Prefect's and MLflow's stores hold none of the samples' personal data."""
    secret = "max.geheimnis@privat-postfach.example"
    key = demo.key(tenant="aurelia", clearance="confidential")
    demo.ask(key, f"Meine Adresse ist {secret}, IBAN DE89370400440532013000: wie viele Urlaubstage habe ich?")
    for database in demo.home.rglob("*.sqlite"):
        sqlite3.connect(database).execute("PRAGMA wal_checkpoint")
    needles = [secret.encode(), b"DE89370400440532013000", *_planted()]
    guilty = [
        (str(path.relative_to(demo.home)), needle)
        for path in demo.home.rglob("*")
        if path.is_file()
        for needle in needles
        if needle in path.read_bytes()
    ]
    assert not guilty


def test_ctrl_c_stops_everything(demo: RunningInstance) -> None:
    """No child outlives the command."""
    demo.stop()
    wait_until(lambda: not demo.children())


def _planted() -> list[bytes]:
    """The personal data of the samples: addresses of mail and bank accounts in the two documents that hold any."""
    texts = "\n".join(
        p.read_text(encoding="utf-8") for p in (ROOT / "samples" / "texts").rglob("*.md") if p.stem in _PERSONAL
    )
    found = re.findall(r"[\w.+-]+@[\w.-]+\w|DE\d{2}(?: ?\d{4}){4} ?\d{2}|\b[A-Z]\d{9}\b", texts)
    assert len(found) >= 2, "the samples hold no personal data to look for"
    return [text.encode() for text in found]


_PERSONAL = {"vermerk-standortumzug-jena", "entlassbrief-muster"}


def _asked(prefect: str, deployment: str) -> str:
    """The run that somebody asks for, who presses again when the server's database was busy for too long."""
    replies: list[httpx.Response] = []

    def is_taken() -> bool:
        replies.append(httpx.post(f"{prefect}/deployments/{deployment}/create_flow_run", json={}, timeout=120))
        return replies[-1].status_code == 201

    wait_until(is_taken, every_s=2)
    return str(replies[-1].json()["id"])


def _state(prefect: str, run: str) -> str:
    return str(httpx.get(f"{prefect}/flow_runs/{run}", timeout=120).json()["state_type"])


def _text(body: dict) -> str:
    return str(body["choices"][0]["message"]["content"])
