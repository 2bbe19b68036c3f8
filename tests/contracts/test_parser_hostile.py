"""Files that want to do harm, or are damaged: each ends as text that holds its promises or as one clear refusal.

No test here measures time: a file that takes the parser's time limit ends as `parser_timeout`, and that is what the
tests refuse to see.
"""

from __future__ import annotations

import asyncio
import email.policy
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hostile_files import (
    HONEST,
    LAUGHS,
    archive,
    bomb,
    document,
    endless_sheet,
    entities,
    long_sheet,
    lying_sizes,
    mail,
    nested_mails,
    nested_multiparts,
    own,
    part_of,
    pdf,
    sheets,
    shells,
    slides,
    with_doctype,
    word,
)
from parsed_checks import check

from rag.adapters.parsers.isolated import IsolatedParser
from rag.errors import Permanent
from rag.types import Parsed

LAST_RESORT = {"parser_timeout", "parser_crashed", "too_hungry"}
"""The child's limits. A kind of file that we know of is refused before it comes to that."""


@pytest.fixture(scope="module")
def parser() -> Iterator[IsolatedParser]:
    made = IsolatedParser(timeout_s=20, memory_mb=1024)
    yield made
    asyncio.run(made.aclose())


@pytest.fixture(scope="module")
def hasty() -> Iterator[IsolatedParser]:
    """For files on which the child's limits are a fair end."""
    made = IsolatedParser(timeout_s=2, memory_mb=1024)
    yield made
    asyncio.run(made.aclose())


async def outcome(parser: IsolatedParser, content: bytes, path: str, *, limits: bool = False) -> Parsed | Permanent:
    """Text that holds its promises, or a refusal in words; anything else fails the test."""
    given = document(content, path)
    try:
        parsed = await parser.parse(given)
    except Permanent as error:
        refused = error
    else:
        check(parsed, given)
        return parsed
    assert refused.code
    assert refused.message.endswith(".")
    assert refused.hint.endswith(".")
    assert limits or refused.code not in LAST_RESORT
    return refused


async def refusal(parser: IsolatedParser, content: bytes, path: str) -> str:
    refused = await outcome(parser, content, path)
    assert isinstance(refused, Permanent)
    return refused.code


OFFICE: dict[str, tuple[Callable[[], bytes], str]] = {
    "a.docx": (word, "word/document.xml"),
    "a.pptx": (slides, "ppt/slides/slide1.xml"),
    "a.xlsx": (sheets, "xl/worksheets/sheet1.xml"),
}


# --- archives that unpack to more than they are -----------------------------------------------------------------


@pytest.mark.parametrize("path", OFFICE)
async def test_a_bomb_is_not_opened(parser: IsolatedParser, path: str) -> None:
    """Two hundred megabytes of nothing in two hundred kilobytes, in a part that is read or one that is not."""
    make, part = OFFICE[path]
    assert await refusal(parser, bomb(make()), path) == "archive_bomb"
    assert await refusal(parser, bomb(make(), part), path) == "archive_bomb"


async def test_many_small_members_are_a_bomb_too(parser: IsolatedParser) -> None:
    """A hundred thousand names cost memory before anything is unpacked."""
    members = {f"word/media/{n}": b"" for n in range(25_000)}
    assert await refusal(parser, archive(members, inside=word()), "a.docx") == "archive_bomb"


@pytest.mark.parametrize("path", OFFICE)
async def test_a_directory_that_lies_about_sizes_is_not_believed(parser: IsolatedParser, path: str) -> None:
    """What is announced as one byte is not read as gigabytes."""
    await refusal(parser, lying_sizes(OFFICE[path][0]()), path)
    await refusal(parser, lying_sizes(bomb(OFFICE[path][0](), OFFICE[path][1])), path)


@pytest.mark.parametrize(("depth", "is_read"), [(1, True), (2, True), (3, False), (100, False)])
@pytest.mark.parametrize("path", ["a.zip", "a.docx", "a.txt"])
async def test_archives_in_archives_end(parser: IsolatedParser, depth: int, path: str, *, is_read: bool) -> None:
    """However deep, and whatever the outermost is called: below the second only a name is left."""
    read = await outcome(parser, shells(depth, word()), path)
    assert isinstance(read, Parsed)
    assert ("Prüfplan" in read.text) == is_read
    assert read.text.count("a.zip") == min(depth, 3)


async def test_a_bomb_in_an_archive_is_not_opened(parser: IsolatedParser) -> None:
    """The bounds hold for each file inside as for one that lies in the zone."""
    read = await outcome(parser, archive({"a.docx": bomb(word()), "b.txt": b"Harmlos."}), "a.zip")
    assert isinstance(read, Permanent) or ("Harmlos." in read.text and "Prüfplan" not in read.text)


async def test_a_document_in_a_document_is_not_opened(parser: IsolatedParser) -> None:
    """An embedded file is no text of the outer one, and no way around the limits."""
    content = archive({"word/embeddings/inner.docx": bomb(word())}, inside=word())
    read = await outcome(parser, content, "a.docx")
    assert isinstance(read, Parsed)
    assert read.text.count("Prüfplan") == 1


@pytest.mark.parametrize(
    "name", ["../../evil.xml", "/etc/evil.xml", "word/../../evil.xml", "C:\\evil.xml", "word/\0.xml"]
)
async def test_names_in_an_archive_write_nothing(parser: IsolatedParser, name: str, tmp_path: Path) -> None:
    """Nothing is ever unpacked to a disk."""
    await outcome(parser, archive({name: b"<x/>"}, inside=word()), "a.docx")
    assert not Path("/etc/evil.xml").exists()
    assert not list(Path.cwd().glob("../**/evil.xml")) if Path.cwd() == tmp_path else True


# --- XML that reads other files or explodes ---------------------------------------------------------------------


@pytest.mark.parametrize("path", OFFICE)
@pytest.mark.parametrize("padding", [0, 5000, 200_000])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
async def test_entities_read_no_file(
    parser: IsolatedParser, path: str, padding: int, encoding: str, tmp_path: Path
) -> None:
    """Wherever the declaration stands in a part, and however the part is encoded: refused, or its target not read."""
    (tmp_path / "secret.txt").write_text("GEHEIMNIS", encoding="utf-8")
    make, part = OFFICE[path]
    content = with_doctype(
        make(), part, entities((tmp_path / "secret.txt").as_uri()), padding=padding, encoding=encoding
    )
    content = replaced(content, part, {"Inhalt der Folie 1": "&leak;", "jährlich": "&leak;", "Preise": "&leak;"})
    read = await outcome(parser, content, path)
    assert "GEHEIMNIS" not in (read.text if isinstance(read, Parsed) else str(read))


@pytest.mark.parametrize("path", OFFICE)
@pytest.mark.parametrize("padding", [0, 5000])
async def test_entities_do_not_multiply(parser: IsolatedParser, path: str, padding: int) -> None:
    """A thousand million laughs in a kilobyte are refused, not told."""
    make, part = OFFICE[path]
    content = with_doctype(make(), part, LAUGHS, padding=padding)
    read = await outcome(parser, replaced(content, part, {"Inhalt der Folie 1": "&a11;", "jährlich": "&a11;"}), path)
    assert isinstance(read, Permanent) or "haha" not in read.text


def replaced(content: bytes, part: str, words: dict[str, str]) -> bytes:
    raw = part_of(content, part)
    encoding = "utf-16" if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8"
    text = raw.decode(encoding)
    for old, new in words.items():
        text = text.replace(old, new)
    return archive({part: text.encode(encoding)}, inside=content)


@pytest.mark.parametrize("path", ["a.html", "a.txt", "a.pdf"])
async def test_pages_fetch_nothing_and_expand_nothing(parser: IsolatedParser, path: str, tmp_path: Path) -> None:
    """A page with entities, frames, styles and scripts is its own words and nothing else."""
    (tmp_path / "secret.txt").write_text("GEHEIMNIS", encoding="utf-8")
    uri = (tmp_path / "secret.txt").as_uri()
    page = (
        f'<!DOCTYPE html [<!ENTITY leak SYSTEM "{uri}">]><html><head><link rel="stylesheet" href="{uri}">'
        f'<script src="{uri}">GEHEIMNIS</script></head><body><p>Der Text. &leak;</p><iframe src="{uri}"></iframe>'
        f'<object data="{uri}"></object><img src="{uri}"><style>@import "{uri}"</style></body></html>'
    )
    read = await outcome(parser, page.encode(), path)
    assert isinstance(read, Parsed)
    assert "Der Text." in read.text
    assert "GEHEIMNIS" not in read.text


# --- depth and size ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [2, 100, 1000])
async def test_mails_in_mails_end(parser: IsolatedParser, depth: int) -> None:
    """A hundred forwards of forwards are read as far as is sensible, or refused."""
    try:
        content = nested_mails(depth)
    except RecursionError:
        pytest.skip("the library that writes mails does not go so deep")
    await outcome(parser, content, "a.eml")


async def test_a_forwarded_mail_is_read(parser: IsolatedParser) -> None:
    """What was forwarded as an attachment is text of the mail, or the mail says that it was not read."""
    read = await outcome(parser, nested_mails(1), "a.eml")
    assert isinstance(read, Parsed)
    assert "Der Kern der Sache." in read.text or "(" in read.text


async def test_no_attachment_is_left_out_in_silence(parser: IsolatedParser) -> None:
    """Each is at least named."""
    parts = [(f"datei{n}.txt", f"Anlage Nummer {n}.".encode()) for n in range(30)]
    read = await outcome(parser, mail(*parts), "a.eml")
    assert isinstance(read, Parsed)
    assert not [name for name, _ in parts if name not in read.text]


async def test_no_row_is_left_out_in_silence(parser: IsolatedParser) -> None:
    """A sheet longer than is read is refused, or says so."""
    read = await outcome(parser, long_sheet(100_002), "a.xlsx")
    assert isinstance(read, Permanent) or "Zeile 100001" in read.text


@pytest.mark.parametrize("depth", [100, 5000])
async def test_parts_in_parts_end(parser: IsolatedParser, depth: int) -> None:
    """So are parts that are never closed."""
    await outcome(parser, nested_multiparts(depth), "a.eml")


async def test_a_bomb_in_a_mail_is_not_opened(parser: IsolatedParser) -> None:
    """The limits hold for attachments too; the mail itself is read, and says that one could not be."""
    content = mail(("bombe.docx", bomb(word())), ("gut.csv", b"Teil;Preis\nVentil;30 Euro\n"))
    read = await outcome(parser, content, "a.eml")
    assert isinstance(read, Parsed)
    assert "bombe.docx" in read.text
    assert "30 Euro" in read.text


@pytest.mark.parametrize(
    ("content", "path"),
    [
        (b"<div>" * 100_000 + b"Kern" + b"</div>" * 100_000, "a.html"),
        (b"<html><body>" + b"<table><tr><td>" * 3000 + b"Kern", "a.html"),
        (b"<html><body>" + b"<blockquote><p>Kern " * 3000, "a.html"),
        (b"#" * 1_000_000, "a.md"),
        (b"| a " * 300_000, "a.md"),
        (b"[" * 20_000 + b"]" * 20_000 + b"(x)", "a.md"),
        (b"**`" * 100_000, "a.md"),
        (b"- " * 200_000, "a.md"),
        (b"---\n" * 100_000, "a.md"),
        (b"=" * 500_000 + b"\n" + b"=" * 500_000, "a.txt"),
        (b"wort" * 500_000, "a.txt"),
        (b'"' + b"a;b\n" * 200_000, "a.csv"),
        (b";" * 500_000, "a.csv"),
        (b'a,"' * 100_000, "a.csv"),
        (b"a,b\n" + b"x" * 200_000 + b",y\n", "a.csv"),
        (b"From: a@b.example\r\n" * 100_000, "a.eml"),
        (b"Subject: " + b"=?utf-8?q?=41?= " * 20_000 + b"\r\nFrom: a@b.example\r\nTo: b@b.example\r\n\r\nText", "a.eml"),
        (b"From: a@b.example\r\nTo: " + b"(" * 50_000 + b"\r\nSubject: s\r\n\r\nText", "a.eml"),
        (b"From: a@b.example\r\nTo: b@b.example\r\nSubject: s\r\n\r\n" + b"> " * 200_000, "a.eml"),
    ],
)  # fmt: skip
async def test_endless_patterns_end(hasty: IsolatedParser, content: bytes, path: str) -> None:
    """Nesting and repetition that makes a reader recurse or go quadratic ends, if need be by the child's limits."""
    await outcome(hasty, content, path, limits=True)
    assert isinstance(await outcome(hasty, b"Der Kern.", "a.txt"), Parsed)


async def test_a_long_list_of_headings_is_no_hostile_file(parser: IsolatedParser) -> None:
    """Half a megabyte of underlined headings without a blank line is text."""
    await outcome(parser, b"Warm.", "a.txt")
    assert isinstance(await outcome(parser, b"a\n===\n" * 100_000, "a.txt"), Parsed)


async def test_a_sheet_with_a_cell_in_its_last_corner_is_two_cells(parser: IsolatedParser) -> None:
    """Seventeen thousand million empty cells lie between; spreadsheets with a stray format look like that."""
    await outcome(parser, b"Warm.", "a.txt")
    read = await outcome(parser, endless_sheet(), "a.xlsx")
    assert isinstance(read, Parsed)
    assert "Anfang" in read.text


async def test_more_text_than_one_document_may_hold_is_refused() -> None:
    """By the characters that come out."""
    parser = IsolatedParser(max_characters=1000)
    with pytest.raises(Permanent) as caught:
        await parser.parse(document(b"Ein Satz. " * 1000))
    await parser.aclose()
    assert caught.value.code == "too_much_text"


# --- damage -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", HONEST)
async def test_files_cut_off_anywhere_are_read_or_refused(parser: IsolatedParser, path: str) -> None:
    """At twelve places from the first byte to the last but one; what was not cut is still read afterwards."""
    content = HONEST[path]
    for cut in sorted({1, 2, 4, len(content) - 1, *(len(content) * n // 9 for n in range(1, 9))}):
        await outcome(parser, content[:cut], path)
    assert isinstance(await outcome(parser, content, path), Parsed)


@pytest.mark.parametrize("path", HONEST)
async def test_damaged_files_are_read_or_refused(parser: IsolatedParser, path: str) -> None:
    """Bytes changed, doubled and dropped at random places, the same ones every time."""
    chance = random.Random(path)  # noqa: S311 - to be repeatable
    for _ in range(25):
        content = bytearray(HONEST[path])
        for _ in range(chance.choice([1, 3, 30])):
            at = chance.randrange(len(content))
            how = chance.randrange(3)
            content[at : at + (how == 2)] = [b"", chance.randbytes(4), content[at : at + 40]][how]
        await outcome(parser, bytes(content), path)


@pytest.mark.parametrize("path", HONEST)
@pytest.mark.parametrize("named", list(HONEST))
async def test_any_content_under_any_name(parser: IsolatedParser, path: str, named: str) -> None:
    """No name makes a good file a crash."""
    await outcome(parser, HONEST[path], named)


@pytest.mark.parametrize("path", HONEST)
async def test_nothing_and_next_to_nothing_are_refused(parser: IsolatedParser, path: str) -> None:
    """No bytes, blanks, and the first bytes of a format without the rest."""
    for content in (b"", b"\n", b" " * 10_000, b"\0", b"PK\x03\x04", b"%PDF-"):
        await refusal(parser, content, path)


@pytest.mark.parametrize("path", HONEST)
async def test_an_empty_archive_is_refused(parser: IsolatedParser, path: str) -> None:
    """It begins otherwise than one with files in it."""
    await refusal(parser, b"PK\x05\x06" + b"\0" * 18, path)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "latin-1", "cp850", "mac-roman"]
)  # fmt: skip
@pytest.mark.parametrize("path", ["a.txt", "a.md", "a.csv"])
async def test_old_encodings_are_read_right_or_refused(parser: IsolatedParser, encoding: str, path: str) -> None:
    """Never as other letters in silence: a quote with wrong umlauts would be shown as what the source says."""
    text = "Die Prüfung der Geräte für größere Aufträge;Maß über alles\n" * 20
    read = await outcome(parser, text.encode(encoding), path)
    if isinstance(read, Parsed):
        assert read.text.count("Prüfung der Geräte für größere Aufträge") == 20


async def test_a_mail_in_its_own_encodings_is_read_right(parser: IsolatedParser) -> None:
    """What its headers say about letters holds for body, subject and names of attachments; nonsense there ends nothing."""
    for charset in ("utf-8", "iso-8859-1", "windows-1252"):
        head = f'From: a@b.example\r\nTo: b@b.example\r\nSubject: =?{charset}?q?Pr=FCfung?=\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset="{charset}"\r\n\r\n'
        body = "Die Geräte für größere Aufträge.".encode(charset)
        head = head if charset != "utf-8" else head.replace("=FC", "=C3=BC")
        read = await outcome(parser, head.encode() + body, "a.eml")
        assert isinstance(read, Parsed)
        assert "Geräte für größere" in read.text
        assert "Prüfung" in read.text
    nonsense = b"From: a@b.example\r\nTo: b@b.example\r\nSubject: =?x-no-such?q?=FC?=\r\nContent-Type: text/plain; charset=x-no-such\r\n\r\nText"
    await outcome(parser, nonsense, "a.eml")


@pytest.mark.parametrize(
    "name", ["../../evil.txt", "a\nb.txt", "gnp\u202etxt.exe", "x" * 2000 + ".txt", "", "a\0.txt", "ü.txt"]
)
async def test_names_of_attachments_are_only_names(parser: IsolatedParser, name: str) -> None:
    """They become a heading and a place, clean as all text."""
    try:
        content = mail((name, b"Der Inhalt der Anlage."))
        email.message_from_bytes(content, policy=email.policy.default)
    except ValueError:
        pytest.skip("the library that writes mails refuses such a name")
    read = await outcome(parser, content, "a.eml")
    assert isinstance(read, Parsed)
    assert "Der Inhalt der Anlage." in read.text


async def test_thousands_of_pages_are_read(parser: IsolatedParser) -> None:
    """A long document is no hostile one."""
    read = await outcome(parser, pdf(1000), "a.pdf")
    assert isinstance(read, Parsed)
    assert read.pages == 1000
    assert f"Der Wert {own(1000)} gilt." in read.text


async def test_a_table_of_a_hundred_megabytes_is_refused_within_its_child(parser: IsolatedParser) -> None:
    """Before its rows are in memory: the owner is told to split it, and the next file is read."""
    line = b"4711;Dichtung;5,5 mm;12,30 Euro;Jena\n"
    assert await refusal(parser, line * (100_000_000 // len(line)), "a.csv") == "too_many_rows"
    assert isinstance(await outcome(parser, line * 1000, "a.csv"), Parsed)
