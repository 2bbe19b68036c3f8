"""What the index contract does not ask of Azure AI Search: a service that is busy, behind, closed or away, and odd names.

The SDK is the real one; the service is a local server that speaks its protocol.
"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path

import pytest
from azure.core.credentials import AzureKeyCredential
from azure_search_service import KEY, BadRequestError, Service, parsed, search_service
from index_scene import PROFILE, Scene, chunk

from rag.adapters.index.azure_store import AzureStore
from rag.adapters.index.opening import azure_search
from rag.adapters.index.remote import Names
from rag.adapters.index.remote_reader import RemoteReader
from rag.adapters.index.remote_writer import RemoteWriter
from rag.errors import Permanent, Temporary

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


def test_without_a_key_there_has_to_be_an_identity(tmp_path: Path) -> None:
    """One sentence that says what to install, instead of an import error."""
    pytest.importorskip("azure.core")
    try:
        import azure.identity  # noqa: F401
    except ImportError:
        with pytest.raises(Permanent, match="azure-identity"):
            azure_search(
                "https://x.example",
                key=None,
                prefix="test",
                lock=tmp_path,
                embedder="e",
                dimension=3,
                terms="k",
                keep=3,
            )


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
