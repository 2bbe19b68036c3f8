"""Addresses of stores are typed by people, shown, logged and stored."""

from __future__ import annotations

import fsspec
import pytest

from rag.adapters.landing.store_address import canonical, missing_package, opened
from rag.adapters.landing.store_landing import StoreLanding
from rag.errors import Permanent, Temporary
from rag.types import Classification, Zone


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("az://docs/a", "abfs://docs/a"), ("abfss://docs/a/", "abfs://docs/a"), ("s3a://bucket/a", "s3://bucket/a"),
        ("abfs://docs@house.dfs.core.windows.net/Größe %20", "abfs://docs@house.dfs.core.windows.net/Größe %20"),
        ("abfs://house.dfs.core.windows.net/docs/a", "abfs://house.dfs.core.windows.net/docs/a"),
        ("az://$root/a", "abfs://$root/a"), ("az://my-docs/x@y:z", "abfs://my-docs/x@y:z"),
    ],
)  # fmt: skip
def test_one_place_has_one_spelling(typed: str, kept: str) -> None:
    """Or a zone could be added twice."""
    assert canonical(typed) == kept


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("az://docs/a?sv=2026&sig=s3cret", "secret_in_address"), ("az://name:s3cret@docs/a", "secret_in_address"),
        ("https://house.blob.core.windows.net/docs?sig=s3cret", "secret_in_address"),
        ("https://house.blob.core.windows.net/docs", "store_not_supported"), ("az://", "bad_address"),
        ("az://docs@evil.example/a", "bad_address"), ("az://docs@house.dfs.core.windows.net.evil.example/a", "bad_address"),
        ("az://house.blob.core.windows.net/docs", "bad_address"), ("az://Docs/a", "bad_address"), ("az://d--s/a", "bad_address"),
        ("az://127.0.0.1/a", "bad_address"), ("az://docs:1/a", "bad_address"), ("simplecache::az://docs/a", "store_not_supported"),
        ("file:///etc", "store_not_supported"), ("", "store_not_supported"),
    ],
)  # fmt: skip
def test_other_addresses_are_refused(url: str, code: str) -> None:
    """With what to write instead, and never with a secret."""
    with pytest.raises(Permanent) as caught:
        canonical(url)
    assert caught.value.code == code
    assert caught.value.hint
    assert "s3cret" not in f"{caught.value}"


def test_an_account_has_to_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the address or in the environment: adlfs would say it in words that name no way out."""
    for name in ("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_CONNECTION_STRING"):
        monkeypatch.delenv(name, raising=False)
    fsspec.get_filesystem_class("abfs").clear_instance_cache()  # what an earlier test has opened
    with pytest.raises(Permanent, match="AZURE_STORAGE_ACCOUNT_NAME"):
        opened("az://docs/a")


def test_what_is_not_installed_is_named() -> None:
    """Azure is; Amazon's and Google's are the operator's to add."""
    assert missing_package("az://docs/a") is None
    assert missing_package("memory://docs") is None
    assert missing_package("gs://docs") in {None, "gcsfs"}


async def test_a_dead_account_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The vendor's client would go on asking for minutes, while the other zones wait."""
    monkeypatch.setenv(
        "AZURE_STORAGE_CONNECTION_STRING",
        "AccountName=a;AccountKey=a2V5;BlobEndpoint=http://127.0.0.1:9/a;",
    )
    zone = Zone(name="docs", url="az://docs/a", tenant="t", owner="o", classification=Classification.internal)
    with pytest.raises(Temporary) as caught:
        await StoreLanding().sightings(zone)
    assert caught.value.code == "zone_vanished"
