"""What every landing zone promises, and what a folder with hostile content must not make of it."""

from __future__ import annotations

import asyncio
import hashlib
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from landing_places import FolderPlace, MemoryPlace, Place, StorePlace, paths, refusal, sighted

from rag.errors import Permanent, Temporary
from rag.types import Classification

MAY = datetime(2026, 5, 1, tzinfo=UTC)


class LandingContract:
    """Subclass with a fixture `place`."""

    async def test_files_are_seen_in_order(self, place: Place) -> None:
        """By path, with the zone's name and the size, whatever order they came in; folders are part of the path."""
        for path in ("b.txt", "a/z.txt", "Ä.txt", "a.txt"):
            place.put(path, path.encode())
        seen = await place.landing.sightings(place.zone)
        assert [s.path for s in seen] == sorted(["a.txt", "a/z.txt", "b.txt", "Ä.txt"])
        assert [(s.zone, s.size) for s in seen] == [(place.zone.name, len(s.path.encode())) for s in seen]

    async def test_looking_changes_nothing(self, place: Place) -> None:
        """An untouched file is seen alike every time, or every sweep would do all work again."""
        place.put("a.txt")
        place.put("b.txt")
        before = await place.landing.sightings(place.zone)
        await place.landing.read(place.zone, "a.txt")
        assert await place.landing.sightings(place.zone) == before

    async def test_what_is_seen_can_be_read(self, place: Place) -> None:
        """The document is the bytes at that path, named by place and content, labelled by its zone."""
        place.put("a/größe.txt", b"red fox")
        [seen] = await place.landing.sightings(place.zone)
        read = await place.landing.read(place.zone, seen.path)
        assert (read.content, read.path, read.zone) == (b"red fox", "a/größe.txt", place.zone.name)
        assert read.version == hashlib.sha256(b"red fox").hexdigest()
        assert read.id == place.landing.document_id(place.zone, seen.path)
        assert (read.labels.tenant, read.labels.classification) == (place.zone.tenant, place.zone.classification)
        assert read.uri
        assert "red fox" not in repr(read)

    async def test_identity_is_the_place(self, place: Place) -> None:
        """Tenant, zone and path make the id; the content does not, and the zone's folder may move."""
        zone, landing = place.zone, place.landing
        ids = {
            landing.document_id(z, path)
            for z in (zone, replace(zone, tenant="other"), replace(zone, name="other"))
            for path in ("a.txt", "b.txt")
        }
        assert len(ids) == 6
        assert landing.document_id(replace(zone, url="elsewhere"), "a.txt") in ids
        place.put("a.txt", b"one")
        before = await landing.read(zone, "a.txt")
        place.put("a.txt", b"two")
        assert (await landing.read(zone, "a.txt")).id == before.id

    async def test_the_same_content_in_two_places_is_two_documents(self, place: Place) -> None:
        """Of one version: neither hides the other."""
        place.put("a.txt", b"same")
        place.put("b.txt", b"same")
        one, two = [await place.landing.read(place.zone, path) for path in await paths(place)]
        assert one.version == two.version
        assert one.id != two.id

    @pytest.mark.parametrize("content", [b"two", b"longer than before", b"o"])
    async def test_new_content_is_a_new_version(self, place: Place, content: bytes) -> None:
        """And the file is seen as changed, also if it is as long as before; other files are not."""
        place.put("a.txt", b"one")
        place.put("b.txt", b"one")
        before = (await sighted(place, "a.txt"), await place.landing.read(place.zone, "a.txt"))
        other = await sighted(place, "b.txt")
        await asyncio.sleep(0.02)  # the file system's clock ticks every few milliseconds
        place.put("a.txt", content)
        assert await sighted(place, "a.txt") != before[0]
        assert (await place.landing.read(place.zone, "a.txt")).version != before[1].version
        assert await sighted(place, "b.txt") == other

    async def test_new_settings_of_a_zone_make_its_files_due(self, place: Place) -> None:
        """A raised classification must reach every document."""
        place.put("a.txt")
        [before] = await place.landing.sightings(place.zone)
        raised = replace(place.zone, classification=Classification.highly_confidential)
        [after] = await place.landing.sightings(raised)
        assert after.etag != before.etag
        read = await place.landing.read(raised, "a.txt")
        assert read.labels.classification is Classification.highly_confidential

    async def test_a_deleted_file_is_no_longer_seen(self, place: Place) -> None:
        """Nor read; its neighbours stay."""
        place.put("a.txt")
        place.put("b.txt")
        place.remove("a.txt")
        assert await paths(place) == ["b.txt"]
        assert (await refusal(place, "a.txt")).code == "file_vanished"

    async def test_a_vanished_zone_is_not_an_empty_one(self, place: Place) -> None:
        """Listing, reading and asking for successors all say that it is out of reach, so nothing is deleted for it."""
        place.put("a.txt")
        zone = place.zone
        place.vanish()
        for ask in (
            place.landing.sightings(zone), place.landing.supersessions(zone), place.landing.read(zone, "a.txt"),
        ):  # fmt: skip
            with pytest.raises(Temporary) as caught:
                await ask
            assert caught.value.code == "zone_vanished"
            assert zone.name in caught.value.message

    async def test_an_emptied_zone_is_empty(self, place: Place) -> None:
        """The last document can be deleted."""
        place.put("a.txt")
        place.remove("a.txt")
        assert await paths(place) == []

    async def test_settings_are_no_documents(self, place: Place) -> None:
        """Neither `zone.yaml` nor a sidecar is seen, and nobody can ask for them by name."""
        place.put("a.txt")
        place.put("a.txt.meta.yaml", b"classification: public")
        place.put("zone.yaml", b"owner: me")
        assert await paths(place) == ["a.txt"]
        for path in ("a.txt.meta.yaml", "zone.yaml"):
            await refusal(place, path)

    async def test_an_empty_file_is_seen_and_refused(self, place: Place) -> None:
        """Its owner gets a reason; it is not passed over."""
        place.put("a.txt", b"")
        assert await paths(place) == ["a.txt"]
        assert (await refusal(place, "a.txt")).code == "empty_file"

    async def test_names_are_composed(self, place: Place) -> None:
        """What macOS writes in pieces is seen, stored and read under the one name that people type."""
        for path in ("Grüße.txt", "Büro/Maße.txt"):
            place.put(unicodedata.normalize("NFD", path), path.encode())
        assert await paths(place) == sorted(["Grüße.txt", "Büro/Maße.txt"])
        for path in ("Grüße.txt", "Büro/Maße.txt"):
            assert (await place.landing.read(place.zone, path)).content == path.encode()

    @pytest.mark.parametrize(
        "path",
        ["", ".", "..", "../secret.txt", "/secret.txt", "a/../../secret.txt", "a/./b.txt", "a//b.txt", "a.txt/", "a.txt/b",
         "a\0.txt", "a" * 5000, "/".join("abc" * 1000), "~", "%2e%2e/secret.txt", "..\\secret.txt", "C:\\secret.txt"],
    )  # fmt: skip
    async def test_no_path_leads_anywhere_else(self, place: Place, path: str) -> None:
        """What is not exactly the path of a document is refused for good, whatever it is made of."""
        place.put("a.txt")
        place.put("a/b.txt")
        await refusal(place, path)

    async def test_a_successor_ends_its_predecessor(self, place: Place) -> None:
        """The earliest of several counts; files that nobody replaces are not named."""
        for name in ("old.txt", "new.txt", "newer.txt", "other.txt"):
            place.put(name)
        assert await place.landing.supersessions(place.zone) == {}
        place.supersede("old.txt", "new.txt", MAY)
        assert await place.landing.supersessions(place.zone) == {"old.txt": MAY}


class TestMemoryLanding(LandingContract):
    @pytest.fixture
    def place(self) -> MemoryPlace:
        return MemoryPlace()


class TestFolderLanding(LandingContract):
    @pytest.fixture
    def place(self, tmp_path: Path) -> FolderPlace:
        (tmp_path / "secret.txt").write_bytes(b"SECRET")
        return FolderPlace(tmp_path)


class TestStoreLanding(LandingContract):
    @pytest.fixture
    def place(self) -> StorePlace:
        return StorePlace()

    async def test_a_store_that_cannot_be_listed_is_no_empty_zone(
        self, place: StorePlace, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An expired credential, in whatever words the vendor says it; none of them is passed on."""
        place.put("a.txt")

        def refuse(*_: object, **__: object) -> None:
            raise RuntimeError("AKIAIOSFODNN7EXAMPLE is not allowed")

        monkeypatch.setattr(type(place.store), "find", refuse)
        with pytest.raises(Temporary) as caught:
            await place.landing.sightings(place.zone)
        assert "AKIA" not in f"{caught.value}"

    async def test_its_own_settings_take_effect(self, place: StorePlace) -> None:
        """And make every file due."""
        place.put("a.txt")
        before = await sighted(place, "a.txt")
        place.put("zone.yaml", b"classification: confidential\nretention_days: 30\n")
        current = await place.landing.zone(place.zone)
        assert (current.classification, current.retention_days) == (Classification.confidential, 30)
        assert (await place.landing.sightings(current))[0].etag != before.etag
        place.put("zone.yaml", b"x" * 100_000)
        with pytest.raises(Permanent, match="larger"):
            await place.landing.zone(place.zone)

    @pytest.mark.parametrize(
        ("url", "code"),
        [
            ("http://127.0.0.1:8600/", "store_not_supported"), ("ftp://host/x", "store_not_supported"),
            ("file::s3://bucket/x", "store_not_supported"), ("s3://bucket/x::file:///etc", "store_not_supported"),
            ("local:///etc", "store_not_supported"), ("s3://key:secret@bucket/x", "secret_in_address"),
        ],
    )  # fmt: skip
    async def test_only_object_stores_are_opened(self, place: StorePlace, url: str, code: str) -> None:
        """No address leads into this machine or its network, and none holds a secret that would be shown."""
        with pytest.raises(Permanent) as caught:
            await place.landing.sightings(replace(place.zone, url=url))
        assert caught.value.code == code
        assert "secret@" not in f"{caught.value}"
