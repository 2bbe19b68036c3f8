"""A hostile user, a hostile drop zone, a full disk, a broken policy and `kill -9`, tried on a whole running instance."""

from __future__ import annotations

import io
import json
import os
import random
import signal
import socket
import sys
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.besieged import WHARF, Besieged
from tests.e2e.instance import PATIENCE_S, wait_until

CHAT = "/v1/chat/completions"
CRANE = ("Wie viel hebt der Hafenkran Nordstern?", "63 Tonnen")


def said(text: object, **more: object) -> dict[str, object]:
    return {"model": "assistant", "messages": [{"role": "user", "content": text}], **more}


def raw(text: str) -> bytes:
    return json.dumps(said("MARKE")).replace("MARKE", text).encode()


def require_error(reply: httpx.Response, status: int, code: str | None = None) -> None:
    """OpenAI's shape, and nothing of what was sent."""
    assert reply.status_code == status, reply.text[:300]
    error = reply.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert code in {None, error["code"]}, error
    assert "Traceback" not in reply.text


# --- at the HTTP door -------------------------------------------------------------------------------------------

REQUESTS: dict[str, tuple[bytes | dict[str, Any], int, str | None]] = {
    "unknown use case": (said("x") | {"model": "gpt-4o"}, 404, "model_not_found"),
    "use case of another tenant": (said("x") | {"model": "produkt-hilfe"}, 404, "model_not_found"),
    "use case with a path": (said("x") | {"model": "../assistant"}, 404, "model_not_found"),
    "1 MB": (said("x" * 1_000_000), 413, "body_too_large"),
    "100,000 messages": (said("x") | {"messages": [{"role": "user", "content": "a"}] * 100_000}, 413, "body_too_large"),
    "250 messages": (said("x") | {"messages": [{"role": "user", "content": "a"}] * 250}, 413, "conversation_too_long"),
    "a long question": (said("x" * 9_000), 413, "question_too_long"),
    "empty": (said(""), 400, "empty_question"),
    "blanks": (said(" \t\r\n\u00a0\u2003"), 400, "empty_question"),
    "control characters": (said("\x00\x07\x1b\x7f"), 400, "empty_question"),
    "invisible": (said("\u200b\ufeff\u202e"), 400, "empty_question"),
    "no body": (b"", 400, None),
    "half an object": (b'{"model": "assi', 400, "invalid_json"),
    "another encoding": (raw("für").replace("ü".encode(), b"\xfc"), 400, "invalid_json"),
    "half a character": (raw("\\ud800"), 400, "invalid_request"),
    "nested without end": (b"[" * 100_000, 400, "invalid_json"),
    "a list": (b"[]", 400, "invalid_request"),
    "null": (b"null", 400, "invalid_request"),
    "messages as text": (said("x") | {"messages": "x"}, 400, "invalid_request"),
    "messages of numbers": (said("x") | {"messages": [1]}, 400, "invalid_request"),
    "content as number": (said(7), 400, "invalid_request"),
    "content as object": (said({"text": "x"}), 400, "invalid_request"),
    "an image": (said([{"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}]), 400, "unsupported_content"),
    "stream as text": (said("x", stream="for sure"), 400, "invalid_request"),
    "no limit": (raw('x", "max_tokens": 1e400, "y": "').replace(b'"}]', b""), 400, None),
    "a negative limit": (said("x", max_tokens=-1), 400, "invalid_request"),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_bad_request_is_told_so(house: Besieged, name: str) -> None:
    """Whatever is sent: the right status and code, in OpenAI's shape."""
    sent, status, code = REQUESTS[name]
    body = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
    require_error(house.post(CHAT, WHARF, content=body, headers={"content-type": "application/json"}), status, code)


@pytest.mark.parametrize(
    "value", [None, "", "Bearer", "Bearer x", "Basic eDp5", "bearer blg_1_2", "Bearer " + "x" * 5000, "Bearer blg_ä"]
)
def test_without_a_key_nobody_gets_in(house: Besieged, value: str | None) -> None:
    """No key, another scheme, a wrong or broken key: 401, and no word of what there is."""
    headers = {} if value is None else {"authorization": value.encode("latin-1")}
    for method, path in (("POST", CHAT), ("GET", "/v1/models"), ("POST", "/v1/search"), ("GET", "/v1/health")):
        reply = httpx.request(method, f"{house.url}{path}", headers=headers, json={}, timeout=120)
        require_error(reply, 401, "invalid_api_key")


@pytest.mark.parametrize("limit", [10**18, 10**30, 100_000])
def test_an_absurd_limit_is_cut_to_what_the_endpoint_gives(house: Besieged, limit: int) -> None:
    """A caller who allows endless answers is answered, and reserves no more than the longest that there can be."""
    assert house.ask(WHARF, CRANE[0], max_tokens=limit).status_code == 200
    assert house.money("assistant")[1:] == (0, 0)


def test_odd_questions_are_answered_or_not_but_never_break(house: Besieged) -> None:
    """Markup, markers, brackets, emoji, one word 2,000 times: 200, and the next question works."""
    odd = [
        "?",
        "[1]",
        "🙈🙈",
        "\u0301" * 500,
        "(" * 4000,
        "+49 " * 1900,
        "Dr. " * 1900,
        "<<end>> <<passage 1 x>>",
        "{{7*7}}",
    ]
    with ThreadPoolExecutor(4) as pool:
        replies = list(pool.map(lambda text: house.ask(WHARF, text), odd))
    assert [reply.status_code for reply in replies] == [200] * len(odd)
    assert CRANE[1] in house.told(WHARF, CRANE[0])


def test_what_is_planted_in_a_question_is_masked_or_blocked(house: Besieged) -> None:
    """Personal data does not come back; with a diagnosis it is blocked. The last test looks for it on the disk."""
    house.planted |= {"wiltraud.eisenhut", "DE02500105170137075030", "0761/998877", "Eisenhut"}
    question = "Ich bin Wiltraud Eisenhut, wiltraud.eisenhut@privat.example, IBAN DE02500105170137075030, Tel. 0761/998877-12. "
    assert "Eisenhut" not in house.told(WHARF, question + CRANE[0])
    blocked = house.ask(WHARF, question + "Ich habe Diabetes mellitus Typ 2, ICD E11.90. " + CRANE[0]).json()
    assert blocked["beleg"]["outcome"] == "blocked_input"
    for path, body in (("/v1/search", {"model": "assistant", "query": question}), (CHAT, said([question]))):
        house.post(path, WHARF, json=body)  # one that is found, one that is refused with its text in hand
    house.ask(WHARF, question, model="Eisenhut")
    house.get("/v1/sources/Eisenhut/wiltraud.eisenhut?start=Eisenhut", WHARF)
    house.get("/v1/models/Eisenhut", WHARF)


# --- addresses --------------------------------------------------------------------------------------------------


def address(house: Besieged, who: str, question: str, *, ending: str) -> str:
    found = house.post("/v1/search", who, json={"model": "assistant", "query": question, "limit": 50}).json()["results"]
    source = next(r["citation"] for r in found if r["citation"]["path"].endswith(ending))
    return f"/v1/sources/{source['document_id']}/{source['version']}"


def status(house: Besieged, path: str, who: str) -> int:
    """Of a request line that no client library has tidied up."""
    host, port = "127.0.0.1", house.instance.ports[0]
    with socket.create_connection((host, port), timeout=120) as wire:
        wire.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {house.keys[who]}\r\n\r\n".encode())
        return int(wire.recv(12)[9:12])


def test_an_address_opens_only_what_its_caller_may_read(house: Besieged) -> None:
    """Another tenant's document is as absent as one that never was, text and page alike."""
    base = address(house, "aurelia", "Zentrifuge Fehlercode E-33", ending="benutzerhandbuch-al200.pdf")
    secret = address(house, "aurelia", "Urlaubsordnung Sonderurlaub", ending="urlaubsordnung.md")
    assert (status(house, base, "aurelia"), status(house, f"{base}/page/1.png", "aurelia")) == (200, 200)
    for who, path in (("klinik", base), (WHARF, f"{base}/page/1.png"), ("public", secret)):
        reply = house.get(path, who)
        require_error(reply, 404, "source_not_found")
        assert reply.json() == house.get("/v1/sources/0/0", who).json()


def test_no_address_leads_out(house: Besieged) -> None:
    """Traversal, encodings, absurd pages and spans: 400 or 404, and never a file of ours."""
    base = address(house, "aurelia", "Zentrifuge Fehlercode E-33", ending="benutzerhandbuch-al200.pdf")
    pages = ("0", "-1", "999999", "9" * 40, "1.5", "a", "..%2f1", "1%00")
    wrong = [f"{base}/page/{page}.png" for page in pages]
    wrong += [f"{base}?start=-1", f"{base}?start=x", f"{base}?end=-5", f"{base}/..", f"{base}/%2e%2e", f"{base}%00"]
    wrong += ["/v1/sources/../../etc/passwd", "/v1/sources/..%2f..%2fetc/passwd", "/v1/sources/%ff%fe/x", "/v1//models"]
    wrong += ["/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2f..%2fetc%2fpasswd", "/static//etc/passwd"]
    wrong += [
        "/sources/../../etc/passwd",
        "/v1/models/..%2fhealth",
        "/v1/sources/'%20or%201=1--/x",
        "/v1/sources/" + "a" * 9000,
    ]
    assert {path: s for path in wrong if (s := status(house, path, "aurelia")) not in {400, 404}} == {}
    assert status(house, f"{base}?start={'9' * 30}&end=2", "aurelia") == 200  # a span beyond the end marks nothing


# --- files ------------------------------------------------------------------------------------------------------


def zip_bomb() -> bytes:
    """A DOCX of half a megabyte that unpacks to 512 MB."""
    types = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
    relations = '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>'
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("[Content_Types].xml", types)
        archive.writestr("_rels/.rels", relations)
        with archive.open("word/document.xml", "w", force_zip64=True) as part:
            for _ in range(512):
                part.write(b" " * (1 << 20))
    return whole.getvalue()


TRICKY = (
    "..%2f..%2fetc%2fpasswd.txt",
    "zeile\num.txt",
    "\x1b[31mrot\x1b[0m.txt",
    "\u202etxt.exe.md",
    "l" * 240 + ".txt",
    "<img src=x onerror=alert(1)>.md",
    "'; drop table documents;--.txt",
    "{{7*7}}${HOME}`id`.txt",
    "a|b|c.md",
    "\\..\\..\\windows.txt",
    "-rf.txt",
    "*?.txt",
)


def test_bad_files_harm_no_other(house: Besieged) -> None:
    """Binary as text, a zip bomb, links out of the zone, pipes, names made to hurt: each told, the good one answered."""
    house.planted |= {"root:x:0:0"}
    (house.zone / "bombe.docx").write_bytes(zip_bomb())
    (house.zone / "binaer.txt").write_bytes(os.urandom(50_000))
    (house.zone / "programm.md").write_bytes(Path(sys.executable).read_bytes()[:100_000])
    (house.zone / "verweis.txt").symlink_to("/etc/passwd")
    (house.zone / "ordner").symlink_to("/etc")
    os.mkfifo(house.zone / "rohr.txt")
    for number, name in enumerate(TRICKY):
        (house.zone / name).write_text(f"Das Boot Nummer {7000 + number} liegt am Kai {number}.\n", encoding="utf-8")
    (house.zone / "seite.md").write_text("Das Boot Seite liegt am Kai 90.\n", encoding="utf-8")
    (house.zone / "seite.md.meta.yaml").write_text("supersedes: ../../../etc/passwd\nrm: [", encoding="utf-8")
    (house.zone / "gut.txt").write_text("Das Feuerschiff Elbe liegt am Kai 55.\n", encoding="utf-8")
    with open(os.fsencode(house.zone) + b"/kaputt\xff\xfe.txt", "wb") as broken:  # noqa: PTH123 - no Path has this name
        broken.write(b"Das Boot Geist liegt am Kai 99.\n")
    wait_until(lambda: "Kai 55" in house.told(WHARF, "Wo liegt das Feuerschiff Elbe?"))
    states = house.states("ablage")
    assert states["bombe.docx"] == ("quarantined", "archive_bomb")
    assert states["binaer.txt"] == ("quarantined", "not_text")
    assert states["programm.md"] == ("quarantined", "unsupported_format")
    assert states["seite.md"] == ("quarantined", "bad_sidecar")
    assert {name: states.get(name) for name in TRICKY[1:]} == dict.fromkeys(TRICKY[1:], ("indexed", "indexed"))
    assert not {"verweis.txt", "ordner", "rohr.txt"} & states.keys()
    assert not [path for path in states if path.startswith(("/", "..")) or "passwd" in path]
    assert "\x1b" not in house.instance.output, "a file's name has painted the terminal"


def test_tricky_names_can_be_cited_and_opened(house: Besieged) -> None:
    """A citation's address works whatever the file is called."""
    reply = house.ask(WHARF, "Wo liegt das Boot Nummer 7006?").json()
    citation = reply["beleg"]["citations"][0]
    assert citation["path"] == TRICKY[6]
    source = house.get(f"/v1{citation['url']}", WHARF)
    assert (source.status_code, source.json()["path"]) == (200, TRICKY[6])


def test_a_zone_that_vanishes_keeps_its_documents(house: Besieged) -> None:
    """Away: it is said, nothing is deleted, answers go on, other zones too. Back, or replaced: as if nothing had been."""
    before, said_so = house.states("ablage"), house.instance.output.count("ablage cannot be reached")
    away = house.zone.with_name("weg")
    house.zone.rename(away)
    wait_until(lambda: house.instance.output.count("ablage cannot be reached") > said_so)
    assert CRANE[1] in house.told(WHARF, CRANE[0])
    assert house.states("ablage") == before
    generation = house.generation()
    _copy_regular(away, house.zone)
    (house.zone / "neu.txt").write_text("Der Schlepper Wal zieht 88 Tonnen.\n", encoding="utf-8")
    wait_until(lambda: "88 Tonnen" in house.told(WHARF, "Wie viel zieht der Schlepper Wal?"))
    assert house.states("ablage") == {**before, "neu.txt": ("indexed", "indexed")}
    assert house.generation()[1] == generation[1] + 1 == house.in_the_ledger()
    (house.zone / "neu.txt").unlink()
    wait_until(lambda: "88 Tonnen" not in house.told(WHARF, "Wie viel zieht der Schlepper Wal?"))


def _copy_regular(source: Path, target: Path) -> None:
    """As a mount that comes back would look: other inodes, the same files, there all at once."""
    arriving = target.with_name("kommt")
    arriving.mkdir()
    for file in source.iterdir():
        if file.is_file() and not file.is_symlink():
            (arriving / file.name).write_bytes(file.read_bytes())
    arriving.rename(target)


# --- the disk, two at once --------------------------------------------------------------------------------------


@contextmanager
def full_disk(house: Besieged) -> Iterator[None]:
    """Room to write chunks, none to publish them; without root, no room for a large file in the ingest process."""
    if house.index_is_mounted:
        room = os.statvfs(house.index)
        used = (room.f_blocks - room.f_bfree) * room.f_frsize
        house.resize_index(used + (262 << 20))
        try:
            yield
        finally:
            house.resize_index(8 << 30)
        return
    import resource

    worker = house.pid("work")
    before = resource.prlimit(worker, resource.RLIMIT_FSIZE, (8 << 20, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        resource.prlimit(worker, resource.RLIMIT_FSIZE, before)


def test_a_disk_that_fills_during_publish_loses_nothing(house: Besieged) -> None:
    """The old generation answers on, it is said why the new one is missing, and with room again it comes."""
    generation = house.generation()
    with full_disk(house):
        (house.zone / "voll.txt").write_text("Der Leuchtturm Alte Weser ist 38 Meter hoch.\n", encoding="utf-8")
        wait_until(lambda: "is full" in house.instance.output.lower() or "cannot be written" in house.instance.output)
        assert house.generation() == generation
        assert CRANE[1] in house.told(WHARF, CRANE[0])
        assert "38 Meter" not in house.told(WHARF, "Wie hoch ist der Leuchtturm Alte Weser?")
    (house.zone / "wieder.txt").write_text("Der Leuchtturm Roter Sand ist 31 Meter hoch.\n", encoding="utf-8")
    wait_until(lambda: "38 Meter" in house.told(WHARF, "Wie hoch ist der Leuchtturm Alte Weser?"))
    wait_until(lambda: house.generation()[1] == generation[1] + 2 == house.in_the_ledger())


def test_two_ingests_at_once_double_nothing(house: Besieged) -> None:
    """Two commands beside the running instance: each works or says that another is at it, and every chunk is there once."""
    for number in range(20):
        (house.zone / f"pier-{number}.txt").write_text(
            f"Pier {number} ist {number + 300} Meter lang.\n", encoding="utf-8"
        )
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda _: house.instance.command("ingest", "ablage"), range(2)))
    for run in done:
        told = run.stdout + run.stderr
        assert run.returncode == 0 or "Another ingest is writing" in told, told[-2000:]
        assert "Traceback" not in told
    piers = {f"pier-{number}.txt": ("indexed", "indexed") for number in range(20)}
    wait_until(lambda: piers.items() <= house.states("ablage").items())
    wait_until(lambda: house.generation()[1] == house.in_the_ledger())
    assert_each_chunk_once(house, "Wie lang ist Pier 7?", "pier-")


def assert_each_chunk_once(house: Besieged, question: str, start: str) -> None:
    body = {"model": "assistant", "query": question, "limit": 50}
    results = house.post("/v1/search", WHARF, json=body).json()["results"]
    found = [r["citation"]["path"] for r in results if r["citation"]["path"].startswith(start)]
    assert len(found) == len(set(found)) > 10


# --- policies ---------------------------------------------------------------------------------------------------


def test_a_broken_policy_leaves_the_last_good_one(house: Besieged) -> None:
    """Answers go on under the old rules, log and health raise an alarm that names the line; mended, it is taken up."""
    file = house.policies / "routing" / "routing.rego"
    good = file.read_text(encoding="utf-8")
    alarms = house.log("api").count("policy.reload_failed")

    def health() -> tuple[str, str]:
        told = house.get("/v1/health", "operator").json()
        return told["status"], told["parts"]["policies"]

    assert health()[1] == "ok"
    try:
        file.write_text(good.replace("import rego.v1", "import rego.v1\n\nallow if { no end"), encoding="utf-8")
        wait_until(lambda: health()[0] == "alarm")
        assert "routing.rego, line" in health()[1]
        assert httpx.get(f"{house.url}/readyz", timeout=120).json()["parts"]["policies"] == "alarm"
        assert house.log("api").count("policy.reload_failed") > alarms
        reply = house.ask(WHARF, CRANE[0]).json()
        assert CRANE[1] in reply["choices"][0]["message"]["content"]
        assert "routing.economy" in {d["rule"] for d in reply["beleg"]["decisions"]}
        file.write_text(good.replace('"routing", asked.quality_tier', '"mended", asked.quality_tier'), encoding="utf-8")
        wait_until(lambda: health()[1] == "ok")
        reply = house.ask(WHARF, CRANE[0]).json()
        assert "mended.economy" in {d["rule"] for d in reply["beleg"]["decisions"]}
    finally:
        file.write_text(good, encoding="utf-8")
    wait_until(lambda: health()[1] == "ok")


# --- kill -9, and what is left ----------------------------------------------------------------------------------


def test_kill_9_loses_and_doubles_nothing(house: Besieged) -> None:
    """Of ingest and API in the middle of their work: the instance ends loudly and whole; started again, all is there, and
    what was done is not done anew.
    """
    before = len(house.rows("select id from audit"))
    of_handbuch = "select path, recorded_at from documents where zone = 'handbuch' order by path"
    done = house.rows(of_handbuch)
    with ThreadPoolExecutor(2) as pool:
        asking = [pool.submit(_ask_until_it_breaks, house) for _ in range(2)]
        for number in range(16):
            text = f"Das Schiff Aurora {number} hat {number + 500} Kojen.\n"
            (house.zone / f"schiff-{number}.txt").write_text(text, encoding="utf-8")
        wait_until(lambda: any(path.startswith("schiff-") for path in house.states("ablage")), every_s=0.02)
        time.sleep(random.uniform(0, 1))  # noqa: S311 - somewhere between the first file and the publish
        for victim in random.sample([house.pid("work"), house.pid("serve")], 2):
            os.kill(victim, signal.SIGKILL)
        assert house.instance.process is not None
        assert house.instance.process.wait(timeout=PATIENCE_S) != 0
        answered = sum(future.result() for future in asking)
    wait_until(lambda: not house.instance.children())
    house.start()
    ships = {f"schiff-{number}.txt": ("indexed", "indexed") for number in range(16)}
    wait_until(lambda: ships.items() <= house.states("ablage").items())
    wait_until(lambda: house.generation()[1] == house.in_the_ledger())
    assert_each_chunk_once(house, "Wie viele Kojen hat das Schiff Aurora?", "schiff-")
    assert CRANE[1] in house.told(WHARF, CRANE[0])
    assert house.instance.command("audit", "verify").returncode == 0
    assert len(house.rows("select id from audit")) >= before + answered
    assert house.rows(of_handbuch) == done != []


def _ask_until_it_breaks(house: Besieged) -> int:
    """How many questions were answered before the server went away."""
    for answered in range(10_000):
        try:
            if house.ask(WHARF, CRANE[0], stream=True).status_code != 200:
                return answered
        except httpx.HTTPError:
            return answered
    return 10_000


def test_nothing_of_what_was_planted_is_kept(house: Besieged) -> None:
    """Logs, audit, databases, index, Prefect's and MLflow's stores: not one of the words that the tests above sent."""
    assert house.kept() == []
