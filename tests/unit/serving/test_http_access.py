"""Who may do what: every route by itself, use cases by tenant and role, sources by label."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from fastapi.routing import APIRoute
from serving_scene import OPERATOR, PERSONS, STRANGER, USER, Client, bearer, labelled

from rag.errors import Permanent, Refused, Temporary
from rag.types import Action, Box, Classification, Cleared, Place
from serving.app import create_app
from serving.identity import may_read
from serving.shapes import passage_digest

PUBLIC = {
    "/console",
    "/",
    "/healthz",
    "/readyz",
    "/docs",
    "/openapi.json",
    "/favicon.ico",
    "/static",
    "/sources/{document_id}/{version}",
}


def every_route(app: object) -> list[tuple[str, str]]:
    """Path and method of whatever the application answers, included routers too."""
    found: list[tuple[str, str]] = []

    def walk(routes: list) -> None:
        for route in routes:
            inner = getattr(getattr(route, "original_router", None), "routes", None) or (
                getattr(route, "routes", None) if not hasattr(route, "path") else None
            )
            if inner:
                walk(inner)
            elif hasattr(route, "path"):
                found.extend(
                    (route.path, method) for method in (getattr(route, "methods", None) or {"GET"}) if method != "HEAD"
                )

    walk(app.routes)
    return sorted(set(found))


async def test_every_route_but_the_listed_ones_wants_a_key(client: Client) -> None:
    """The matrix is read off the application, so that a new route cannot be forgotten."""
    app = client._transport.app
    routes = every_route(app)
    paths = {path for path, _ in routes}
    assert {"/v1/chat/completions", "/v1/search", "/v1/models", "/v1/models/{name}", "/v1/health"} <= paths
    assert paths >= PUBLIC
    assert {r["path"] if isinstance(r, dict) else r for r in client_schema_paths(app)} <= paths
    for path, method in routes:
        reply = await client.request(method, path.replace("{page}", "1").replace("/static", "/static/style.css"))
        if path in PUBLIC:
            assert reply.status_code != 401, path
        else:
            assert reply.status_code == 401, (method, path)
            assert reply.headers["www-authenticate"].startswith("Bearer")
    assert (await client.get("/v1/nowhere")).status_code == 401, "an unknown path below /v1 tells nobody anything"


def client_schema_paths(app: object) -> list[str]:
    return list(app.openapi()["paths"])


@pytest.mark.parametrize(
    "header",
    [
        "Bearer blg_wrong", "Bearer ", "Bearer", "blg_user", "Basic YTpi", "Bearer blg_user extra", "Bearer blg_user\t", "bearer  ",
        "Bearer ' OR 1=1 --", "Bearer blg_user'--", f"Bearer {'x' * 10_000}", "Bearer blg_üser", "Bearer blg_user, Bearer blg_user", "Bearer null",
    ],
)  # fmt: skip
async def test_a_hostile_bearer_is_nobody(client: Client, header: str) -> None:
    """Unknown, malformed, injected or over-long: always the same 401 in OpenAI's form."""
    reply = await client.get("/v1/models", headers=[(b"authorization", header.encode("latin-1"))])
    assert reply.status_code == 401
    assert reply.json()["error"]["code"] == "invalid_api_key"


async def test_two_authorization_headers_are_none(client: Client) -> None:
    """A proxy and a backend that read different ones must not disagree here."""
    twice = [("authorization", f"Bearer {USER}"), ("authorization", "Bearer blg_wrong")]
    assert (await client.get("/v1/models", headers=twice)).status_code == 401


@pytest.mark.parametrize(
    "error",
    [ValueError("x"), RuntimeError("database"), KeyError("k"), Permanent("a", "b"), Refused("invalid_key", "no")],
)
async def test_any_exception_in_authentication_is_a_401(client: Client, error: Exception) -> None:
    """A failed check is never an empty identity."""
    client.world.keys.fails_with = error
    assert (await client.get("/v1/models", headers=bearer(USER))).status_code == 401


async def test_a_key_store_that_is_away_lets_nobody_in(client: Client) -> None:
    """It answers 503, so that a good key is not thrown away by its owner."""
    client.world.keys.fails_with = Temporary("database_unavailable", "Come back later.")
    assert (await client.get("/v1/models", headers=bearer(USER))).status_code == 503


@pytest.mark.parametrize("nobody", [None, {}, "anna", object()])
async def test_what_is_no_principal_is_nobody(client: Client, nobody: object) -> None:
    """Even a key store that returns nonsense opens nothing."""
    client.world.keys.known["blg_user"] = nobody
    assert (await client.get("/v1/models", headers=bearer(USER))).status_code == 401


async def test_a_revoked_key_ends_with_the_next_request(client: Client) -> None:
    """Nothing of a key is remembered between two requests."""
    assert (await client.get("/v1/models", headers=bearer(USER))).status_code == 200
    del client.world.keys.known[USER]
    assert (await client.get("/v1/models", headers=bearer(USER))).status_code == 401


@pytest.mark.parametrize(
    ("token", "names"),
    [
        (USER, {"assistant", "produkt-hilfe"}),
        (OPERATOR, {"assistant", "produkt-hilfe", "leitung"}),
        (STRANGER, {"assistant"}),
    ],
)
async def test_use_cases_are_by_tenant_and_role(client: Client, token: str, names: set[str]) -> None:
    """Only these are listed, described, asked and searched; the others look like unknown ones."""
    listed = (await client.get("/v1/models", headers=bearer(token))).json()["data"]
    assert {model["id"] for model in listed} == names
    for name in ("assistant", "produkt-hilfe", "leitung", "unknown"):
        expected = 200 if name in names else 404
        assert (await client.get(f"/v1/models/{name}", headers=bearer(token))).status_code == expected
        asked = await client.ask("Hotel?", token=token, model=name)
        assert asked.status_code == expected
        found = await client.post("/v1/search", json={"model": name, "query": "Hotel"}, headers=bearer(token))
        assert found.status_code == expected
        if expected == 404:
            assert (asked.json()["error"]["code"], asked.json()["error"]["param"]) == ("model_not_found", "model")


async def test_a_key_that_asks_too_often_waits(opened: Callable) -> None:
    """429 with Retry-After, per key: another key is not held up."""
    client = await opened(requests=2)
    replies = [await client.ask("Hotel?") for _ in range(3)]
    assert [reply.status_code for reply in replies] == [200, 200, 429]
    assert replies[-1].headers["retry-after"] == "18"
    assert replies[-1].json()["error"]["code"] == "rate_limited"
    assert (await client.ask("Hotel?", token=STRANGER)).status_code == 200


async def test_alarms_in_words_are_for_operators(client: Client) -> None:
    """Anybody may see that something is wrong, operators what."""
    public = await client.get("/readyz")
    assert public.json() == {"status": "alarm", "parts": {"database": "ok", "policy": "alarm"}}
    assert (await client.get("/v1/health", headers=bearer(USER))).status_code == 403
    assert "syntax error" in (await client.get("/v1/health", headers=bearer(OPERATOR))).json()["parts"]["policy"]


LONG_AGO, FAR_OFF = datetime(2020, 1, 1, tzinfo=UTC), datetime(2090, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("labels", "is_allowed"),
    [
        ({}, True),
        ({"tenant": "klinikum"}, False),
        ({"business_unit": "hr"}, True),
        ({"business_unit": "sales"}, False),
        ({"classification": Classification.confidential}, False),
        ({"readers": frozenset({"board"})}, False),
        ({"valid_from": LONG_AGO, "valid_until": FAR_OFF}, True),
        ({"valid_until": LONG_AGO}, False),
        ({"valid_from": FAR_OFF}, False),
    ],
)
async def test_a_source_opens_only_for_whom_its_labels_allow(client: Client, labels: dict, is_allowed: bool) -> None:
    """Text and picture alike; what is not allowed looks like what is not there; both stand on record."""
    world = client.world
    policy = relabelled(world.documents["policy"], **labels)
    await world.front.library.keep(policy)
    for suffix in ("", "/page/1.png"):
        reply = await client.get(
            f"/v1/sources/{policy.document.id}/{policy.document.version}{suffix}", headers=bearer(USER)
        )
        missing = await client.get(f"/v1/sources/{policy.document.id}/{'0' * 64}{suffix}", headers=bearer(USER))
        assert reply.status_code == (200 if is_allowed else 404)
        assert missing.status_code == 404
        if not is_allowed:
            assert reply.json() == missing.json()
    told = [(row.outcome, row.facts["document_id"], row.facts.get("error")) for row in world.audit.rows]
    own = ("opened", policy.document.id, None) if is_allowed else ("refused", policy.document.id, "source_not_found")
    assert told == [own, ("refused", policy.document.id, "source_not_found")] * 2
    assert {row.action for row in world.audit.rows} == {"source.open"}
    assert may_read(PERSONS[USER], labelled(**labels)) is is_allowed


async def test_a_source_is_opened_as_of_a_day_under_the_rights_of_today(client: Client) -> None:
    """What has ended opens as of a day before, for whom its labels allow; never what is to come."""
    world, policy = client.world, client.world.documents["policy"]
    ended = {"valid_from": datetime(2023, 1, 1, tzinfo=UTC), "valid_until": datetime(2024, 1, 1, tzinfo=UTC)}
    url = f"/v1/sources/{policy.document.id}/{policy.document.version}"

    async def status(as_of: str, suffix: str = "") -> int:
        return (await client.get(f"{url}{suffix}?as_of={as_of}", headers=bearer(USER))).status_code

    await world.front.library.keep(relabelled(policy, **ended))
    assert (await client.get(url, headers=bearer(USER))).status_code == 404
    assert [await status(day) for day in ("2023-06-01", "2023-12-31", "2024-01-01", "2022-12-31")] == [
        200,
        200,
        404,
        404,
    ]
    assert await status("2023-06-01", "/page/1.png") == 200
    assert [await status(day) for day in ("", "2999-01-01", "nonsense")] == [400, 400, 400]
    await world.front.library.keep(relabelled(policy, **ended, readers=frozenset({"board"})))
    assert await status("2023-06-01") == 404


async def test_an_answer_as_of_a_day_says_so_and_its_citations_open_then(client: Client) -> None:
    """In chat, stream and search: the question carries the instant, the receipt and every address name it."""
    body = {"beleg": {"as_of": "2026-03-01T12:00:00+01:00"}}
    said = (await client.ask("Hotel?", **body)).json()
    then = datetime(2026, 3, 1, 11, tzinfo=UTC)
    assert client.world.chain.asked[-1].as_of == then
    assert datetime.fromisoformat(said["beleg"]["as_of"]) == then
    url = said["choices"][0]["message"]["annotations"][0]["url_citation"]["url"]
    assert "&as_of=2026-03-01T11%3A00%3A00%2B00%3A00" in url
    assert url == said["beleg"]["citations"][0]["url"]
    assert (await client.get(f"/v1{url}", headers=bearer(USER))).status_code == 200
    streamed = (await client.ask("Hotel?", stream=True, **body)).text
    assert '"as_of":"2026-03-01T11:00:00Z"' in streamed
    search = {"model": "assistant", "query": "Hotel", **body}
    found = (await client.post("/v1/search", json=search, headers=bearer(USER))).json()
    assert datetime.fromisoformat(found["as_of"]) == then
    assert "as_of=" in found["results"][0]["citation"]["url"]
    plain = (await client.ask("Hotel?")).json()
    assert plain["beleg"]["as_of"] is None
    assert "as_of" not in plain["beleg"]["citations"][0]["url"]


def relabelled(cleared: Cleared, **labels: object) -> Cleared:
    return replace(cleared, document=replace(cleared.document, labels=labelled(**labels)))


async def test_no_record_no_reading(client: Client) -> None:
    """A source stays closed while the audit log cannot be written."""
    client.world.audit.full = True
    policy = client.world.documents["policy"].document
    assert (await client.get(f"/v1/sources/{policy.id}/{policy.version}", headers=bearer(USER))).status_code == 503


async def test_a_source_shows_the_passage_in_its_text(client: Client) -> None:
    """The highlight's span and places fit the text; the original bytes are nowhere."""
    policy = client.world.documents["policy"]
    start = policy.text.index("Hotelkosten")
    reply = await client.get(
        f"/v1/sources/{policy.document.id}/{policy.document.version}?start={start}&end={start + 11}",
        headers=bearer(USER),
    )
    source = reply.json()
    assert source["text"][source["highlight"]["start"] : source["highlight"]["end"]] == "Hotelkosten"
    assert [place["page"] for place in source["highlight"]["places"]] == [1]
    assert (source["has_page_images"], source["is_redacted"], source["pages"]) == (True, True, 2)
    assert [mark["page"] for mark in source["marks"]] == [1, 2]


async def test_a_passage_is_shown_in_the_reading_that_it_stands_in(client: Client) -> None:
    """Two parsers have read the file: a citation's address finds its own text, whichever index it came from; and what
    either has found is painted over.
    """
    policy, library = client.world.documents["policy"], client.world.front.library
    box = Box(left=0.1, top=0.1, right=0.2, bottom=0.2)
    moved = tuple(replace(place, start=place.start + 11, end=place.end + 11) for place in policy.places)
    anew = replace(
        policy, text=f"Neu gelesen{policy.text}", places=moved, masked=(Place(start=0, end=3, page=1, box=box),)
    )
    assert await library.add(replace(anew, parser="p2"))
    url = f"/v1/sources/{policy.document.id}/{policy.document.version}"
    for cleared in (policy, anew):
        start = cleared.text.index("Hotelkosten")
        of = passage_digest("Hotelkosten")
        found = (await client.get(f"{url}?start={start}&end={start + 11}&of={of}", headers=bearer(USER))).json()
        assert found["text"][start : start + 11] == "Hotelkosten"
        assert found["highlight"]["of"] == of
    await client.get(f"{url}/page/1.png", headers=bearer(USER))
    assert client.world.front.page_images.asked[-1] == (1, (box,))


async def test_a_long_source_comes_as_a_window_around_the_passage(opened: Callable) -> None:
    """Spans keep counting from the beginning of the whole text."""
    from serving.settings import Limits

    client = await opened(limits=Limits(source_characters=200))
    policy = client.world.documents["policy"]
    start = policy.text.index("Abrechnung ist")
    source = (
        await client.get(
            f"/v1/sources/{policy.document.id}/{policy.document.version}?start={start}&end={start + 14}",
            headers=bearer(USER),
        )
    ).json()
    assert len(source["text"]) == 200
    assert source["length"] == len(policy.text)
    assert source["text"][start - source["text_start"] :].startswith("Abrechnung ist")


async def test_a_page_picture_has_its_personal_data_painted_over(client: Client) -> None:
    """Only the boxes of that page are handed to the painter."""
    policy = client.world.documents["policy"]
    url = f"/v1/sources/{policy.document.id}/{policy.document.version}/page"
    assert (await client.get(f"{url}/1.png", headers=bearer(USER))).headers["content-type"] == "image/png"
    assert (await client.get(f"{url}/2.png", headers=bearer(USER))).status_code == 200
    assert client.world.front.page_images.asked == [(1, ()), (2, (policy.masked[0].box,))]


@pytest.mark.parametrize("page", [1, 2])
@pytest.mark.parametrize("how", ["no mask known", "mask without box", "mask without page"])
async def test_a_page_whose_masks_are_not_all_known_is_not_drawn(client: Client, how: str, page: int) -> None:
    """A redacted text without the places of its findings gives no picture: the text view is there."""
    policy = client.world.documents["policy"]
    masked = {
        "no mask known": (),
        "mask without box": (replace(policy.masked[0], page=page, box=None),),
        "mask without page": (replace(policy.masked[0], page=None),),
    }[how]
    await client.world.front.library.keep(replace(policy, masked=masked))
    reply = await client.get(
        f"/v1/sources/{policy.document.id}/{policy.document.version}/page/{page}.png", headers=bearer(USER)
    )
    assert (reply.status_code, reply.json()["error"]["code"]) == (404, "page_not_shown")
    assert client.world.front.page_images.asked == []


async def test_a_replaced_file_is_not_shown_under_the_old_version(client: Client) -> None:
    """A picture of other bytes would not show what was cited."""
    policy = client.world.documents["policy"].document
    for content in (b"%PDF-1.7 another", None):
        client.world.landing.files = {policy.path: content} if content else {}
        reply = await client.get(f"/v1/sources/{policy.id}/{policy.version}/page/1.png", headers=bearer(USER))
        assert (reply.status_code, reply.json()["error"]["code"]) == (404, "version_gone")


def test_the_scene_is_what_it_says() -> None:
    """The policy's text is redacted and its mask has a box, or the tests above would prove nothing."""
    from serving_scene import documents

    policy = documents()["policy"]
    assert policy.decision.action is Action.redact
    assert isinstance(policy.masked[0].box, Box)
    assert any(isinstance(route, APIRoute) or hasattr(route, "path") for route in create_app(None).routes)


@pytest.mark.parametrize(("token", "may_look"), [(USER, False), (STRANGER, False), (OPERATOR, True)])
async def test_a_key_knows_whether_the_console_is_for_it(client: Client, token: str, may_look: bool) -> None:
    """Beside OpenAI's list, so that the page shows no door that stays shut."""
    told = (await client.get("/v1/models", headers=bearer(token))).json()
    assert (told["object"], told["beleg"]) == ("list", {"may_look": may_look})
