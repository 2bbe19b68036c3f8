"""A landing zone in Azure Blob Storage, through the real adlfs and SDK, against Azurite, Microsoft's own emulator.

`python tests/azurite.py` installs it. What every landing zone promises is asked of a container here, and then what only a cloud does: credentials of every kind, and their end.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import uuid4

import adlfs
import pytest
from azurite import ACCOUNT, KEY, PROGRAM, azurite, connection_string, node, self_signed
from landing_places import StorePlace, paths, sighted
from test_landing_port import LandingContract

from rag import testing
from rag.errors import Temporary
from rag.types import Classification, Zone

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [
    pytest.mark.skipif(
        not PROGRAM.exists() or node() is None,
        reason="no Azurite here; `python tests/azurite.py` puts it into .azurite/",
    ),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with azurite(tmp_path_factory.mktemp("azurite")) as made:
        yield made


@dataclass
class BlobPlace(StorePlace):
    """Each test in a container of its own. Written by a client of our own, read by the one that the environment names."""

    address: str = ""
    root: str = field(default_factory=lambda: f"c{uuid4().hex}/zone")

    def __post_init__(self) -> None:
        self.store = adlfs.AzureBlobFileSystem(
            connection_string=connection_string(self.address), skip_instance_cache=True
        )
        self.store.mkdir(self.root.partition("/")[0])
        self.put("zone.yaml", b"name: handbook")

    @property
    def zone(self) -> Zone:
        return replace(testing.zone(), url=f"az://{self.root}")

    def vanish(self) -> None:
        self.store.rm(self.root.partition("/")[0], recursive=True)


@pytest.fixture
def place(address: str, monkeypatch: pytest.MonkeyPatch) -> BlobPlace:
    adlfs.AzureBlobFileSystem.clear_instance_cache()
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", connection_string(address))
    return BlobPlace(address=address)


class TestAzureBlobLanding(LandingContract):
    """Everything that a folder promises."""


async def test_names_that_people_give_are_seen_and_read(place: BlobPlace) -> None:
    """Umlauts, emoji, percent signs, spaces and what an address would take for its own."""
    names = ["Größe & Maß.txt", "🚀 Start.txt", "100%.txt", "a%20b.txt", "a+b=c;d.txt", "Plan #3.txt", "wer?.txt", "x@y.txt",
             "[1] (2).txt", "tief/er/und tiefer/ü.txt", "'quoted'.txt"]  # fmt: skip
    for name in names:
        place.put(name, name.encode())
        place.put(f"{name}.meta.yaml", f"title: {json.dumps(name, ensure_ascii=False)}".encode())
    assert await paths(place) == sorted(names)
    for name in names:
        read = await place.landing.read(place.zone, name)
        assert (read.content, read.title) == (name.encode(), name)


async def test_directories_of_a_hierarchical_namespace_are_no_files(place: BlobPlace) -> None:
    """There they are empty blobs with a mark; in a flat one, what some tools leave behind."""
    place.put("a/b/c.txt", b"x")
    for name, metadata in (
        ("a", {"hdi_isfolder": "true"}),
        ("a/b", {"Hdi_isfolder": "true"}),
        ("leer", {"hdi_isfolder": "true"}),
    ):
        with _container(place).get_blob_client(f"zone/{name}") as blob:
            blob.upload_blob(b"", metadata=metadata, overwrite=True)
    with _container(place).get_blob_client("zone/a/b/") as blob:
        blob.upload_blob(b"")
    assert await paths(place) == ["a/b/c.txt"]
    assert (await place.landing.read(place.zone, "a/b/c.txt")).content == b"x"


async def test_the_listing_alone_tells_what_changed(place: BlobPlace) -> None:
    """Same size, same second: the etag differs. Nothing is opened for that."""
    place.put("a.txt", b"one")
    before = await sighted(place, "a.txt")
    place.put("a.txt", b"two")
    after = await sighted(place, "a.txt")
    assert (before.size, before.etag != after.etag) == (after.size, True)
    place.put("a.txt.meta.yaml", b"classification: confidential")
    assert (await sighted(place, "a.txt")).etag != after.etag
    read = await place.landing.read(place.zone, "a.txt")
    assert (read.content, read.labels.classification) == (b"two", Classification.confidential)


async def test_a_key_that_was_changed_is_no_emptied_zone(
    place: BlobPlace, address: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The service refuses, the zone is out of reach, its documents stay; and the key stands nowhere."""
    wrong = "d3Jvbmcta2V5LW9mLXNvbWVib2R5LWVsc2U="
    monkeypatch.setenv("AZURE_STORAGE_CONNECTION_STRING", connection_string(address).replace(KEY, wrong))
    adlfs.AzureBlobFileSystem.clear_instance_cache()
    with caplog.at_level(logging.DEBUG), pytest.raises(Temporary) as caught:
        await place.landing.sightings(place.zone)
    assert caught.value.code == "zone_vanished"
    told = "".join(traceback.format_exception(caught.value)) + caplog.text
    assert wrong not in told


def _container(place: BlobPlace):
    from azure.storage.blob import ContainerClient

    container = place.root.partition("/")[0]
    return ContainerClient.from_connection_string(connection_string(place.address), container)


def test_every_kind_of_credential_and_its_end(tmp_path: Path) -> None:
    """An account key, a token for a container and a managed identity open a zone; one that ended or lies does not."""
    certificate = self_signed(tmp_path)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AZURE_", "IDENTITY_", "MSI_"))}
    with azurite(tmp_path, certificate=certificate) as tls:
        done = subprocess.run(
            [sys.executable, Path(__file__).with_name("on_azure_blob.py"), tls],
            env={**clean, "SSL_CERT_FILE": str(certificate), "FSSPEC_ABFS_ACCOUNT_HOST": tls,
                 "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}, cwd=ROOT,
            capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told == {
        "account key": ["Größe.txt", "Fünf Meter."], "token": ["Größe.txt", "Fünf Meter."],
        "managed identity": ["Größe.txt", "Fünf Meter."], "ended token": "zone_vanished", "wrong key": "zone_vanished",
        "identity of nobody": "zone_vanished", "nothing given": "zone_vanished",
        "no container": "zone_vanished", "leaked": [],
    }  # fmt: skip
    assert ACCOUNT not in done.stderr
