"""A held zone by HTTP: who sees it, who lets it go, and that it stands on record."""

from __future__ import annotations

from dataclasses import replace

import pytest
from serving_scene import OPERATOR, OWNER, SENDER, STEWARD, STRANGE_STEWARD, STRANGER, USER, Client, bearer

from rag.types import Classification, Zone

NEW = Zone(
    name="neu & groß", url="memory://neu", tenant="aurelia", owner="neu@aurelia.example",
    classification=Classification.internal, held=True,
)  # fmt: skip
ADDRESS = "/v1/zones/neu%20%26%20gro%C3%9F"


@pytest.fixture
async def world(client: Client) -> Client:
    await client.world.front.ledger.add_zone(NEW)
    return client


async def is_held(client: Client) -> bool:
    return next(zone.held for zone in await client.world.front.ledger.zones() if zone.name == NEW.name)


async def test_it_is_shown_as_held_with_what_to_do(world: Client) -> None:
    """In the list, above its files, and by its preview; others are not."""
    zones = {zone["name"]: zone for zone in (await world.get("/v1/zones", headers=bearer(OWNER))).json()["zones"]}
    (alarm,) = zones[NEW.name]["alarms"]
    assert (zones[NEW.name]["is_held"], alarm["code"]) == (True, "held")
    assert "preview" in alarm["message"]
    assert not zones["handbuch"]["is_held"]
    assert (await world.get(f"{ADDRESS}/documents", headers=bearer(OWNER))).json()["zone"]["is_held"]
    assert (await world.get(f"{ADDRESS}/preview", headers=bearer(OWNER))).json()["is_held"]


@pytest.mark.parametrize(
    ("token", "status"),
    [(USER, 403), (SENDER, 403), (STRANGER, 403), (STRANGE_STEWARD, 404), (OWNER, 201), (STEWARD, 201), (OPERATOR, 201)],
)  # fmt: skip
async def test_who_may_let_it_go(world: Client, token: str, status: int) -> None:
    """The matrix of roles and tenants: whoever may not changes nothing and leaves no row."""
    reply = await world.post(f"{ADDRESS}/publish", headers=bearer(token))
    assert reply.status_code == status, reply.text
    assert await is_held(world) is (status != 201)
    assert [row.action for row in world.world.audit.rows] == (["zone.publish"] if status == 201 else [])


async def test_it_stands_under_the_keys_name(world: Client) -> None:
    """Whatever a body claims; a second time there is nothing to let go."""
    reply = await world.post(f"{ADDRESS}/publish", headers=bearer(OWNER), json={"by": "somebody else"})
    assert (reply.json()["by"], world.world.audit.rows[0].actor) == ("olga", "olga")
    again = await world.post(f"{ADDRESS}/publish", headers=bearer(OWNER))
    assert (again.status_code, again.json()["code"]) == (409, "zone_not_held")
    assert again.headers["content-type"] == "application/problem+json"
    assert len(world.world.audit.rows) == 1


async def test_who_may_not_look_may_not_let_it_go(world: Client) -> None:
    """An operator below the zone's clearance knows of it, and has not seen what he would answer for."""
    person = world.world.keys.known[OPERATOR]
    world.world.keys.known[OPERATOR] = replace(person, clearance=Classification.public)
    reply = await world.post(f"{ADDRESS}/publish", headers=bearer(OPERATOR))
    assert (reply.status_code, reply.json()["code"]) == (403, "text_not_for_key")
    assert await is_held(world)


async def test_without_a_record_it_stays_held(world: Client) -> None:
    """The audit log is full: refused, and nothing has changed."""
    world.world.audit.full = True
    reply = await world.post(f"{ADDRESS}/publish", headers=bearer(OWNER))
    assert reply.status_code in {403, 503}
    assert await is_held(world)


@pytest.mark.parametrize("name", ["nie", "%2e%2e", "x" * 3000, "handbuch%00"])
async def test_a_zone_that_is_not_there_is_not_let_go(world: Client, name: str) -> None:
    """One answer, whatever is asked for."""
    reply = await world.post(f"/v1/zones/{name}/publish", headers=bearer(OWNER))
    assert reply.status_code in {404, 405}
