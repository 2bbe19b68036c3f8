"""The allow-list by HTTP: a steward's false positive, the second person, and that neither text nor right leaks."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from serving_scene import OPERATOR, OWNER, PERSONS, STEWARD, STRANGE_STEWARD, STRANGER, USER, Client, bearer

from rag.types import Entry, Principal, Receipt, Sighting, State, now

PATH, TEXT = "a-urlaub.txt", b"30 Tage Urlaub im Jahr. Es vertritt Frau Lindemann."
WISH = {
    "zone": "handbuch", "document_id": "doc-urlaub", "version": hashlib.sha256(TEXT).hexdigest(), "finding": 1,
    "until": f"{now() + timedelta(days=30):%Y-%m-%d}", "reason": "Ein Straßenname.",
}  # fmt: skip
FINDINGS = "/v1/zones/handbuch/documents/doc-urlaub/findings"
SECOND = "blg_second_steward"


@pytest.fixture
async def world(client: Client) -> Client:
    """A file of `handbuch` that the guard holds back, and a second steward."""
    receipt = Receipt(
        zone="handbuch", path=PATH, document_id="doc-urlaub", version=WISH["version"], state=State.quarantined,
        code="contains_patient_data", counts={"MASKED": 1},
    )  # fmt: skip
    sighting = Sighting(zone="handbuch", path=PATH, size=1, modified_at=now(), etag="e")
    await client.world.front.ledger.record(
        Entry(receipt=receipt, fingerprint="f", sighting=sighting, recorded_at=now())
    )
    steward = PERSONS[STEWARD]
    client.world.keys.known[SECOND] = Principal(
        subject="sabine", tenant=steward.tenant, roles=steward.roles, clearance=steward.clearance
    )
    return client


async def allowed(client: Client, token: str = STEWARD) -> list[dict]:
    return (await client.get("/v1/allow-list", headers=bearer(token))).json()["entries"]


async def added(client: Client, token: str = STEWARD, **changed: object) -> dict:
    reply = await client.post("/v1/allow-list", json=WISH | changed, headers=bearer(token))
    assert reply.status_code == 201, reply.text
    return reply.json()


async def test_findings_are_types_and_places(world: Client) -> None:
    """With the version that they were found in; the text stays in the document."""
    reply = await world.get(FINDINGS, headers=bearer(STEWARD))
    (one,) = reply.json()["findings"]
    assert (one["number"], one["type"], one["where"]) == (1, "MASKED", "page 1, line 1 of the text")
    assert reply.json()["version"] == WISH["version"]
    assert "Lindemann" not in reply.text


async def test_an_entry_is_on_record_under_the_keys_name_and_keeps_no_text(world: Client) -> None:
    """Whatever the body claims; of the text a digest is kept, and it holds for this zone alone."""
    made = await added(world, by="somebody else")
    assert (made["by"], made["zone"], made["pattern"], made["approved_by"]) == ("stefan", "handbuch", None, None)
    (row,) = world.world.audit.rows
    assert (row.action, row.actor, row.facts["entry"]) == ("allow.add", "stefan", made["id"])
    assert "Lindemann" not in str(row) + str(made) + str(await allowed(world))
    assert [one["id"] for one in await allowed(world)] == [made["id"]]


async def test_nobody_approves_an_entry_of_their_own(world: Client) -> None:
    """A second steward does; the first is told, and the page offers it to the second alone."""
    made = await added(world)
    address = f"/v1/allow-list/{made['id']}/approve"
    own = await world.post(address, headers=bearer(STEWARD))
    assert (own.status_code, own.json()["code"]) == (409, "same_person")
    assert [(await allowed(world, token))[0]["may_approve"] for token in (STEWARD, SECOND, OWNER)] == [
        False,
        True,
        False,
    ]
    second = await world.post(address, headers=bearer(SECOND))
    assert (second.json()["approved_by"], second.json()["may_approve"]) == ("sabine", False)
    assert [row.action for row in world.world.audit.rows] == ["allow.add", "allow.approve"]


async def test_it_is_taken_back_with_a_reason(world: Client) -> None:
    """Then it holds for nothing and is not listed; a second time there is nothing to take back."""
    made = await added(world)
    address = f"/v1/allow-list/{made['id']}/revoke"
    for reason in ("", " \n"):
        assert (await world.post(address, json={"reason": reason}, headers=bearer(SECOND))).status_code == 400
    assert (await world.post(address, json={"reason": "Doch ein Name."}, headers=bearer(SECOND))).status_code == 200
    assert await allowed(world) == []
    assert (await world.post(address, json={"reason": "x"}, headers=bearer(SECOND))).status_code == 404


@pytest.mark.parametrize(
    ("token", "status"),
    [(USER, 403), (STRANGER, 403), (OWNER, 403), (STRANGE_STEWARD, 404), (STEWARD, 201), (OPERATOR, 201)],
)
async def test_who_may_allow(world: Client, token: str, status: int) -> None:
    """The matrix of roles and tenants, for findings, entries, approval and taking back."""
    reply = await world.post("/v1/allow-list", json=WISH, headers=bearer(token))
    assert reply.status_code == status, reply.text
    assert len(world.world.audit.rows) == (status == 201)
    looked = await world.get(FINDINGS, headers=bearer(token))
    assert looked.status_code == (200 if status == 201 else status)
    if status != 201:
        made = await added(world)
        for verb in ("approve", "revoke"):
            address = f"/v1/allow-list/{made['id']}/{verb}"
            assert (await world.post(address, json={"reason": "x"}, headers=bearer(token))).status_code == status
        assert len(await allowed(world)) == 1


async def test_another_tenants_entries_are_not_there(world: Client) -> None:
    """Not in the list, whoever asks."""
    await added(world)
    assert await allowed(world, STRANGE_STEWARD) == []
    assert (await world.get("/v1/allow-list", headers=bearer(USER))).status_code == 403


@pytest.mark.parametrize(
    ("changed", "status", "code"),
    [
        ({"version": "0" * 64}, 409, "version_changed"), ({"finding": 2}, 400, "no_such_finding"),
        ({"finding": 0}, 400, "invalid_request"), ({"document_id": "nie"}, 404, "document_not_found"),
        ({"zone": "station"}, 404, "zone_not_found"), ({"until": "2020-01-01"}, 400, "allow_until"),
        ({"until": "2900-01-01"}, 400, "allow_until"), ({"until": "9999-12-31"}, 400, "invalid_request"),
        ({"until": "soon"}, 400, "invalid_request"), ({"reason": ""}, 400, "invalid_request"),
        ({"reason": " \t"}, 400, "no_name"), ({"reason": "Frau Lindemann ist keine."}, 400, "allow_reason"),
        ({"reason": "x" * 501}, 400, "invalid_request"),
    ],
)  # fmt: skip
async def test_a_wrong_wish_changes_nothing(world: Client, changed: dict, status: int, code: str) -> None:
    """Each with its own code, in RFC 9457's form, and no row."""
    reply = await world.post("/v1/allow-list", json=WISH | changed, headers=bearer(STEWARD))
    assert (reply.status_code, reply.json()["code"]) == (status, code), reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    assert world.world.audit.rows == []
    assert await allowed(world) == []


async def test_without_a_record_nothing_is_allowed(world: Client) -> None:
    """And a file that changes or goes meanwhile is told, not guessed."""
    world.world.audit.full = True
    assert (await world.post("/v1/allow-list", json=WISH, headers=bearer(STEWARD))).status_code in {403, 503}
    assert await allowed(world) == []
    world.world.reading.landing.files[PATH] = b"Jetzt steht hier Frau Lindemann und noch mehr."
    reply = await world.post("/v1/allow-list", json=WISH, headers=bearer(STEWARD))
    assert (reply.status_code, reply.json()["code"]) == (409, "version_changed")
    del world.world.reading.landing.files[PATH]
    assert (await world.get(FINDINGS, headers=bearer(STEWARD))).status_code == 404
