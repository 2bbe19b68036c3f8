"""Storage events at the door: hints for the zones of the key's tenant, and nothing else comes of whatever is sent."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from serving_scene import OPERATOR, SENDER, STRANGER, USER, Client, bearer

from rag.errors import BelegError
from rag.testing import MemoryLedger
from rag.types import Classification, Zone
from serving.notices import Spot, azure, concerns, s3

AZURE, S3 = "/v1/events/azure", "/v1/events/s3"


def placed(name: str, url: str, tenant: str = "aurelia") -> Zone:
    return Zone(name=name, url=url, tenant=tenant, owner="o", classification=Classification.internal)


ZONES = (
    placed("whole", "s3://bucket"), placed("folder", "s3://bucket/hand bücher"), placed("like", "s3://bucket/hand"),
    placed("other", "s3://bucket2"), placed("theirs", "s3://bucket", tenant="klinikum"),
    placed("blob", "abfss://docs@account.dfs.core.windows.net/hr"), placed("short", "az://docs"),
    placed("elsewhere", "abfs://docs@another.dfs.core.windows.net"), placed("local", "/srv/docs"),
)  # fmt: skip


@pytest.fixture
async def client(opened: Callable) -> Client:
    return await opened(ledger=MemoryLedger(*ZONES))


def told(client: Client) -> set[str]:
    return set(client.world.front.hints.told)


async def send(client: Client, path: str, body: object, key: str = SENDER, **more: Any) -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await client.post(path, content=content, headers=bearer(key), **more)


def blob(subject: str = "/blobServices/default/containers/docs/blobs/hr/a b.pdf", **more: object) -> dict:
    url = "https://account.blob.core.windows.net/docs/hr/a%20b.pdf"
    return {"id": "1", "topic": "/subscriptions/x", "subject": subject, "eventType": "Microsoft.Storage.BlobCreated",
            "eventTime": "2026-01-01T00:00:00Z", "data": {"api": "PutBlob", "url": url}, "dataVersion": "", **more}  # fmt: skip


def cloud(**more: object) -> dict:
    event = blob()
    return {"specversion": "1.0", "type": "Microsoft.Storage.BlobDeleted", "source": event["topic"], "id": "1",
            "subject": event["subject"], "data": event["data"], **more}  # fmt: skip


def records(*keys: str, bucket: str = "bucket") -> dict:
    return {"Records": [
        {"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
         "s3": {"s3SchemaVersion": "1.0", "bucket": {"name": bucket, "arn": f"arn:aws:s3:::{bucket}"}, "object": {"key": key}}}
        for key in keys
    ]}  # fmt: skip


async def test_event_grids_handshake_is_answered_with_its_code(client: Client) -> None:
    """Its address is not fetched: sockets are not even there."""
    data = {"validationCode": "512d38b6-c7b8", "validationUrl": "http://169.254.169.254/latest/meta-data"}
    event = blob(eventType="Microsoft.EventGrid.SubscriptionValidationEvent", data=data)
    reply = await send(client, AZURE, [event])
    assert (reply.status_code, reply.json()) == (200, {"validationResponse": "512d38b6-c7b8"})
    assert not told(client)


async def test_cloud_events_handshake_is_answered_with_its_origin(client: Client) -> None:
    """By OPTIONS, for who has a key; a header that is none is refused."""
    asked = {"WebHook-Request-Origin": "eventgrid.azure.net", "WebHook-Request-Rate": "120"}
    reply = await client.options(AZURE, headers={**bearer(SENDER), **asked})
    assert (reply.status_code, reply.headers["webhook-allowed-origin"]) == (200, "eventgrid.azure.net")
    assert reply.headers["webhook-allowed-rate"].isdigit()
    for origin in ("", "a b", "x" * 300, "<script>"):
        bad = await client.options(AZURE, headers={**bearer(SENDER), "WebHook-Request-Origin": origin})
        assert bad.status_code == 400
    assert (await client.options(AZURE, headers=asked)).status_code == 401
    assert (await client.options(AZURE, headers={**bearer(USER), **asked})).status_code == 403


@pytest.mark.parametrize("body", [[blob()], [blob(), blob()], cloud(), [cloud(), cloud()]])
async def test_azures_events_hint_at_the_zones_they_lie_in(client: Client, body: object) -> None:
    """By container, account and folder; in both schemas, one or several."""
    reply = await send(client, AZURE, body)
    assert reply.json() == {"hints": 2, "ignored": 0}
    assert told(client) == {"blob", "short"}


@pytest.mark.parametrize(
    "wrap", [lambda body: body, lambda body: {"Type": "Notification", "Message": json.dumps(body)}]
)
async def test_s3s_events_hint_at_the_zones_they_lie_in(client: Client, wrap: Callable) -> None:
    """Keys come encoded; a bucket or a folder of a like name is another. Straight and by SNS."""
    reply = await send(client, S3, wrap(records("hand+b%C3%BCcher/x.pdf")))
    assert reply.json() == {"hints": 2, "ignored": 0}
    assert told(client) == {"whole", "folder"}


async def test_what_concerns_no_zone_of_the_tenant_is_counted(client: Client) -> None:
    """Another tenant's zone on the same bucket is not told, and the reply does not say that it is there."""
    reply = await send(client, S3, {"Records": [*records("a", bucket="unknown")["Records"], {}, {"s3": {"bucket": 7}}]})
    assert reply.json() == {"hints": 0, "ignored": 3}
    reply = await send(client, AZURE, [blob(eventType="Microsoft.Resources.ResourceWriteSuccess"), blob(subject="/x")])
    assert reply.json() == {"hints": 0, "ignored": 2}
    assert (await send(client, S3, {"Service": "Amazon S3", "Event": "s3:TestEvent"})).json()["hints"] == 0
    assert not told(client)
    await send(client, S3, records("x"))
    assert "theirs" not in told(client)


async def test_sns_is_confirmed_by_a_person(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """Topic and token stand in the log; the address is not fetched, and is not in the log either."""
    token = "23364" * 45
    body = {"Type": "SubscriptionConfirmation", "TopicArn": "arn:aws:sns:eu-central-1:1:docs", "Token": token,
            "SubscribeURL": "http://169.254.169.254/"}  # fmt: skip
    assert (await send(client, S3, body)).status_code == 200
    (record,) = [r for r in caplog.records if r.name == "serving.events"]
    assert record.token_begins + record.token_ends == token
    assert max(len(record.token_begins), len(record.token_ends)) < 200
    assert "169.254" not in str(vars(record))


async def test_who_may_send(client: Client) -> None:
    """A key of events or an operator's, in the header or, without one, in the address; and such a key opens nothing else."""
    body = json.dumps(records("x")).encode()
    for key, status in ((SENDER, 200), (OPERATOR, 200), (USER, 403), (STRANGER, 403), ("blg_wrong", 401)):
        assert (await client.post(S3, content=body, headers=bearer(key))).status_code == status
        assert (await client.post(f"{S3}?key={key}", content=body)).status_code == status
    for query in (
        "",
        "?key=",
        "?key=a&key=b",
        f"?key={SENDER}&key={SENDER}",
        "?Key=" + SENDER,
        "?" + "&".join("a=1" for _ in range(99)),
    ):
        assert (await client.post(f"{S3}{query}", content=body)).status_code == 401, query
    wrong_first = await client.post(f"{S3}?key={SENDER}", content=body, headers=bearer("blg_wrong"))
    assert wrong_first.status_code == 401, "a wrong header is not mended by the address"
    for path in ("/v1/models", "/v1/health", "/v1/search"):
        assert (await client.get(path, headers=bearer(SENDER))).status_code == 403
        assert (await client.get(f"{path}?key={OPERATOR}")).status_code == 401


BAD = {
    "nothing": b"", "no JSON": b"hello", "half": b'[{"a":', "binary": bytes(range(256)), "deep": b"[" * 100_000,
    "deep objects": b'{"Message":' * 10_000, "empty list": b"[]", "empty object": b"{}", "null": b"null", "number": b"1e999",
    "text": b'"x"', "list of lists": b"[[]]", "list of null": b"[null]", "surrogate": b'{"Records": "\\ud800"}',
    "records text": b'{"Records": "x"}', "records null": b'{"Records": null}', "no records": b'{"Records": []}',
    "records of text": b'{"Records": ["x"]}', "SNS in SNS": json.dumps({"Type": "Notification", "Message": "x"}).encode(),
    "SNS without": b'{"Type": "Notification"}', "too many": json.dumps({"Records": [{}] * 5_001}).encode(),
    "validation without code": b'[{"eventType": "Microsoft.EventGrid.SubscriptionValidationEvent"}]',
}  # fmt: skip


@pytest.mark.parametrize("path", [AZURE, S3])
@pytest.mark.parametrize("name", BAD)
async def test_what_is_no_event_is_a_problem_in_rfc_9457s_form(client: Client, path: str, name: str) -> None:
    """It repeats nothing of what was sent, and hints at nothing."""
    reply = await send(client, path, BAD[name])
    assert reply.status_code == 400
    assert reply.headers["content-type"] == "application/problem+json"
    assert {"type", "title", "status", "detail"} <= reply.json().keys()
    assert not told(client)


async def test_a_huge_body_is_refused(client: Client) -> None:
    """Before it is parsed, and in the same form."""
    reply = await send(client, S3, b" " * 300_000)
    assert (reply.status_code, reply.headers["content-type"]) == (413, "application/problem+json")


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["Records", "s3", "bucket", "object", "key", "name", "Type", "Message", "data", "url", "subject",
                         "eventType", "type", "Event", "validationCode"]) | st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(body=anything)
def test_whatever_json_comes_is_read_or_refused(body: object) -> None:
    """Nothing else is raised."""
    for read in (azure, s3):
        with suppress(BelegError):
            read(json.dumps(body).encode())


@pytest.mark.parametrize("path", ["../bucket2/x", "hand/../hand bücher/x", "/hand bücher//x", "hand bücher/../../x"])
def test_a_path_that_climbs_stays_in_its_bucket(path: str) -> None:
    """It is only compared, and with what it comes to."""
    (spot,) = s3(json.dumps(records(path)).encode()).spots
    assert concerns(spot, ZONES[0])
    assert not concerns(spot, ZONES[3])


def test_a_folder_is_no_prefix_of_a_name() -> None:
    """`hand` does not hold `handbook/x`."""
    spot = Spot(schemes=frozenset({"s3"}), account=None, container="bucket", path="handbook/x")
    assert not concerns(spot, ZONES[2])


@pytest.mark.parametrize(
    ("account", "path", "is_concerned"),
    [
        ("acme", "hand/x.pdf", True),
        ("other", "hand/x.pdf", False),
        ("acme", "handbook/x.pdf", False),
        (None, "hand/x", True),
    ],
)
def test_a_zone_may_name_its_container_behind_the_account(
    account: str | None, path: str, *, is_concerned: bool
) -> None:
    """`abfss://account.dfs.core.windows.net/container/folder` is the same place as with the container in front."""
    of_zone = replace(ZONES[0], url="abfss://acme.dfs.core.windows.net/docs/hand")
    spot = Spot(schemes=frozenset({"abfs", "abfss", "az"}), account=account, container="docs", path=path)
    assert concerns(spot, of_zone) is is_concerned
    assert not concerns(replace(spot, container="hand"), of_zone)
