"""Tenants in shards of their own, on a Qdrant cluster: what the real client says to a server.

No cluster can be had here, and the client's own engine knows no shards. So the server is a local one that remembers shard keys
as the documentation has it (a shard must be there before it is written to or asked) and records what it is told; that a real
cluster takes it was not tried.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest
from index_scene import PROFILE, access, chunk
from qdrant_client import AsyncQdrantClient

from rag.adapters.index import remote
from rag.adapters.index.payload import payload_of
from rag.adapters.index.qdrant_store import QdrantStore
from rag.adapters.index.remote import OPEN, Names, Point
from rag.types import Classification

VECTOR = np.ones(PROFILE.dimension, dtype=np.float32)


@dataclass
class Cluster:
    url: str = ""
    collections: dict[str, Any] = field(default_factory=dict)
    shards: dict[str, set[str]] = field(default_factory=dict)
    written: list[tuple[str, list[str]]] = field(default_factory=list)
    asked: list[Any] = field(default_factory=list)

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        match = re.fullmatch(r"/collections/([^/]+)(.*)", path)
        name, rest = (match[1], match[2]) if match else ("", path)
        known = self.shards.setdefault(name, set())
        match method, rest:
            case "GET", "/exists":
                return 200, {"exists": name in self.collections}
            case "PUT", "":
                self.collections[name] = body
                return 200, True
            case "PUT", "/index":
                return 200, {"operation_id": 1, "status": "completed"}
            case "GET", "/shards":
                return 200, {"shard_keys": [{"key": key} for key in sorted(known)]}
            case "PUT", "/shards":
                known.add(body["shard_key"])
                return 200, True
            case "PUT", "/points":
                if body.get("shard_key") not in known:
                    return 400, "Shard key not specified or not there"
                self.written.append((body["shard_key"], [one["payload"]["tenant"] for one in body["points"]]))
                return 200, {"operation_id": 1, "status": "completed"}
            case "POST", "/points/query/batch":
                self.asked += [one.get("shard_key") for one in body["searches"]]
                return 200, [{"points": []} for _ in body["searches"]]
        return 404, "unknown"


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    made = Cluster()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"null")
            code, result = made.answer(self.command, self.path.partition("?")[0], body)
            status = "ok" if code == 200 else {"error": result}
            content = json.dumps({"result": result if code == 200 else None, "status": status, "time": 0.0}).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def do_PUT(self) -> None:
            self.do_GET()

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


def point(tenant: str, number: int) -> Point:
    one = chunk(f"Rule {number}", document=f"d{number}", tenant=tenant)
    payload = {**payload_of(one), "chunk": one.id, "read_since": 1, "read_until": OPEN}
    return Point(id=remote.point_id(one.id, 1), dense=VECTOR, words={1: 1.0}, payload=payload)


@pytest.fixture
async def client(cluster: Cluster) -> Iterator[AsyncQdrantClient]:
    made = AsyncQdrantClient(cluster.url, check_compatibility=False)
    yield made
    await made.close()


async def test_each_tenant_is_written_to_and_searched_in_its_own_shards(
    cluster: Cluster, client: AsyncQdrantClient
) -> None:
    """Made with its first chunk, by whichever process; one that has none is not asked for, and finds nothing."""
    names, part = Names(prefix="test", profile=PROFILE), Classification.internal
    store, beside = (QdrantStore(client, names, sharded=True) for _ in range(2))
    await store.create()
    assert cluster.collections[names.of(part)]["sharding_method"] == "custom"
    await store.write(part, [point("acme", 1), point("rival", 2), point("acme", 3)])
    await beside.write(part, [point("acme", 4)])
    assert cluster.written == [("acme", ["acme", "acme"]), ("rival", ["rival"]), ("acme", ["acme"])]
    for tenant in ("acme", "nobody"):
        wanted = remote.granted(access(tenant=tenant), 1)
        assert (await beside.propose(part, wanted, VECTOR, {1: 1.0}, 5)).dense == {}
    assert cluster.asked == ["acme", "acme"]


async def test_without_the_setting_nothing_is_said_of_shards(cluster: Cluster, client: AsyncQdrantClient) -> None:
    """A single server would refuse it."""
    names = Names(prefix="test", profile=PROFILE)
    store = QdrantStore(client, names)
    await store.create()
    assert all(body.get("sharding_method") is None for body in cluster.collections.values())
    await store.propose(Classification.internal, remote.granted(access(), 1), VECTOR, {}, 5)
    assert cluster.asked == [None]
