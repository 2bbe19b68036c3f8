"""The console's API: who sees which zones and files, who judges, and that nothing is shown or judged without a record."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
from serving_scene import (
    LETTER,
    NOVEL,
    OPERATOR,
    OWNER,
    STEWARD,
    STRANGE_STEWARD,
    STRANGER,
    USER,
    Client,
    bearer,
)

from rag.errors import Temporary
from rag.types import State

ROUTES = [
    ("GET", "/v1/zones"), ("GET", "/v1/zones/personal/documents"), ("GET", "/v1/zones/personal/documents/x"),
    ("GET", "/v1/zones/personal/preview"), ("POST", "/v1/zones/personal/publish"), ("GET", "/v1/reviews"), ("POST", "/v1/reviews"),
]  # fmt: skip


async def got(client: Client, path: str, token: str = OWNER) -> dict:
    reply = await client.get(path, headers=bearer(token))
    assert reply.status_code == 200, reply.text
    return reply.json()


async def held(client: Client, token: str, path: str = NOVEL) -> dict:
    """The body of a verdict on a file, as the page would send it."""
    queue = (await got(client, "/v1/reviews", token))["reviews"]
    one = next(one for one in queue if one["path"] == path)
    return {name: one[name] for name in ("zone", "document_id", "version")}


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("token", [USER, STRANGER])
async def test_a_key_that_only_asks_sees_nothing_here(client: Client, method: str, path: str, token: str) -> None:
    """Every route, with a sentence that says which key it takes, in RFC 9457's form."""
    body = {"zone": "personal", "document_id": "x", "version": "y", "verdict": "released", "reason": "x"}
    reply = await client.request(method, path, headers=bearer(token), json=body if method == "POST" else None)
    assert (reply.status_code, reply.json()["code"]) == (403, "console_not_for_key")
    assert reply.headers["content-type"] == "application/problem+json"
    assert "owner, steward or operator" in reply.json()["detail"]


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_a_key_in_the_address_or_a_cookie_opens_nothing(client: Client, method: str, path: str) -> None:
    """Only the header counts: no page of somebody else's can act with a key that a browser adds by itself."""
    reply = await client.request(method, f"{path}?key={OPERATOR}", headers={"cookie": f"key={OPERATOR}"})
    assert reply.status_code == 401
    assert reply.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("token", "names"),
    [
        (OWNER, ["finanzen", "handbuch", "personal"]), (STEWARD, ["finanzen", "handbuch", "personal"]),
        (OPERATOR, ["finanzen", "handbuch", "personal", "vorstand"]), (STRANGE_STEWARD, ["station"]),
    ],
)  # fmt: skip
async def test_zones_are_the_tenants_own_as_far_as_the_key_reaches(
    client: Client, token: str, names: list[str]
) -> None:
    """Another tenant's, and one above the key's clearance, look like ones that are not there."""
    zones = (await got(client, "/v1/zones", token))["zones"]
    assert [zone["name"] for zone in zones] == names
    for name in ("personal", "vorstand", "station", "nirgends"):
        reply = await client.get(f"/v1/zones/{name}/documents", headers=bearer(token))
        assert reply.status_code == (200 if name in names else 404), name
        if name not in names:
            nowhere = await client.get("/v1/zones/nirgends/documents", headers=bearer(token))
            assert {**reply.json(), "instance": ""} == {**nowhere.json(), "instance": ""}


async def test_a_zone_says_how_it_stands(client: Client) -> None:
    """Counts by fate, progress with rate and rest, and what is the matter."""
    zones = {zone["name"]: zone for zone in (await got(client, "/v1/zones", OPERATOR))["zones"]}
    personal = zones["personal"]
    assert personal["counts"] == {
        "indexed": 2, "masked": 1, "quarantined": 3, "waiting": 1, "starved": 1, "failed": 1, "deleted": 1,
    }  # fmt: skip
    assert (personal["is_working"], personal["queued"], personal["sweep"]["done"]) == (True, 650, 350)
    assert personal["sweep"]["files_per_minute"] == pytest.approx(300, rel=0.01)
    assert personal["sweep"]["remaining_s"] == pytest.approx(130, rel=0.01)
    assert [alarm["code"] for alarm in zones["vorstand"]["alarms"]] == ["sweep_failed"]
    assert zones["finanzen"]["sweep"]["files_per_minute"] is None


async def test_files_are_filtered_searched_and_paged(client: Client) -> None:
    """Every file once, whatever the page; umlauts are found in any case."""
    address = "/v1/zones/personal/documents"
    whole = (await got(client, address))["documents"]
    pages = [(await got(client, f"{address}?offset={offset}&limit=3"))["documents"] for offset in range(0, 12, 3)]
    assert [one for page in pages for one in page] == whole
    assert {one["fate"] for one in (await got(client, f"{address}?fate=quarantined"))["documents"]} == {"quarantined"}
    assert [one["path"] for one in (await got(client, f"{address}?search=MÄRZ"))["documents"]] == [LETTER]
    none = await got(client, f"{address}?search=nichts&offset=9")
    assert (none["total"], none["documents"]) == (0, [])


@pytest.mark.parametrize(
    "query", ["fate=gone", "offset=-1", "limit=0", "limit=201", "offset=x", f"search={'x' * 201}", "offset=99999999999"]
)
async def test_a_wrong_page_is_told(client: Client, query: str) -> None:
    """400 in RFC 9457's form, without what was sent."""
    reply = await client.get(f"/v1/zones/personal/documents?{query}", headers=bearer(OWNER))
    assert (reply.status_code, reply.json()["code"]) == (400, "invalid_request")
    assert "xxx" not in reply.text


async def test_a_file_shows_its_passages_with_masks(client: Client) -> None:
    """As they are searched, with the rule and the counts, and on record."""
    policy = client.world.documents["policy"].document
    shown = await got(client, f"/v1/zones/personal/documents/{policy.id}")
    assert shown["rule"] == "test.redact"
    assert shown["file"]["findings"] == {"PERSON": 1}
    assert "<PERSON>" in "".join(passage["text"] for passage in shown["passages"])
    (row,) = client.world.audit.rows
    assert (row.action, row.actor, row.facts["document_id"]) == ("console.document", "olga", policy.id)


async def test_knowing_of_a_zone_is_not_reading_it(client: Client) -> None:
    """An operator below the clearance sees names and fates; neither text nor title, nor a preview."""
    person = client.world.keys.known[OPERATOR]
    client.world.keys.known[OPERATOR] = type(person)(**{**fields(person), "clearance": type(person.clearance).internal})
    secret = client.world.documents["secret"].document
    shown = await got(client, f"/v1/zones/vorstand/documents/{secret.id}", OPERATOR)
    assert (shown["is_hidden"], shown["passages"], shown["title"]) == (True, [], None)
    reply = await client.get("/v1/zones/vorstand/preview", headers=bearer(OPERATOR))
    assert (reply.status_code, reply.json()["code"]) == (403, "text_not_for_key")
    assert client.world.audit.rows == []


def fields(value: object) -> dict:
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


async def test_a_document_is_found_in_its_own_zone_alone(client: Client) -> None:
    """An id of another zone, or of another tenant's, is not there."""
    deck = client.world.documents["prices"].document
    for document_id in (deck.id, "nie", "%2e%2e"):
        reply = await client.get(f"/v1/zones/personal/documents/{document_id}", headers=bearer(OWNER))
        assert reply.status_code == 404


async def test_a_preview_writes_nothing_and_says_where_to_go_on(client: Client) -> None:
    """Indexed, masked, quarantined: as an ingest would, some files at a time, until there is none left."""
    address = "/v1/zones/handbuch/preview"
    first = await got(client, f"{address}?limit=3")
    assert [(one["path"], one["fate"]) for one in first["files"]] == [
        ("a-urlaub.txt", "masked"), ("b-leer.txt", "quarantined"), ("c-akte.txt", "quarantined"),
    ]  # fmt: skip
    assert first["files"][0]["findings"] == {"MASKED": 1}
    assert "Lindemann" not in str(first)
    assert (first["total"], first["next"]) == (4, 3)
    last = await got(client, f"{address}?offset={first['next']}")
    assert ([one["path"] for one in last["files"]], last["next"]) == (["d-plan.txt"], None)
    assert (await got(client, f"{address}?offset=99"))["files"] == []
    intake = client.world.reading.intake
    assert await intake.ledger.entries("handbuch") == {}


async def test_a_preview_of_a_zone_that_is_away_says_so(client: Client) -> None:
    """Not as an empty zone."""
    client.world.reading.landing.vanished = True
    reply = await client.get("/v1/zones/handbuch/preview", headers=bearer(OWNER))
    assert (reply.status_code, reply.json()["code"]) == (503, "zone_vanished")


async def test_one_preview_at_a_time(opened: Callable) -> None:
    """Who comes second is told to come back, and how soon."""

    async def busy(*_: object) -> None:
        raise Temporary("preview_busy", "Another preview is running.", after_s=5)

    client = await opened(preview=busy)
    reply = await client.get("/v1/zones/handbuch/preview", headers=bearer(OWNER))
    assert (reply.status_code, reply.headers["retry-after"]) == (429, "5")


async def test_the_queue_is_the_tenants_oldest_first(client: Client) -> None:
    """An owner sees what waits for a verdict, and that he cannot give one."""
    queue = await got(client, "/v1/reviews")
    assert [one["path"] for one in queue["reviews"]] == [LETTER, NOVEL]
    assert not queue["may_judge"]
    assert [one["zone"] for one in (await got(client, "/v1/reviews", STRANGE_STEWARD))["reviews"]] == ["station"]
    assert (await client.get("/v1/reviews?zone=station", headers=bearer(STEWARD))).status_code == 404


@pytest.mark.parametrize(
    ("token", "status"),
    [(USER, 403), (OWNER, 403), (STRANGER, 403), (STRANGE_STEWARD, 404), (STEWARD, 201), (OPERATOR, 201)],
)
async def test_who_may_judge(client: Client, token: str, status: int) -> None:
    """The matrix of roles: others change nothing, whatever they send."""
    body = await held(client, STEWARD) | {"verdict": "released", "reason": "Ein Roman."}
    reply = await client.post("/v1/reviews", json=body, headers=bearer(token))
    assert reply.status_code == status, reply.text
    entry = (await client.world.front.ledger.entries("personal"))[NOVEL]
    assert (entry.fingerprint == "") is (status == 201)
    rows = [row for row in client.world.audit.rows if row.action == "document.review"]
    assert len(rows) == (status == 201)


async def test_a_verdict_stands_under_the_keys_name(client: Client) -> None:
    """Not under one that the body claims; released, it waits for its sweep and leaves the queue."""
    body = await held(client, STEWARD) | {"verdict": "released", "reason": "Ein Roman.", "by": "somebody else"}
    reply = await client.post("/v1/reviews", json=body, headers=bearer(STEWARD))
    assert reply.json()["by"] == "stefan"
    assert [one["path"] for one in (await got(client, "/v1/reviews", STEWARD))["reviews"]] == [LETTER]
    judged = (await got(client, "/v1/reviews?judged=true", STEWARD))["reviews"]
    assert [(one["by"], one["said"]) for one in judged if one["path"] == NOVEL] == [("stefan", "Ein Roman.")]
    (line,) = (await got(client, "/v1/zones/personal/documents?search=zauberberg"))["documents"]
    assert (line["fate"], line["code"]) == ("waiting", "released")


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"reason": ""}, 400, "invalid_request"), ({"reason": " \n"}, 400, "no_reason"),
        ({"reason": "Frau Lindemann bat darum."}, 400, "reason_names_somebody"),
        ({"reason": "x" * 501}, 400, "invalid_request"), ({"verdict": "maybe"}, 400, "invalid_request"),
        ({"version": "0" * 64}, 409, "version_changed"), ({"document_id": "nie"}, 404, "document_not_found"),
        ({"zone": "station"}, 404, "zone_not_found"), ({"zone": None}, 400, "invalid_request"),
    ],
)  # fmt: skip
async def test_a_wrong_verdict_changes_nothing(client: Client, changed: dict, status: int, code: str) -> None:
    """Each with its own code, and no row."""
    body = await held(client, STEWARD) | {"verdict": "released", "reason": "Ein Roman."} | changed
    reply = await client.post("/v1/reviews", json=body, headers=bearer(STEWARD))
    assert (reply.status_code, reply.json()["code"]) == (status, code)
    assert client.world.audit.rows == []


async def test_what_the_guard_did_not_hold_back_is_not_judged(client: Client) -> None:
    """A broken file is its owner's to mend."""
    found = (await got(client, "/v1/zones/personal/documents?search=leer"))["documents"][0]
    body = {"zone": "personal", "document_id": found["document_id"], "version": found["version"], "verdict": "released",
            "reason": "x"}  # fmt: skip
    reply = await client.post("/v1/reviews", json=body, headers=bearer(STEWARD))
    assert (reply.status_code, reply.json()["code"]) == (409, "nothing_to_judge")


async def test_without_a_record_nothing_is_shown_or_judged(client: Client) -> None:
    """The audit log is full: 503, and everything stays as it is."""
    body = await held(client, STEWARD) | {"verdict": "released", "reason": "Ein Roman."}
    client.world.audit.full = True
    policy = client.world.documents["policy"].document
    for reply in (
        await client.post("/v1/reviews", json=body, headers=bearer(STEWARD)),
        await client.get(f"/v1/zones/personal/documents/{policy.id}", headers=bearer(OWNER)),
        await client.get("/v1/zones/handbuch/preview", headers=bearer(OWNER)),
    ):
        assert reply.status_code == 503
    entry = (await client.world.front.ledger.entries("personal"))[NOVEL]
    assert (entry.receipt.state, bool(entry.fingerprint)) == (State.quarantined, True)


async def test_no_name_or_reason_reaches_a_log(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """Names of files and a steward's words may name people."""
    with caplog.at_level(logging.DEBUG):
        body = await held(client, STEWARD) | {"verdict": "rejected", "reason": "Brief von Frau Lindemann."}
        await client.post("/v1/reviews", json=body, headers=bearer(STEWARD))
        await got(client, "/v1/zones/personal/documents?search=arztbrief")
    told = " ".join(str(vars(record)) for record in caplog.records if not record.name.startswith(("httpx", "asyncio")))
    assert "Lindemann" not in told
    assert "arztbrief" not in told
    assert not {"path", "reason"} & {name for row in client.world.audit.rows for name in row.facts}
