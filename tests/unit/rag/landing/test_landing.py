"""A zone is what lies in its folder, and nothing outside it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from rag.adapters.landing.folder_landing import FolderLanding
from rag.adapters.landing.zone_file import read_zone_file
from rag.errors import Permanent, Temporary
from rag.types import Classification, Zone

LANDING = FolderLanding(max_bytes=1000)


def zone(folder: Path, yaml: str = "") -> Zone:
    folder.mkdir(exist_ok=True)
    (folder / "zone.yaml").write_text(yaml, encoding="utf-8")
    return read_zone_file(folder)


async def test_only_documents_are_seen(tmp_path: Path) -> None:
    """Settings, sidecars, lock files, hidden files and links are no documents."""
    made = zone(tmp_path / "z")
    for name in ("a.txt", "a.txt.meta.yaml", "~$a.docx", ".hidden", "b.part", "ü.md"):
        (tmp_path / "z" / name).write_text("x", encoding="utf-8")
    (tmp_path / "secret.txt").write_text("x", encoding="utf-8")
    (tmp_path / "z" / "link.txt").symlink_to(tmp_path / "secret.txt")
    assert [s.path for s in await LANDING.sightings(made)] == ["a.txt", "ü.md"]


@pytest.mark.parametrize("path", ["../secret.txt", "link.txt", "/etc/passwd", "a/../../secret.txt"])
async def test_no_path_leads_out(tmp_path: Path, path: str) -> None:
    """Dots, links and absolute names are refused."""
    made = zone(tmp_path / "z")
    (tmp_path / "secret.txt").write_text("x", encoding="utf-8")
    (tmp_path / "z" / "link.txt").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(Permanent, match="leads out"):
        await LANDING.read(made, path)


async def test_a_vanished_zone_is_not_an_empty_one(tmp_path: Path) -> None:
    """Nothing may be deleted for it."""
    made = zone(tmp_path / "z")
    (tmp_path / "z" / "zone.yaml").unlink()
    (tmp_path / "z").rmdir()
    with pytest.raises(Temporary):
        await LANDING.sightings(made)


@pytest.mark.parametrize(
    ("yaml", "named"),
    [("clasification: public", "clasification"), ("classification: secret", "classification"), ("valid_until: soon", "valid_until"), ("a: [", "YAML")],
)  # fmt: skip
async def test_a_bad_sidecar_parks_its_file_and_names_the_key(tmp_path: Path, yaml: str, named: str) -> None:
    """A misspelt classification must not silently become the zone's."""
    made = zone(tmp_path / "z")
    (tmp_path / "z" / "a.txt").write_text("x", encoding="utf-8")
    (tmp_path / "z" / "a.txt.meta.yaml").write_text(yaml, encoding="utf-8")
    with pytest.raises(Permanent, match=named):
        await LANDING.read(made, "a.txt")


async def test_a_sidecar_overrides_its_zone_and_counts_as_a_change(tmp_path: Path) -> None:
    """Labels come from the nearest file, and a new sidecar makes the document due."""
    made = zone(tmp_path / "z", "classification: confidential")
    (tmp_path / "z" / "a.txt").write_text("x", encoding="utf-8")
    before = (await LANDING.sightings(made))[0].etag
    (tmp_path / "z" / "a.txt.meta.yaml").write_text("classification: public\nvalid_until: 2026-01-01", encoding="utf-8")
    read = await LANDING.read(made, "a.txt")
    assert read.labels.classification is Classification.public
    assert read.labels.valid_until == datetime(2026, 1, 1, tzinfo=UTC)
    assert (await LANDING.sightings(made))[0].etag != before


@pytest.mark.parametrize(("content", "code"), [(b"", "empty_file"), (b"x" * 1001, "too_large")])
async def test_nothing_and_too_much_are_named(tmp_path: Path, content: bytes, code: str) -> None:
    """Each with its own code."""
    made = zone(tmp_path / "z")
    (tmp_path / "z" / "a.txt").write_bytes(content)
    with pytest.raises(Permanent) as caught:
        await LANDING.read(made, "a.txt")
    assert caught.value.code == code
