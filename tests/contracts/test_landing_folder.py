"""What a folder with hostile content must not make of a landing zone."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import threading
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from landing_places import MOST, FolderPlace, just_before, nobody, paths, refusal, sighted

from rag.errors import BelegError, Permanent, Temporary
from rag.types import Classification

MAY = datetime(2026, 5, 1, tzinfo=UTC)


# --- a folder that is not there ---------------------------------------------------------------------------------


@pytest.fixture
def place(tmp_path: Path) -> FolderPlace:
    (tmp_path / "secret.txt").write_bytes(b"SECRET")
    return FolderPlace(tmp_path)


async def test_the_place_of_an_unmounted_disk_is_not_an_emptied_zone(place: FolderPlace) -> None:
    """A mount point without its disk is a bare folder, and must not delete everything that lay on the disk."""
    place.put("a.txt")
    zone = place.zone
    place.vanish()
    place.folder.mkdir()
    with pytest.raises(Temporary, match="mounted") as caught:
        await place.landing.sightings(zone)
    assert caught.value.code == "zone_vanished"
    assert "zone.yaml" in caught.value.hint


async def test_a_file_in_the_place_of_the_zone_is_no_zone(place: FolderPlace) -> None:
    """Somebody put an archive where the folder was."""
    zone = place.zone
    place.vanish()
    place.folder.write_bytes(b"x")
    with pytest.raises(Temporary):
        await place.landing.sightings(zone)


async def test_a_zone_that_vanishes_while_it_is_listed_is_not_a_smaller_one(place: FolderPlace) -> None:
    """The disk goes between the first and the last folder: no list at all instead of a short one."""
    for name in ("a/1.txt", "b/2.txt", "0.txt"):
        place.put(name)

    def unmount() -> None:
        place.folder.rename(place.root / "elsewhere")
        place.folder.mkdir()
        place.put("b/9.txt")

    with just_before("os.scandir", place.folder / "b", unmount), pytest.raises(Temporary) as caught:
        await place.landing.sightings(place.zone)
    assert caught.value.code in {"zone_vanished", "zone_unreadable"}


@pytest.fixture
def open_place() -> Iterator[FolderPlace]:
    """Where also a user without rights may enter: pytest's own folders are closed to them."""
    folder = Path(tempfile.mkdtemp(prefix="beleg-"))
    folder.chmod(0o755)
    yield FolderPlace(folder)
    for path in folder.rglob("*"):
        path.chmod(0o700)
    shutil.rmtree(folder)


async def test_an_unreadable_file_is_its_own_fault(open_place: FolderPlace) -> None:
    """It is seen and refused with a hint; others are read."""
    open_place.put("a.txt")
    open_place.put("closed.txt")
    (open_place.folder / "closed.txt").chmod(0)
    with nobody():
        assert await paths(open_place) == ["a.txt", "closed.txt"]
        refused = await refusal(open_place, "closed.txt")
        assert (await open_place.landing.read(open_place.zone, "a.txt")).content == b"x"
    assert (refused.code, bool(refused.hint)) == ("not_readable", True)


async def test_an_unreadable_sidecar_does_not_lower_the_labels(open_place: FolderPlace) -> None:
    """What it says is unknown, so its file waits for its owner."""
    open_place.put("a.txt")
    open_place.put("a.txt.meta.yaml", b"classification: highly_confidential")
    (open_place.folder / "a.txt.meta.yaml").chmod(0)
    with nobody():
        assert (await refusal(open_place, "a.txt")).code == "bad_sidecar"


@pytest.mark.parametrize(
    ("closed", "mode"),
    [(".", 0o000), (".", 0o444), (".", 0o111), ("b", 0o000), ("b", 0o444), ("b", 0o111), ("..", 0o000), ("..", 0o444)],
)
async def test_a_closed_folder_is_not_an_empty_one(open_place: FolderPlace, closed: str, mode: int) -> None:
    """Its files have not been deleted: the zone, or the folder above it, must be opened first."""
    open_place.put("a.txt")
    open_place.put("b/c.txt")
    folder = open_place.folder / closed
    folder.chmod(mode)
    with nobody(), pytest.raises(Temporary) as caught:
        await paths(open_place)
    folder.chmod(0o755)
    assert caught.value.hint


# --- names ------------------------------------------------------------------------------------------------------

ODD_NAMES = [
    "line\nbreak.txt", "tab\t.txt", "bell\x07.txt", "\x1b[31mred.txt", "gnp\u202etxt.exe", "zero\u200bwidth.txt", " .txt",
    "ends with dot.", "a" * 251 + ".txt", "ä" * 125 + ".txt", "back\\slash.txt", "C:evil.txt", "*?.txt", "-rf", "$(id).txt",
    "a;b|c.txt", "'\".txt", "%00.txt", "%2e%2e%2fx", "名前.txt", "👩‍⚕️.txt", "...", "con", "a.txt.meta.yaml.txt", "x~", "ﬁ.txt",
]  # fmt: skip


@pytest.mark.parametrize("name", ODD_NAMES)
async def test_odd_names_are_only_names(place: FolderPlace, name: str) -> None:
    """Whatever stands in a name, the file is seen once, read, and has an identity of its own."""
    place.put(name, b"odd")
    place.put("plain.txt", b"plain")
    if name.startswith("."):
        assert await paths(place) == ["plain.txt"]
        return
    assert set(await paths(place)) == {unicodedata.normalize("NFC", name), "plain.txt"}
    read = await place.landing.read(place.zone, unicodedata.normalize("NFC", name))
    assert read.content == b"odd"
    assert read.id != place.landing.document_id(place.zone, "plain.txt")
    read.uri.encode("ascii")


@pytest.mark.parametrize("raw", [b"Gr\xfc\xdfe.txt", b"\xff\xfe.txt", b"\x80\x80", b"a\xed\xa0\x80.txt"])
async def test_names_that_are_no_text_are_read_all_the_same(place: FolderPlace, raw: bytes) -> None:
    """Names of old archives are shown with their bytes escaped, and can be stored and found again."""
    Path(os.fsdecode(os.fsencode(place.folder) + b"/" + raw)).write_bytes(b"old")
    [path] = await paths(place)
    path.encode("utf-8")
    assert "\\x" in path
    assert (await place.landing.read(place.zone, path)).content == b"old"
    assert place.landing.document_id(place.zone, path)


async def test_two_spellings_of_one_name_are_two_documents(place: FolderPlace) -> None:
    """Composed and decomposed lie side by side, each with its own words: neither is lost, and they are told apart."""
    decomposed = "Gru\\u0308ße.txt"
    place.put(unicodedata.normalize("NFD", "Grüße.txt"), b"decomposed!")
    assert await paths(place) == ["Grüße.txt"]
    place.put("Grüße.txt", b"composed")
    assert await paths(place) == sorted([decomposed, "Grüße.txt"])
    for path, content in (("Grüße.txt", b"composed"), (decomposed, b"decomposed!")):
        assert (await sighted(place, path)).size == len(content)
        assert (await place.landing.read(place.zone, path)).content == content
    assert place.landing.document_id(place.zone, decomposed) != place.landing.document_id(place.zone, "Grüße.txt")


async def test_two_spellings_of_a_folder_are_told_apart(place: FolderPlace) -> None:
    """One came with an archive from another system."""
    place.put(unicodedata.normalize("NFD", "Räume") + "/plan.txt", b"theirs")
    place.put("Räume/plan.txt", b"ours")
    read = {path: (await place.landing.read(place.zone, path)).content for path in await paths(place)}
    assert read == {"Räume/plan.txt": b"ours", "Ra\\u0308ume/plan.txt": b"theirs"}


async def test_mixed_spellings_in_one_path_are_found(place: FolderPlace) -> None:
    """A folder made on one system and a file made on another."""
    place.put("Büro/" + unicodedata.normalize("NFD", "Größe.txt"), b"1")
    place.put(unicodedata.normalize("NFD", "Räume") + "/Größe.txt", b"2")
    for path in ("Büro/Größe.txt", "Räume/Größe.txt"):
        assert path in await paths(place)
        await place.landing.read(place.zone, path)


async def test_a_sidecar_in_another_spelling_still_counts(place: FolderPlace) -> None:
    """Else a document would fall back to its zone's lower class because of the system that wrote the name."""
    place.put("Größe.txt")
    place.put(unicodedata.normalize("NFD", "Größe.txt") + ".meta.yaml", b"classification: highly_confidential")
    read = await place.landing.read(place.zone, "Größe.txt")
    assert read.labels.classification is Classification.highly_confidential


async def test_folders_of_any_depth_harm_nobody(place: FolderPlace) -> None:
    """Deeper than a path can be long: what can be named is read, the zone stays readable."""
    place.put("a.txt")
    here = os.open(place.folder, os.O_RDONLY)
    for _ in range(30):
        os.mkdir("d" * 200, dir_fd=here)
        here = os.open("d" * 200, os.O_RDONLY, dir_fd=here)
    assert await paths(place) == ["a.txt"]


@pytest.mark.parametrize(
    "name",
    ["~$a.docx", ".a.txt", ".DS_Store", "._a.txt", ".~lock.a.odt#", "a.pdf.part", "a.TMP", "a.pdf.crdownload", "a.partial", ".a.txt.swp",
     ".git/config", ".Trash/a.txt", "b/.hidden/c.txt", "Thumbs.db", "desktop.ini", "b/~$c.xlsx"],
)  # fmt: skip
async def test_what_programs_leave_lying_about_is_no_document(place: FolderPlace, name: str) -> None:
    """Neither seen nor read by name."""
    place.put("a.txt")
    place.put(name)
    assert await paths(place) == ["a.txt"]
    await refusal(place, name)


# --- links and other tricks -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("link", "to", "path"),
    [
        ("link.txt", "../secret.txt", "link.txt"),
        ("link.txt", "/etc/passwd", "link.txt"),
        ("link.txt", "a.txt", "link.txt"),
        ("link.txt", "link.txt", "link.txt"),
        ("link.txt", "nowhere", "link.txt"),
        ("link", "..", "link/secret.txt"),
        ("link", "/etc", "link/passwd"),
        ("link", "b", "link/c.txt"),
        ("link", ".", "link/link/link/a.txt"),
    ],
)
async def test_links_are_not_followed(place: FolderPlace, link: str, to: str, path: str) -> None:
    """Wherever they lead: they are not listed, their targets are not read, and no loop is walked."""
    place.put("a.txt")
    place.put("b/c.txt")
    (place.folder / link).symlink_to(to)
    assert await paths(place) == ["a.txt", "b/c.txt"]
    await refusal(place, path)


async def test_a_zone_may_itself_be_a_link(place: FolderPlace) -> None:
    """The operator chose it; what it leads to is the zone."""
    place.put("a.txt")
    (place.root / "alias").symlink_to(place.folder)
    zone = replace(place.zone, url=str(place.root / "alias"))
    assert [s.path for s in await place.landing.sightings(zone)] == ["a.txt"]
    assert (await place.landing.read(zone, "a.txt")).content == b"x"


async def test_pipes_and_sockets_are_no_documents(place: FolderPlace) -> None:
    """Opening one would wait for ever."""
    os.mkfifo(place.folder / "pipe.txt")
    assert await paths(place) == []
    await refusal(place, "pipe.txt")


async def test_a_sidecar_that_is_a_link_is_refused(place: FolderPlace) -> None:
    """It could read what lies outside, and its file must not lose its labels for it."""
    place.put("a.txt")
    (place.root / "outside.yaml").write_text("SECRET_KEY: 1", encoding="utf-8")
    (place.folder / "a.txt.meta.yaml").symlink_to(place.root / "outside.yaml")
    refused = await refusal(place, "a.txt")
    assert refused.code == "bad_sidecar"
    assert "SECRET" not in str(refused)


@pytest.fixture
def secret_behind(place: FolderPlace) -> FolderPlace:
    place.put("a.txt", b"harmless")
    place.put("b/a.txt", b"harmless")
    (place.root / "a.txt").write_bytes(b"SECRET")
    return place


@pytest.mark.parametrize("path", ["a.txt", "b/a.txt"])
async def test_a_link_put_in_place_at_the_last_moment_is_not_followed(secret_behind: FolderPlace, path: str) -> None:
    """Between looking and opening somebody swaps the file, or its folder, for a link out of the zone."""
    place = secret_behind

    def swap() -> None:
        victim = place.folder / path.split("/", maxsplit=1)[0]
        victim.rename(place.root / "away")
        victim.symlink_to(place.root / "a.txt" if path == "a.txt" else place.root)

    with just_before("open", place.folder / path, swap), pytest.raises(BelegError):
        await place.landing.read(place.zone, path)


async def test_a_file_that_grows_past_the_limit_while_it_is_read_is_refused(place: FolderPlace) -> None:
    """What was small when it was looked at is not read without end."""
    place.put("a.txt", b"x")

    def grow() -> None:
        place.put("a.txt", b"x" * 50 * MOST)

    with just_before("open", place.folder / "a.txt", grow):
        assert (await refusal(place, "a.txt")).code == "too_large"


async def test_a_file_that_is_being_written_is_one_moment_or_comes_later(place: FolderPlace) -> None:
    """Never a mixture: the version is the content's, the limit holds, and the next sweep sees the rest."""
    place.put("log.txt", b"line\n")
    stop = threading.Event()

    def write() -> None:
        with (place.folder / "log.txt").open("ab", buffering=0) as file:
            while not stop.is_set() and file.tell() < MOST - 10:
                file.write(b"line\n")

    seen = await sighted(place, "log.txt")
    writer = threading.Thread(target=write)
    writer.start()
    for _ in range(50):
        try:
            read = await place.landing.read(place.zone, "log.txt")
        except Temporary:
            continue  # still being written
        assert read.content == b"line\n" * (len(read.content) // 5)
        assert read.version == hashlib.sha256(read.content).hexdigest()
    stop.set()
    writer.join()
    assert await sighted(place, "log.txt") != seen


async def test_a_large_file_is_refused_and_the_limit_itself_is_not(place: FolderPlace) -> None:
    """To the byte; a sparse file of a terabyte is no reason to read one."""
    place.put("fits.txt", b"x" * MOST)
    place.put("large.txt", b"x" * (MOST + 1))
    os.truncate(place.folder / "large.txt", 2**40)
    assert len((await place.landing.read(place.zone, "fits.txt")).content) == MOST
    refused = await refusal(place, "large.txt")
    assert refused.code == "too_large"
    os.truncate(place.folder / "large.txt", MOST + 1)
    assert (await refusal(place, "large.txt")).code == "too_large"


# --- successors -------------------------------------------------------------------------------------------------


async def test_a_successor_names_its_predecessor_from_its_own_folder(place: FolderPlace) -> None:
    """Up, down and in any spelling; the instant is the successor's own, the zone's, or at once."""
    for name in ("a/old.txt", "a/b/new.txt", "Größe.txt", "now.txt"):
        place.put(name)
    place.put("a/b/new.txt.meta.yaml", b"supersedes: ../old.txt\nvalid_from: 2026-05-01")
    place.put("now.txt.meta.yaml", f"supersedes: {unicodedata.normalize('NFD', 'Größe.txt')}".encode())
    ends = await place.landing.supersessions(place.zone)
    assert ends == {"a/old.txt": MAY, "Größe.txt": datetime.min.replace(tzinfo=UTC)}


@pytest.mark.parametrize(
    ("sidecar", "content"),
    [
        ("gone.txt.meta.yaml", "supersedes: a.txt"),
        (".hidden/b.txt.meta.yaml", "supersedes: ../a.txt"),
        ("b.txt.meta.yaml", "supersedes: b.txt"),
        ("b.txt.meta.yaml", "supersedes: [a.txt]"),
        ("b.txt.meta.yaml", "supersede: a.txt"),
    ],
)
async def test_what_is_no_document_replaces_none(place: FolderPlace, sidecar: str, content: str) -> None:
    """A sidecar without its file, in a hidden folder, of the file itself, or one that cannot be read."""
    for name in ("a.txt", "b.txt", ".hidden/b.txt"):
        place.put(name)
    place.put(sidecar, content.encode())
    assert await place.landing.supersessions(place.zone) == {}


async def test_nothing_outside_the_zone_is_replaced(place: FolderPlace) -> None:
    """A name that leads out matches no path of the zone."""
    place.put("a.txt")
    place.put("a.txt.meta.yaml", b"supersedes: ../secret.txt")
    assert not set(await place.landing.supersessions(place.zone)) & set(await paths(place))


# --- the zone's own settings ------------------------------------------------------------------------------------


async def test_a_changed_zone_file_changes_the_zone(place: FolderPlace) -> None:
    """Tightened readers and class take effect with the next sweep, which sees every file as changed."""
    place.put("a.txt")
    before = await place.landing.sightings(place.zone)
    place.put("zone.yaml", b"classification: confidential\nreaders: [technik]\ndeletion_limit: 0.5\n")
    current = await place.landing.zone(place.zone)
    assert (current.classification, current.readers) == (Classification.confidential, frozenset({"technik"}))
    assert current.deletion_limit == 0.5
    assert (await place.landing.sightings(current))[0].etag != before[0].etag
    assert current.name == place.zone.name
    assert await place.landing.zone(current) == current


async def test_what_was_given_when_a_zone_was_added_stays(place: FolderPlace) -> None:
    """An operator's word is not undone by who may write into the folder; nor is the tenant by anybody."""
    given = replace(place.zone, classification=Classification.highly_confidential, fixed=frozenset({"classification"}))
    place.put("zone.yaml", b"classification: public\nowner: somebody\n")
    current = await place.landing.zone(given)
    assert (current.classification, current.owner) == (Classification.highly_confidential, "somebody")
    place.put("zone.yaml", b"tenant: another\n")
    with pytest.raises(Permanent) as caught:
        await place.landing.zone(given)
    assert caught.value.code == "zone_tenant"


async def test_a_broken_zone_file_is_told_and_changes_nothing(place: FolderPlace) -> None:
    """The sweep ends with the key's name; nothing is read by half a rule."""
    place.put("zone.yaml", b"clasification: public\n")
    with pytest.raises(Permanent, match="clasification"):
        await place.landing.zone(place.zone)
