"""What people keep besides Office and PDF: open formats, mails from Outlook, records, books, archives and pictures."""

from __future__ import annotations

import asyncio
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pypdfium2
import pytest
from paper import check, document
from PIL import Image, ImageDraw, ImageFont
from reportlab.pdfgen.canvas import Canvas  # type: ignore[import-untyped]

from rag.adapters.parsers import ocr
from rag.adapters.parsers.isolated import IsolatedParser
from rag.errors import Permanent
from rag.types import Parsed

ROOT = Path(__file__).resolve().parents[4]
needs_tesseract = pytest.mark.skipif(
    set(ocr.languages()) != {"deu", "eng"}, reason="Tesseract with German and English is not installed"
)

NAMES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{urn}:1.0"'
    for name, urn in (("office", "office"), ("text", "text"), ("table", "table"), ("draw", "drawing"), ("presentation", "presentation"))
)  # fmt: skip


def packed(files: dict[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def opendocument(kind: str, body: str, manifest: str = "<m/>", title: str = "") -> bytes:
    meta = f'<office:document-meta {NAMES} xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{title}</dc:title></office:document-meta>'
    content = f"<office:document-content {NAMES}><office:body><office:{kind}>{body}</office:{kind}></office:body></office:document-content>"
    return packed({
        "mimetype": f"application/vnd.oasis.opendocument.{kind}", "META-INF/manifest.xml": manifest,
        "content.xml": content, "meta.xml": meta,
    })  # fmt: skip


def cell(text: str, more: str = "") -> str:
    return f"<table:table-cell {more}><text:p>{text}</text:p></table:table-cell>"


def row(*cells: str, more: str = "") -> str:
    return f"<table:table-row {more}>{''.join(cells)}</table:table-row>"


@pytest.fixture(scope="module")
def parser() -> Iterator[IsolatedParser]:
    made = IsolatedParser()
    yield made
    asyncio.run(made.aclose())


async def read(parser: IsolatedParser, content: bytes, path: str) -> Parsed:
    given = document(content, path)
    parsed = await parser.parse(given)
    check(parsed)
    return parsed


def said(parsed: Parsed) -> list[tuple[str, str]]:
    return [(element.kind, parsed.text[element.start : element.end]) for element in parsed.elements]


# --- OpenDocument -------------------------------------------------------------------------------------------------


async def test_odt(parser: IsolatedParser) -> None:
    """Headings, lists, tables with merged cells, notes at the end; no comments and nothing that was deleted."""
    body = (
        "<text:tracked-changes><text:p>Gelöscht</text:p></text:tracked-changes>"
        '<text:h text:outline-level="1">Prüf<text:span>plan</text:span></text:h>'
        '<text:p>Die Prüfung<text:note><text:note-body><text:p>Nach DIN.</text:p></text:note-body></text:note> ist<text:s text:c="2"/>fällig.'
        "<office:annotation><text:p>Kommentar</text:p></office:annotation></text:p>"
        "<text:list><text:list-item><text:p>Erstens</text:p></text:list-item></text:list>"
        "<table:table>" + row(cell("Teil"), cell("Preis")) + row(cell("Ventil", 'table:number-rows-spanned="2"'), cell("1 Euro"))
        + row("<table:covered-table-cell/>", cell("2 Euro")) + "</table:table>"
    )  # fmt: skip
    parsed = await read(parser, opendocument("text", body, title="Der Plan"), "a.txt")
    assert said(parsed) == [
        ("title", "Prüfplan"), ("paragraph", "Die Prüfung ist  fällig."), ("list_item", "Erstens"),
        ("table", "Teil | Preis\nVentil | 1 Euro\nVentil | 2 Euro"), ("paragraph", "Nach DIN."),
    ]  # fmt: skip
    assert parsed.title == "Der Plan"
    assert parsed.elements[1].headings == ("Prüfplan",)


async def test_ods(parser: IsolatedParser) -> None:
    """Every row knows its sheet and cells; a million repeated empty rows are none."""
    empty = row(
        '<table:table-cell table:number-columns-repeated="16384"/>', more='table:number-rows-repeated="1048000"'
    )
    sheet = (
        row(cell("Ort"), cell("Zahl"))
        + row("<table:table-cell/>", cell("7"), more='table:number-rows-repeated="2"')
        + empty
    )
    parsed = await read(
        parser, opendocument("spreadsheet", f'<table:table table:name="Preise">{sheet}</table:table>'), "a.ods"
    )
    assert said(parsed) == [("title", "Preise"), ("table", "Ort | Zahl\n| 7\n| 7")]
    assert [(p.sheet, p.cells) for p in parsed.places[1:]] == [
        ("Preise", "A1:B1"),
        ("Preise", "B2:B2"),
        ("Preise", "B3:B3"),
    ]


async def test_odp(parser: IsolatedParser) -> None:
    """One element a slide, its title first, what the speaker noted last."""
    frame = "<draw:frame><draw:text-box><text:p>{}</text:p></draw:text-box></draw:frame>"
    title = frame.format("Titel").replace("<draw:frame>", '<draw:frame presentation:class="title">')
    notes = f"<presentation:notes>{frame.format('Notiz')}</presentation:notes>"
    parsed = await read(
        parser, opendocument("presentation", f"<draw:page>{frame.format('Inhalt')}{title}{notes}</draw:page>"), "a.odp"
    )
    assert said(parsed) == [("slide", "Titel\nInhalt\nNotiz")]
    assert {place.slide for place in parsed.places} == {1}


# --- other texts --------------------------------------------------------------------------------------------------


async def test_rtf(parser: IsolatedParser) -> None:
    """Umlauts in its own notation, rows of a table as a table."""
    content = rb"{\rtf1\ansi\ansicpg1252 Gr\'f6\'dfe {\b fett}\par Zweiter Absatz.\par \trowd Teil\cell Preis\cell\row Ventil\cell 5\cell\row Ende.\par}"
    parsed = await read(parser, content, "a.doc")
    assert said(parsed) == [
        ("paragraph", "Größe fett"), ("paragraph", "Zweiter Absatz."), ("table", "Teil | Preis\nVentil | 5"), ("paragraph", "Ende."),
    ]  # fmt: skip


async def test_epub(parser: IsolatedParser) -> None:
    """Chapters in the order of its spine, not of its files; nothing outside the book."""
    container = '<container><rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>'
    item = '<item id="{0}" href="{1}" media-type="application/xhtml+xml"/>'
    package = (
        '<package xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata><dc:title>Das Buch</dc:title></metadata><manifest>'
        + item.format("a", "z%20eins.xhtml") + item.format("b", "a-zwei.xhtml") + item.format("c", "../../../etc/passwd")
        + '</manifest><spine><itemref idref="a"/><itemref idref="b"/><itemref idref="c"/><itemref idref="gone"/></spine></package>'
    )  # fmt: skip
    page = "<html><body><h1>{}</h1><p>Text von {}.</p></body></html>"
    parsed = await read(parser, packed({
        "mimetype": "application/epub+zip", "META-INF/container.xml": container, "OEBPS/book.opf": package,
        "OEBPS/a-zwei.xhtml": page.format("Zwei", "zwei"), "OEBPS/z eins.xhtml": page.format("Eins", "eins"),
    }), "a.epub")  # fmt: skip
    assert [text for _, text in said(parsed)] == ["Eins", "Text von eins.", "Zwei", "Text von zwei."]
    assert parsed.title == "Das Buch"


async def test_json(parser: IsolatedParser) -> None:
    """Facts a line each, names as headings, like records as a table."""
    value = {
        "name": "Größe",
        "aktiv": True,
        "leer": None,
        "teile": [{"nr": 1, "preis": 2.5}, {"nr": 2}],
        "orte": ["Ulm", "Köln"],
    }
    parsed = await read(parser, json.dumps(value).encode(), "a.json")
    assert said(parsed) == [
        ("paragraph", "name: Größe\naktiv: true\nleer:"), ("title", "teile"), ("table", "nr | preis\n1 | 2.5\n2"),
        ("title", "orte"), ("list_item", "Ulm"), ("list_item", "Köln"),
    ]  # fmt: skip
    lines = await read(parser, b'{"a": 1, "b": "x"}\n\n{"a": 2, "b": "y"}\n', "a.jsonl")
    assert said(lines) == [("table", "a | b\n1 | x\n2 | y")]


async def test_xml(parser: IsolatedParser) -> None:
    """Attributes and elements are facts alike; prose with marks in it stays prose."""
    content = '<?xml version="1.0" encoding="iso-8859-1"?><plan jahr="2026"><ort>Köln</ort><text>Das <b>fette</b> Wort.</text><t nr="1"/><t nr="2"/></plan>'
    parsed = await read(parser, content.encode("iso-8859-1"), "a.bin")
    assert said(parsed) == [
        ("title", "plan"), ("paragraph", "jahr: 2026\nort: Köln\ntext: Das fette Wort."), ("title", "t"), ("table", "nr\n1\n2"),
    ]  # fmt: skip


async def test_outlook(parser: IsolatedParser, data_folder: Path) -> None:
    """A mail saved by Outlook reads like one in its standard form, attachments and all."""
    content = (data_folder / "documents" / "unstructured" / "fake-email-attachment.msg").read_bytes()
    parsed = await read(parser, content, "a.msg")
    assert parsed.media_type == "application/vnd.ms-outlook"
    assert parsed.title == "Fake email with attachment"
    assert "From: Mallori Harrell <mallori@unstructured.io>" in parsed.text
    assert "Hey this is a fake attachment!" in parsed.text
    assert {place.part for place in parsed.places} == {"fake-attachment.txt"}


# --- archives -----------------------------------------------------------------------------------------------------


async def test_zip(parser: IsolatedParser) -> None:
    """Every file under its name, which a citation shows; one that cannot be read is named and harms nobody."""
    parsed = await read(parser, packed({
        "b/Größe.txt": "Fünf Meter.", "a.csv": "Teil;Preis\nVentil;5\n", "kaputt.pdf": b"%PDF-1.7 rubbish",
        "__MACOSX/b/._x": b"\0\1", "../../etc/x.txt": "Harmlos.",
    }), "a.zip")  # fmt: skip
    assert [text for _, text in said(parsed)] == [
        "../../etc/x.txt", "Harmlos.", "a.csv", "Teil | Preis\nVentil | 5", "b/Größe.txt", "Fünf Meter.", "kaputt.pdf",
    ]  # fmt: skip
    assert [place.part for place in parsed.places] == ["../../etc/x.txt", "a.csv", "a.csv", "b/Größe.txt"]


async def test_files_inside_a_pdf(parser: IsolatedParser) -> None:
    """An invoice carries its data, a report its table: each under its name; one that is empty is only named."""
    page = io.BytesIO()
    canvas = Canvas(page)
    canvas.drawString(72, 720, "Rechnung Nummer 17")
    canvas.save()
    file = pypdfium2.PdfDocument(page.getvalue())
    for name, content in (("zahlen.csv", b"Teil;Preis\nVentil;5\n"), ("leer.txt", b"")):
        file.new_attachment(name).set_data(content)
    out = io.BytesIO()
    file.save(out)
    file.close()
    parsed = await read(parser, out.getvalue(), "a.pdf")
    assert [text for _, text in said(parsed)][-3:] == ["zahlen.csv", "Teil | Preis\nVentil | 5", "leer.txt"] or (
        [text for _, text in said(parsed)][-3:] == ["leer.txt", "zahlen.csv", "Teil | Preis\nVentil | 5"]
    )
    assert {place.part for place in parsed.places if place.part} == {"zahlen.csv"}


@pytest.mark.parametrize(
    ("content", "path", "code"),
    [
        (packed({f"{n}.txt": "x" for n in range(501)}), "a.zip", "too_many_files"),
        (opendocument("text", "<text:p>x</text:p>", manifest="<encryption-data/>"), "a.odt", "password_protected"),
        (opendocument("graphics", "<text:p>x</text:p>"), "a.odg", "unsupported_format"),
        (packed({"mimetype": "application/epub+zip", "META-INF/rights.xml": "<x/>"}), "a.epub", "password_protected"),
        (b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>', "a.xml", "external_entities"),
        (b'<?xml version="1.0"?><a>', "a.xml", "broken_file"),
        (b'{"a": ', "a.json", "broken_file"),
        (b"[" * 100_000, "a.json", "broken_file"),
        (b"<a>" * 5_000 + b"</a>" * 5_000, "a.xml", "broken_file"),
        (b"\x89PNG\r\n\x1a\n" + b"x" * 100, "a.txt", "broken_file"),
        (b"{\\rtf1", "a.rtf", "no_text"),
        (b"RIFF\0\0\0\0WAVEfmt ", "a.wav", "unsupported_format"),
    ],
)  # fmt: skip
async def test_a_bad_file_is_one_sentence(parser: IsolatedParser, content: bytes, path: str, code: str) -> None:
    """With a code and a hint."""
    with pytest.raises(Permanent) as caught:
        await parser.parse(document(content, path))
    assert caught.value.code == code
    assert caught.value.hint


# --- pictures -----------------------------------------------------------------------------------------------------

LINES = ["The inspection takes five days.", "Grosse Teile kosten 120 Euro.", "Small parts cost 15 Euro."]


def photographed(turn: int = 0) -> Image.Image:
    """A page of print, standing `turn` quarter turns clockwise."""
    page = Image.new("L", (1240, 1000), 255)
    pen, font = ImageDraw.Draw(page), ImageFont.load_default(36)
    for number, line in enumerate(LINES * 4):
        pen.text((100, 80 + number * 70), line, font=font, fill=0)
    return page.rotate(-90 * turn, expand=True)


def stored(picture: Image.Image, form: str) -> bytes:
    out = io.BytesIO()
    picture.save(out, form)
    return out.getvalue()


@needs_tesseract
@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF", "BMP", "PDF"])
async def test_a_picture_of_text_is_read(parser: IsolatedParser, form: str) -> None:
    """A photograph or a scan, in whatever format, with a box on its page for every line."""
    parsed = await read(parser, stored(photographed(), form), "a.bin")
    text = " ".join(parsed.text.split())
    assert all(line in text for line in LINES)
    assert parsed.pages == 1
    boxes = [place.box for place in parsed.places if place.box]
    assert len(boxes) == 12
    assert all(box.left < 0.15 and box.right < 0.7 for box in boxes)


@needs_tesseract
@pytest.mark.parametrize("turn", [1, 2, 3])
async def test_a_page_that_lies_is_read_upright(parser: IsolatedParser, turn: int) -> None:
    """And its boxes are where the page shows them."""
    parsed = await read(parser, stored(photographed(turn), "PNG"), "a.png")
    assert LINES[0] in " ".join(parsed.text.split())
    first = parsed.places[0].box
    assert first is not None
    corner = {
        1: (1 - first.right, first.top),
        2: (1 - first.right, 1 - first.bottom),
        3: (first.left, 1 - first.bottom),
    }[turn]
    assert all(distance < 0.15 for distance in corner)


@needs_tesseract
async def test_an_empty_picture_holds_no_text(parser: IsolatedParser) -> None:
    """Said so, instead of an empty document."""
    with pytest.raises(Permanent) as caught:
        await parser.parse(document(stored(Image.new("L", (500, 500), 255), "PNG"), "a.png"))
    assert caught.value.code == "no_text"


async def test_a_picture_that_unfolds_without_end_is_refused(parser: IsolatedParser) -> None:
    """Twenty kilobytes can claim a billion pixels."""
    with pytest.raises(Permanent) as caught:
        await parser.parse(document(stored(Image.new("1", (20_000, 20_000)), "PNG"), "a.png"))
    assert caught.value.code in {"too_large_picture", "broken_file"}
