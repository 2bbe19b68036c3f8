"""Every file ends as text with structure, or as one sentence for its owner; nobody else is harmed."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from paper import check, document

from rag.adapters.landing.folder_landing import FolderLanding
from rag.adapters.landing.zone_file import read_zone_file
from rag.adapters.parsers.isolated import IsolatedParser
from rag.errors import Permanent

ROOT = Path(__file__).resolve().parents[4]


def docx(extra: dict[str, bytes] | None = None) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {"word/document.xml": b"<w/>", **(extra or {})}.items():
            archive.writestr(name, content)
    return out.getvalue()


@pytest.fixture(scope="module")
def parser() -> Iterator[IsolatedParser]:
    made = IsolatedParser()
    yield made
    asyncio.run(made.aclose())


@pytest.mark.parametrize(
    ("content", "path", "code"),
    [
        (b"\x00\x01\x02\x03" * 400, "notes.txt", "not_text"),
        (b"%PDF-1.7 truncated", "a.pdf", "broken_file"),
        (b"PK\x03\x04 rubbish", "a.docx", "broken_file"),
        (docx({"word/media/bomb": b"0" * 40_000_000}), "a.docx", "archive_bomb"),
        (docx({"word/evil.xml": b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'}), "a.docx", "external_entities"),
        (docx(), "a.docx", "broken_file"),
        (docx({"word/evil.xml": b"<!--" + b"x" * 5000 + b'--><!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'}), "a.docx", "external_entities"),
        (docx({"word/evil.xml": b"<!--" + b"x" * 200_000 + b"--><!DOCTYPE a><a/>"}), "a.docx", "external_entities"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 100, "a.doc", "old_or_protected_office"),
        (b"   \n\n ", "a.txt", "no_text"),
    ],
)  # fmt: skip
async def test_a_bad_file_is_one_sentence(parser: IsolatedParser, content: bytes, path: str, code: str) -> None:
    """Broken, hostile and lying files are parked with a code and a hint."""
    with pytest.raises(Permanent) as caught:
        await parser.parse(document(content, path))
    assert caught.value.code == code
    assert caught.value.hint


async def test_content_decides_not_the_extension(parser: IsolatedParser) -> None:
    """HTML under the name of a PDF is read as HTML, without its menu."""
    page = b"<html><body><nav>Menu</nav><h1>Gr\xc3\xbc\xc3\x9fe</h1><p>Der Text.</p></body></html>"
    parsed = await parser.parse(document(page, "a.pdf"))
    assert (parsed.media_type, parsed.text) == ("text/html", "Grüße\n\nDer Text.")


@pytest.mark.parametrize(
    ("content", "path", "media_type"),
    [
        (b"From: a@b.example\nTo: c@d.example\nSubject: <html>\n\n<html>", "a.txt", "message/rfc822"),
        (b"# So schreibt man <html>\n\nText.", "a.md", "text/markdown"),
        (b"BMW und MZ\n", "a.txt", "text/plain"),
        (b"<p>Nur ein Absatz.</p>", "a.html", "text/html"),
        (b"\xef\xbb\xbf<?xml version='1.0'?><!DOCTYPE html><html><body><p>x</p></body></html>", "a.txt", "text/html"),
    ],
)
async def test_what_a_file_is(parser: IsolatedParser, content: bytes, path: str, media_type: str) -> None:
    """A mail that holds a page is a mail, a text that speaks of tags is a text."""
    assert (await parser.parse(document(content, path))).media_type == media_type


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"])
async def test_encodings_are_detected(parser: IsolatedParser, encoding: str) -> None:
    """Umlauts survive, composed."""
    text = "Die Kündigungsfrist beträgt für größere Aufträge vier Wochen zum Monatsende.\n" * 3
    parsed = await parser.parse(document(text.encode(encoding)))
    assert parsed.text.count("Kündigungsfrist beträgt für größere") == 3


@pytest.mark.parametrize(
    ("reader", "code"), [("hang", "parser_timeout"), ("die", "parser_crashed"), ("devour", "too_hungry")]
)
async def test_a_hostile_reader_is_that_files_fault_alone(
    monkeypatch: pytest.MonkeyPatch, reader: str, code: str
) -> None:
    """A hang, a crash and a hunger are reasons; the parser is ready for the next file."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    parser = IsolatedParser(timeout_s=0.5, grace_s=5.0, memory_mb=1024, read=f"hostile:{reader}")
    for _ in range(2):
        with pytest.raises(Permanent) as caught:
            await parser.parse(document(b"x"))
        assert caught.value.code == code
    await parser.aclose()


async def test_one_hanging_file_keeps_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a second child the others are read meanwhile, each once, and the hanging one ends by its own time."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    parser, ended = IsolatedParser(timeout_s=3, children=2, read="hostile:hang_or_read"), list[str]()

    async def parse(content: str) -> None:
        try:
            ended.append((await parser.parse(document(content.encode()))).text)
        except Permanent as error:
            ended.append(error.code)

    await asyncio.gather(parse("warm"), parse("warm"))  # both children have imported what they need
    await asyncio.gather(*map(parse, ["hang", "eins", "zwei", "drei"]))
    await parser.aclose()
    assert ended == ["warm", "warm", "eins", "zwei", "drei", "parser_timeout"]


async def test_what_a_child_has_started_ends_with_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A program that recognises text would go on for a minute after its file has been given up."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    parser = IsolatedParser(timeout_s=3, read="hostile:start_and_hang")
    note = tmp_path / "pid"
    await parser.parse(document(b"warm"))
    with pytest.raises(Permanent) as caught:
        await parser.parse(document(str(note).encode()))
    assert caught.value.code == "parser_timeout"
    async with asyncio.timeout(60):  # it was told to end, and a busy machine takes its time
        while is_running(int(note.read_text())):
            await asyncio.sleep(0.05)
    await parser.aclose()


def is_running(pid: int) -> bool:
    """Not counting what has ended and nobody has asked after."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_all_samples_end_as_they_should(parser: IsolatedParser) -> None:
    """Three samples are unreadable, each for its reason; all others hold the invariants, and PDFs know their boxes."""
    landing, reasons = FolderLanding(), {}
    for folder in sorted((ROOT / "samples" / "landing-zone").iterdir()):
        zone = read_zone_file(folder)
        for sighting in await landing.sightings(zone):
            try:
                parsed = await parser.parse(await landing.read(zone, sighting.path))
            except Permanent as error:
                reasons[sighting.path] = error.code
                continue
            check(parsed)
            if parsed.media_type == "application/pdf":
                assert all(place.page and place.box for place in parsed.places)
                assert any(element.kind == "table" for element in parsed.elements)
    assert sorted(reasons.values()) == ["broken_file", "empty_file", "password_protected"]


async def test_public_files_never_raise_anything_else(parser: IsolatedParser, data_folder: Path) -> None:
    """Some two hundred real and broken files of many types: each is read or refused in words."""
    files = [
        p for p in sorted((data_folder / "documents").rglob("*")) if p.is_file() and 0 < p.stat().st_size < 300_000
    ]
    read, reasons = 0, list[str]()
    for path in files:
        try:
            check(await parser.parse(document(path.read_bytes(), path.name)))
            read += 1
        except Permanent as error:
            reasons.append(error.message)
    assert read > len(files) / 3
    assert all(reasons)
