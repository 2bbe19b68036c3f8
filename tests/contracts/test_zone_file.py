"""`zone.yaml` and sidecars that are wrong, huge or hostile: a clear no that names the key, and never lower labels."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from rag.adapters.landing.folder_landing import FolderLanding
from rag.adapters.landing.zone_file import current_zone, read_zone_file, zone_file_of
from rag.chunking import parse_settings
from rag.errors import Permanent
from rag.types import Classification

MERGES = "a: &a {x: 1}\n" + "".join(
    f"{new}: &{new} {{<<: [{', '.join([f'*{old}'] * 9)}]}}\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
LAUGHS = "a: &a [x]\n" + "".join(
    f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)

BAD = [
    ("classification: secret", "classification"),
    ("classification: 3", "classification"),
    ("classification: no", "classification"),
    ("classification: [public]", "classification"),
    ("classification: Public", "classification"),
    ("clasification: public", "clasification"),
    ("valid_until: soon", "valid_until"),
    ("valid_until: 2026-02-30", "YAML"),
    ("valid_from: 2026-13-01", "YAML"),
    ("readers: board", "readers"),
    ("readers: [1]", "readers"),
    ("readers: {board: true}", "readers"),
    ("hold: someday", "hold"),
    ("held: true", "held"),
    ("classification: highly_confidential\nclassification: public", "YAML"),
    ("a: [", "YAML"),
    ("\tclassification: public", "YAML"),
    ("classification: public\n---\nclassification: public", "YAML"),
    ("!!python/object/apply:os.system ['touch owned']", "YAML"),
    ("- classification", "the file"),
    ("just words", "the file"),
    ("[]", "the file"),
    ("0", "the file"),
    ("1" * 5000, "YAML"),
    ("a: " + "[" * 5000, "YAML"),
    ("readers: &r [board]", "YAML"),
    (MERGES, "YAML"),
    (LAUGHS, "YAML"),
    ("classification: public\x00", "YAML"),
    ("#" * 70_000, "larger"),
    ("\n".join(f"key{n}: 1" for n in range(4000)), "key0"),
    (f"{'k' * 1000}: 1", "kkk"),
    ("valid_until: 2026", "valid_until must be a date"),
    ("valid_until: soon", "valid_until must be a date"),
    ("readers: board", "readers must be a list"),
    ("classification: secret", "classification must be one of public,"),
    ("unbekannt: 1", "unbekannt is not known here"),
]


BAD_CHUNKING = [
    ("chunking: {slide: {target: 80}}", "chunking.slide"),
    ("chunking: {slides: {size: 80}}", "chunking.slides.size"),
    ("chunking: {slides: {target: '80'}}", "chunking.slides.target"),
    ("chunking: [slides]", "chunking"),
    ("chunking: 80", "chunking"),
]


def zone_refusal(folder: Path) -> Permanent:
    with pytest.raises(Permanent) as caught:
        read_zone_file(folder)
    assert caught.value.code == "bad_zone_file"
    return caught.value


def sidecar_refusal(folder: Path) -> Permanent:
    """Of a file beside which the same content lies as sidecar."""
    import asyncio

    (folder / "zone.yaml").rename(folder / "a.txt.meta.yaml")
    (folder / "a.txt").write_bytes(b"x")
    zone = read_zone_file(folder)
    with pytest.raises(Permanent) as caught:
        asyncio.run(FolderLanding().read(zone, "a.txt"))
    assert caught.value.code == "bad_sidecar"
    return caught.value


@pytest.mark.parametrize("refusal", [zone_refusal, sidecar_refusal])
@pytest.mark.parametrize(("yaml", "named"), BAD, ids=range(len(BAD)))
def test_bad_settings_are_refused_in_one_short_message(
    tmp_path: Path, refusal: Callable[[Path], Permanent], yaml: str, named: str
) -> None:
    """It names the file and the key, has a hint, and is short whatever the file holds; nothing is run or expanded."""
    (tmp_path / "zone.yaml").write_text(yaml, encoding="utf-8")
    refused = refusal(tmp_path)
    assert named in refused.message
    assert ".yaml" in refused.message
    assert refused.hint
    assert len(refused.message) < 1000
    assert not Path("owned").exists()


@pytest.mark.parametrize(
    "content", [b"\xff\xfe\x00", b"classification: \xe4", "classification: public".encode("utf-16")]
)
def test_settings_that_are_no_text_are_refused(tmp_path: Path, content: bytes) -> None:
    """Rather than read as if they said nothing."""
    (tmp_path / "zone.yaml").write_bytes(content)
    zone_refusal(tmp_path)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"# only a comment\n", b"---\n", b"\xef\xbb\xbf"])
def test_settings_that_say_nothing_leave_the_defaults(tmp_path: Path, content: bytes) -> None:
    """An empty file is allowed, as a mark that the folder is meant."""
    (tmp_path / "zone.yaml").write_bytes(content)
    assert read_zone_file(tmp_path).classification is Classification.internal


def test_a_mark_of_the_byte_order_is_no_mistake(tmp_path: Path) -> None:
    """Editors on Windows write one."""
    (tmp_path / "zone.yaml").write_bytes(b"\xef\xbb\xbfclassification: public\r\nowner: me\r\n")
    assert read_zone_file(tmp_path).classification is Classification.public


def lead_nowhere(path: Path) -> None:
    path.symlink_to("nowhere")


def be_a_folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize("make", [lead_nowhere, be_a_folder])
def test_settings_that_cannot_be_read_are_not_the_defaults(tmp_path: Path, make: Callable[[Path], None]) -> None:
    """A confidential zone must not become an internal one because its settings were moved."""
    make(tmp_path / "zone.yaml")
    zone_refusal(tmp_path)
    (tmp_path / "zone.yaml").rename(tmp_path / "aside")
    zone = read_zone_file(tmp_path)
    (tmp_path / "a.txt").write_bytes(b"x")
    make(tmp_path / "a.txt.meta.yaml")
    import asyncio

    with pytest.raises(Permanent) as caught:
        asyncio.run(FolderLanding().read(zone, "a.txt"))
    assert caught.value.code == "bad_sidecar"


def test_an_operator_may_link_the_settings(tmp_path: Path) -> None:
    """Mounted settings are links; the operator put them there."""
    (tmp_path / "zone").mkdir()
    (tmp_path / "settings.yaml").write_text("classification: confidential", encoding="utf-8")
    (tmp_path / "zone" / "zone.yaml").symlink_to(tmp_path / "settings.yaml")
    assert read_zone_file(tmp_path / "zone").classification is Classification.confidential


@pytest.mark.parametrize("name", ["two\\nlines", "bell\\a", "\\u202Eevil", " "])
@pytest.mark.parametrize("key", ["name", "tenant"])
def test_names_are_one_line(tmp_path: Path, key: str, name: str) -> None:
    """They become identities and log lines: no two zones may share one by a line break in a name."""
    (tmp_path / "zone.yaml").write_text(f'{key}: "{name}"', encoding="utf-8")
    assert key in zone_refusal(tmp_path).message
    (tmp_path / "zone.yaml").unlink()
    with pytest.raises(Permanent):
        read_zone_file(tmp_path, **{key: name.encode().decode("unicode_escape")})  # type: ignore[arg-type]


@pytest.mark.parametrize("folder", ["nowhere", "a.txt", "a.txt/b", "x" * 300])
def test_what_is_no_folder_is_said_so(tmp_path: Path, folder: str) -> None:
    """A name that cannot be one ends the same way."""
    (tmp_path / "a.txt").write_bytes(b"x")
    with pytest.raises(Permanent) as caught:
        read_zone_file(tmp_path / folder)
    assert caught.value.code == "no_such_folder"


def test_an_odd_folder_makes_a_plain_name(tmp_path: Path) -> None:
    """The zone's name comes from the folder when nothing else is said, and can be typed."""
    for odd, plain in (("Größe & Maße", "größe-maße"), ("...", "zone"), ("-rf", "rf")):
        (tmp_path / odd).mkdir()
        assert read_zone_file(tmp_path / odd).name == plain


@pytest.mark.parametrize("raw", [b"\xff\xfe", b"two\nlines"])
def test_a_folder_whose_name_cannot_be_stored_is_refused(tmp_path: Path, raw: bytes) -> None:
    """In one sentence, when it is added, and not later by the database."""
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + raw))
    folder.mkdir()
    with pytest.raises(Permanent, match="folder"):
        read_zone_file(folder)


@pytest.mark.parametrize(("yaml", "named"), BAD_CHUNKING)
def test_bad_chunk_rules_are_refused_by_name(tmp_path: Path, yaml: str, named: str) -> None:
    """A zone that would be cut otherwise than its owner has written is not swept."""
    (tmp_path / "zone.yaml").write_text(yaml, encoding="utf-8")
    assert named in zone_refusal(tmp_path).message


def test_chunk_rules_of_a_zone_are_read(tmp_path: Path) -> None:
    """What the file says, unless it was given when the zone was added."""
    (tmp_path / "zone.yaml").write_text("chunking: {slides: {target: 80, merges: true}}\n", encoding="utf-8")
    found = read_zone_file(tmp_path)
    assert [str(cell) for cell in found.chunking] == ["slides.merges=true", "slides.target=80"]
    given = parse_settings(["web.most=90"])
    added = read_zone_file(tmp_path, chunking=given)
    assert added.chunking == current_zone(zone_file_of(tmp_path), added).chunking == given
    assert current_zone(zone_file_of(tmp_path), replace(found, chunking=())).chunking == found.chunking


@pytest.mark.parametrize(("asked", "is_held"), [("hold: true\n", True), ("hold: false\n", False), ("", False)])
def test_a_hold_counts_when_the_zone_is_added_and_never_again(tmp_path: Path, asked: str, is_held: bool) -> None:
    """Who may write into a folder can neither publish it that way nor stop what is published."""
    (tmp_path / "zone.yaml").write_text(asked, encoding="utf-8")
    assert read_zone_file(tmp_path).held is is_held
    for said in ("hold: true\n", "hold: false\n", ""):
        (tmp_path / "zone.yaml").write_text(said, encoding="utf-8")
        for known in (True, False):
            zone = replace(read_zone_file(tmp_path), held=known)
            assert current_zone(zone_file_of(tmp_path), zone).held is known
