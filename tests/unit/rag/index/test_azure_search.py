"""What the index contract does not ask of Azure AI Search: a service that is busy, behind, closed or away, and odd names.

The SDK is the real one; the service is a local server that speaks its protocol.
"""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AzureKeyCredential
from azure_search_service import KEY, TOKEN, BadRequestError, Service, parsed, search_service
from azurite import self_signed
from hypothesis import given
from hypothesis import strategies as st
from index_scene import PROFILE, Scene, chunk

from rag.adapters.index.azure_filters import odata
from rag.adapters.index.azure_semantic import SemanticIndex
from rag.adapters.index.azure_store import AzureStore
from rag.adapters.index.opening import azure_search
from rag.adapters.index.remote import In, Names, Wanted
from rag.adapters.index.remote_reader import RemoteReader
from rag.adapters.index.remote_writer import RemoteWriter
from rag.errors import Temporary
from rag.testing import MemoryLibrary
from rag.types import Classification

NAMES = Names(prefix="test", profile=PROFILE)


@pytest.fixture
def service() -> Iterator[Service]:
    with search_service() as made:
        yield made


@pytest.fixture
async def store(service: Service) -> AsyncIterator[AzureStore]:
    async with aclosing(AzureStore(service.url, AzureKeyCredential(KEY), NAMES, first_pause_s=0.01)) as made:
        yield made


def writer(store: AzureStore, tmp_path: Path) -> RemoteWriter:
    return RemoteWriter(store, profile=PROFILE, lock=tmp_path / "lock")


async def test_thousands_of_chunks_go_in_batches_and_come_back(
    service: Service, store: AzureStore, tmp_path: Path
) -> None:
    """The service takes and gives a thousand at once; nothing is lost on the way, and every document is counted."""
    async with writer(store, tmp_path) as one:
        scene = Scene(one, RemoteReader(store, profile=PROFILE))
        await scene.publish([chunk(f"Rule {n}", document=f"d{n % 7}", position=n) for n in range(2300)])
        held = await one.holds([f"d{n}" for n in range(7)])
        assert sum(held.values()) == 2300
        assert await one.retain("d0", None) == held["d0"]
        await scene.publish()
        assert await one.holds(["d0"]) == {}
    assert service.requests.count("POST /indexes") == 5


async def test_a_dropped_index_leaves_nothing(service: Service, store: AzureStore, tmp_path: Path) -> None:
    """Indexes and alias go; dropping it again does nothing."""
    async with writer(store, tmp_path) as one:
        await Scene(one, RemoteReader(store, profile=PROFILE)).publish([chunk("Rule")])
    assert service.indexes
    await store.drop()
    await store.drop()
    assert (service.indexes, service.aliases) == ({}, {})


async def test_only_the_documents_that_were_refused_come_again(
    service: Service, store: AzureStore, tmp_path: Path
) -> None:
    """A batch that comes back with 207 is not written twice."""
    service.busy_every = 2
    async with writer(store, tmp_path) as one:
        scene = Scene(one, RemoteReader(store, profile=PROFILE))
        await scene.publish([chunk(f"Rule {n}", position=n) for n in range(20)])
        assert len(await scene.ask("rule")) == 20
    assert service.refused


async def test_names_with_every_sign_of_the_filter_language_leak_nothing(store: AzureStore, tmp_path: Path) -> None:
    """A group called like a piece of a filter is a name."""
    odd = ["O'Brien", "a') or (tenant eq 'x", "b|c", "d,e", "' or '1' eq '1"]
    async with writer(store, tmp_path) as one:
        scene = Scene(one, RemoteReader(store, profile=PROFILE))
        await scene.publish([
            chunk(f"Rule of {n}", document=f"d{n}", readers=frozenset({name})) for n, name in enumerate(odd)
        ])  # fmt: skip
        for number, name in enumerate(odd):
            assert await scene.texts("rule", groups=frozenset({name})) == [f"Rule of {number}"]
        assert await scene.texts("rule", groups=frozenset({"' or true or '"})) == []
        assert await scene.texts("rule") == []


async def test_a_wrong_key_and_a_service_that_is_away_are_temporary(service: Service, tmp_path: Path) -> None:
    """Said without the key."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{probe.getsockname()[1]}"
    index = azure_search(
        service.url,
        key="wrong-key",
        publications=MemoryLibrary(),
        prefix="test",
        lock=tmp_path / "lock",
        embedder="e",
        dimension=3,
        terms="k",
        keep=3,
    )
    with pytest.raises(Temporary) as caught:
        await index.writer().__aenter__()
    assert "wrong-key" not in f"{caught.value}{caught.value.__cause__!r}"
    with pytest.raises(Temporary):
        index.identity()
    await index.close()
    assert nobody


class Identity(BaseHTTPRequestHandler):
    """What a container app or a function asks for the token of its managed identity."""

    def do_GET(self) -> None:
        known = (
            self.headers.get("X-IDENTITY-HEADER") == "platform"
            and "resource=https%3A%2F%2Fsearch.azure.com" in self.path
        )
        content = json.dumps({"access_token": TOKEN, "expires_on": "4000000000", "token_type": "Bearer"}).encode()
        self.send_response(200 if known else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


async def test_without_a_key_the_machines_identity_opens_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real `DefaultAzureCredential` asks the platform for a token of that service; over TLS, or the SDK sends none."""
    for name in [name for name in os.environ if name.startswith(("AZURE_", "IDENTITY_"))]:
        monkeypatch.delenv(name)
    certificate = self_signed(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
    platform = ThreadingHTTPServer(("127.0.0.1", 0), Identity)
    threading.Thread(target=platform.serve_forever, daemon=True).start()
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{platform.server_address[1]}/token")
    monkeypatch.setenv("IDENTITY_HEADER", "platform")
    options: dict[str, Any] = {
        "publications": MemoryLibrary(),
        "key": None,
        "prefix": "test",
        "lock": tmp_path / "lock",
        "embedder": "e",
        "dimension": 3,
        "terms": "k",
        "keep": 3,
    }
    with search_service(certificate=certificate) as service:
        index = azure_search(service.url, **options)
        assert index.identity() == ""
        await index.close()
    platform.shutdown()
    with search_service() as plain:
        index = azure_search(plain.url, **options)
        with pytest.raises(Temporary):
            index.identity()
        assert plain.requests == []
        await index.close()


async def test_a_service_that_asks_for_patience_gets_a_little(
    service: Service, store: AzureStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`Retry-After` is kept up to a bound: nobody's question waits for an hour."""
    slept: list[float] = []
    monkeypatch.setattr(
        "azure.core.pipeline.transport.RequestsTransport.sleep", lambda _, seconds: slept.append(seconds)
    )
    service.busy = ["1", "86400"]
    async with writer(store, tmp_path) as one:
        await one.publish()
    assert slept == [1.0, 10.0]


async def test_long_chunks_go_in_smaller_batches(service: Service, store: AzureStore, tmp_path: Path) -> None:
    """The service takes 16 MB at once, and refuses what is more."""
    async with writer(store, tmp_path) as one:
        scene = Scene(one, RemoteReader(store, profile=PROFILE))
        await scene.publish([chunk(f"Rule {n} " + "ö" * 100_000, position=n) for n in range(40)])
        assert sum((await one.holds(["handbook"])).values()) == 40


async def test_the_semantic_ranker_orders_what_was_found(tmp_path: Path) -> None:
    """It reads only hits that the asker may see; where the plan has none, the order stays as it was."""
    with search_service() as service:
        made = AzureStore(service.url, AzureKeyCredential(KEY), NAMES, first_pause_s=0.01, semantic=True)
        async with aclosing(made) as store, writer(store, tmp_path) as one:
            plain = RemoteReader(store, profile=PROFILE)
            scene = Scene(one, SemanticIndex(plain, store))
            texts = ["notice notice notice notice", "the notice period is three months", "months"]
            await scene.publish([
                *(chunk(text, document=f"d{n}") for n, text in enumerate(texts)),
                chunk("the notice period of the board", document="secret", readers=frozenset({"board"})),
                chunk("a notice period of three years", document="x", classification=Classification.confidential),
            ])  # fmt: skip
            hits = await scene.ask("the notice period is three")
            assert [hit.chunk.document_id for hit in hits] == ["d1", "x", "d0", "d2"]
            assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
            assert [hit.chunk.document_id for hit in await scene.ask("the notice period is three", limit=1)] == ["d1"]
            service.has_ranker = False
            assert len(await scene.ask("the notice period is three")) == 4
            assert await scene.ask("the notice period is three", limit=0) == []


@given(st.text(min_size=1).filter(lambda text: "\0" not in text), st.text(min_size=1))
def test_a_filter_holds_any_name_and_no_other(name: str, other: str) -> None:
    """Whatever a group is called, nothing in its name is read as a part of the filter."""
    test = parsed(odata(Wanted((In("readers", (name,)), In("tenant", (name, "x"))))), FIELDS)
    assert test({"readers": [name], "tenant": name})
    assert test({"readers": [other], "tenant": name}) is (other == name)


# --- the local server is as strict as the service -----------------------------------------------------------------

FIELDS = {
    "tenant": {"name": "tenant", "type": "Edm.String", "filterable": True},
    "text": {"name": "text", "type": "Edm.String"},
    "readers": {"name": "readers", "type": "Collection(Edm.String)", "filterable": True},
    "since": {"name": "since", "type": "Edm.Int64", "filterable": True},
}


@pytest.mark.parametrize(
    ("said", "holds"),
    [
        ("tenant eq 'a'", True), ("tenant eq 'a' and since gt 3", False), ("tenant eq 'b' or since le 3", True),
        ("not (tenant eq 'a')", False), ("search.in(tenant, 'b,a', ',')", True), ("search.in(tenant, 'b', ',')", False),
        ("readers/any(one: one eq 'O''Brien')", True), ("readers/any(one: search.in(one, 'x|y', '|'))", False),
        ("(tenant eq 'a' or false) and since eq 3", True),
    ],
)  # fmt: skip
def test_filters_mean_what_they_say(said: str, holds: bool) -> None:
    """The language of the service, as far as it is used."""
    document = {"tenant": "a", "text": "x", "readers": ["O'Brien"], "since": 3}
    assert parsed(said, FIELDS)(document) is holds


@pytest.mark.parametrize(
    "said", ["text eq 'x'", "unknown eq 'x'", "tenant eq", "tenant == 'a'", "tenant eq 'a' and", "(tenant eq 'a'", "readers eq 'x' x"],
)  # fmt: skip
def test_what_the_service_would_not_take_is_refused(said: str) -> None:
    """A field that is not filterable, one that is not there, and half a sentence."""
    with pytest.raises(BadRequestError):
        parsed(said, FIELDS)
