"""Each format, by files made here: every element keeps where it came from, and no row is torn from its header."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Sequence
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import docx
import openpyxl
import pptx
import pypdfium2
import pytest
import reportlab  # type: ignore[import-untyped]
from hostile_files import HEADER, HONEST, LINES, document, mail, own, sheets, slides, word
from parsed_checks import check, place_of
from PIL import Image, ImageDraw, ImageFont
from reportlab.lib.pagesizes import A4  # type: ignore[import-untyped]
from reportlab.pdfgen.canvas import Canvas  # type: ignore[import-untyped]

from rag.adapters.parsers import ocr
from rag.adapters.parsers.reading import read
from rag.chunking import built_in
from rag.ingest.chunk import chunk
from rag.testing import decision
from rag.types import Chunk, Cleared, Parsed

needs_tesseract = pytest.mark.skipif(
    set(ocr.languages()) != {"deu", "eng"}, reason="Tesseract with German and English is not installed"
)
NAMES = " ".join(
    f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{urn}:1.0"'
    for name, urn in (("office", "office"), ("text", "text"), ("table", "table"), ("draw", "drawing"), ("presentation", "presentation"))
)  # fmt: skip
FONT = Path(reportlab.__file__).parent / "fonts" / "Vera.ttf"
"""One with umlauts that every machine has."""
LONG = [HEADER, *[[f"Dichtung {n} für Pumpen der Reihe {n}", f"{n} mm", f"{n},50 Euro"] for n in range(60)]]


def parsed(content: bytes, path: str) -> Parsed:
    made = read(given := document(content, path))
    check(made, given)
    return made


def packed(files: dict[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


# --- files --------------------------------------------------------------------------------------------------------


def opendocument(kind: str, body: str) -> bytes:
    content = f"<office:document-content {NAMES}><office:body><office:{kind}>{body}</office:{kind}></office:body></office:document-content>"
    mimetype = f"application/vnd.oasis.opendocument.{kind}"
    return packed({"mimetype": mimetype, "META-INF/manifest.xml": "<m/>", "content.xml": content})


def odt(rows: Sequence[Sequence[str]]) -> bytes:
    headings = '<text:h text:outline-level="1">Prüfplan</text:h><text:h text:outline-level="2">Teile</text:h>'
    return opendocument("text", headings + _table(rows))


def ods(rows: Sequence[Sequence[str]]) -> bytes:
    return opendocument("spreadsheet", _table(rows))


def odp() -> bytes:
    box = "<draw:page><draw:frame><draw:text-box><text:p>Folie {}</text:p></draw:text-box></draw:frame></draw:page>"
    return opendocument("presentation", box.format("eins") + box.format("zwei"))


def _table(rows: Sequence[Sequence[str]]) -> str:
    cell = "<table:table-cell><text:p>{}</text:p></table:table-cell>"
    lines = "".join(f"<table:table-row>{''.join(map(cell.format, row))}</table:table-row>" for row in rows)
    return f'<table:table table:name="Preise">{lines}</table:table>'


def docx_table(rows: Sequence[Sequence[str]]) -> bytes:
    made, out = docx.Document(), io.BytesIO()
    made.add_heading("Prüfplan", 1)
    made.add_heading("Teile", 2)
    table = made.add_table(rows=len(rows), cols=len(rows[0]))
    for cell, text in zip(table._cells, [text for row in rows for text in row], strict=True):
        cell.text = text
    made.save(out)
    return out.getvalue()


def xlsx(rows: Sequence[Sequence[str]]) -> bytes:
    made, out = openpyxl.Workbook(), io.BytesIO()
    made.active.title = "Preise"
    for row in rows:
        made.active.append(row)
    made.save(out)
    return out.getvalue()


def html(rows: Sequence[Sequence[str]]) -> bytes:
    lines = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<html><body><nav>Menü</nav><h1>Prüfplan</h1><h2>Teile</h2><table>{lines}</table></body></html>".encode()


def pdf_table(rows: Sequence[Sequence[str]]) -> bytes:
    """Over as many pages as it needs, the header on the first alone."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, invariant=1)
    for at, row in enumerate(rows):
        if at and at % 40 == 0:
            canvas.showPage()
        top = 780 - 18 * (at % 40)
        for edge, text in zip((60, 320, 420, 520), [*row, ""], strict=True):
            canvas.line(edge, top + 12, edge, top - 6)
            canvas.drawString(edge + 4, top, text)
        canvas.line(60, top + 12, 520, top + 12)
        canvas.line(60, top - 6, 520, top - 6)
    canvas.save()
    return out.getvalue()


def markdown(rows: Sequence[Sequence[str]]) -> bytes:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(["# Prüfplan", "", "## Teile", "", lines[0], "|---|---|---|", *lines[1:], ""]).encode()


def rtf(rows: Sequence[Sequence[str]]) -> bytes:
    lines = "".join("\\trowd " + "".join(cell + "\\cell " for cell in row) + "\\row " for row in rows)
    escaped = "".join(c if c.isascii() else rf"\'{ord(c):02x}" for c in lines)
    return rf"{{\rtf1\ansi\ansicpg1252 Vorher.\par {escaped}}}".encode("ascii")


def records(rows: Sequence[Sequence[str]]) -> bytes:
    return json.dumps([dict(zip(rows[0], row, strict=True)) for row in rows[1:]]).encode()


def xml(rows: Sequence[Sequence[str]]) -> bytes:
    said = "".join(
        f"<teil>{''.join(f'<{name}>{cell}</{name}>' for name, cell in zip(rows[0], row, strict=True))}</teil>"
        for row in rows[1:]
    )
    return f'<?xml version="1.0"?><plan>{said}</plan>'.encode()


def csv(rows: Sequence[Sequence[str]]) -> bytes:
    return "\n".join(";".join(row) for row in rows).encode()


def tsv(rows: Sequence[Sequence[str]]) -> bytes:
    return "\n".join("\t".join(row) for row in rows).encode("utf-16")


def epub(rows: Sequence[Sequence[str]]) -> bytes:
    package = (
        '<package><manifest><item id="a" href="a.xhtml" media-type="application/xhtml+xml"/></manifest>'
        '<spine><itemref idref="a"/></spine></package>'
    )
    container = '<container><rootfiles><rootfile full-path="book.opf"/></rootfiles></container>'
    return packed({
        "mimetype": "application/epub+zip", "META-INF/container.xml": container, "book.opf": package, "a.xhtml": html(rows),
    })  # fmt: skip


def pdf_with(name: str, content: bytes) -> bytes:
    file, out = pypdfium2.PdfDocument(HONEST["a.pdf"]), io.BytesIO()
    file.new_attachment(name).set_data(content)
    file.save(out)
    file.close()
    return out.getvalue()


def scan() -> bytes:
    page, out = Image.new("L", (1240, 600), 255), io.BytesIO()
    for at, line in enumerate(["Die Prüfung größerer Geräte", "kostet jährlich 120 Euro."] * 3):
        ImageDraw.Draw(page).text((100, 60 + 80 * at), line, font=ImageFont.truetype(FONT, 40), fill=0)
    page.save(out, "PNG")
    return out.getvalue()


# --- where an element came from -----------------------------------------------------------------------------------

PART_AND_CELLS = {"part": "liste.csv", "cells": "A2:C2"}
PLACES: dict[str, tuple[Callable[[], bytes], str, str, dict[str, object]]] = {
    "a page and its box": (lambda: HONEST["a.pdf"], "a.pdf", f"Kapitel {own(2)}", {"page": 2, "box": True}),
    "a table over pages": (lambda: pdf_table(LONG), "a.pdf", "Dichtung 45", {"page": 2, "box": True}),
    "a slide": (slides, "a.pptx", "Notiz zu 3", {"slide": 3}),
    "an open slide": (odp, "a.odp", "Folie zwei", {"slide": 2}),
    "a sheet and its cells": (sheets, "a.xlsx", "Jena", {"sheet": "Lager", "cells": "C6:D6"}),
    "an open sheet": (lambda: ods(LONG), "a.ods", "Dichtung 7 ", {"sheet": "Preise", "cells": "A9:C9"}),
    "a line of CSV": (lambda: LINES, "a.csv", "Dichtung", {"cells": "A2:C2"}),
    "a line of TSV": (lambda: tsv(LONG), "a.tsv", "Dichtung 7 ", {"cells": "A9:C9"}),
    "a document in a mail": (lambda: mail(("plan.docx", word())), "a.eml", "jährlich", {"part": "plan.docx"}),
    "a table in a mail": (lambda: mail(("liste.csv", LINES)), "a.eml", "Dichtung", PART_AND_CELLS),
    "a sheet in a mail": (
        lambda: mail(("a.xlsx", sheets())), "a.eml", "Jena", {"part": "a.xlsx", "sheet": "Lager", "cells": "C6:D6"},
    ),
    "slides in a mail": (lambda: mail(("a.pptx", slides())), "a.eml", "Notiz zu 2", {"part": "a.pptx", "slide": 2}),
    "a page in a mail": (lambda: mail(("a.pdf", HONEST["a.pdf"])), "a.eml", "Der Wert", {"part": "a.pdf"}),
    "a mail in a mail": (lambda: mail(("b.zip", packed({"liste.csv": LINES}))), "a.eml", "Dichtung", {"part": "b.zip/liste.csv", "cells": "A2:C2"}),
    "a file in an archive": (lambda: packed({"x/liste.csv": LINES}), "a.zip", "Dichtung", {"part": "x/liste.csv", "cells": "A2:C2"}),
    "a file in a PDF": (lambda: pdf_with("liste.csv", LINES), "a.pdf", "Ventil | 8 mm | 30 Euro\n"[:22], {}),
}  # fmt: skip


@pytest.mark.parametrize("named", PLACES)
def test_every_element_keeps_its_place(named: str) -> None:
    """Just what its format has: no page for a sheet, no cell for a slide, and the part around both."""
    make, path, text, expected = PLACES[named]
    made = parsed(make(), path)
    if not expected:  # the file says the same on its page and in what is attached to it: the last one counts
        assert made.places[-1].part == "liste.csv"
        assert made.places[-1].cells == "A3:C3"
        return
    place = place_of(made, text)
    kinds = {name: getattr(place, name) for name in ("page", "box", "slide", "sheet", "cells", "part")}
    found = {name: True if name == "box" else value for name, value in kinds.items() if value is not None}
    assert found == expected


@needs_tesseract
def test_a_german_scan_knows_its_page_and_boxes() -> None:
    """Umlauts and ß are read, each line with its place."""
    made = parsed(scan(), "a.png")
    assert "Die Prüfung größerer Geräte" in made.text
    place = place_of(made, "Prüfung größerer")
    assert (place.page, place.box is not None) == (1, True)


@pytest.mark.parametrize(
    ("make", "path"),
    [(docx_table, "a.docx"), (odt, "a.odt"), (html, "a.html"), (markdown, "a.md"), (epub, "a.epub")],
)
def test_what_has_no_pages_keeps_the_path_of_headings(
    make: Callable[[Sequence[Sequence[str]]], bytes], path: str
) -> None:
    """It is all that leads a reader there."""
    (table,) = (element for element in parsed(make(LONG), path).elements if element.kind == "table")
    assert table.headings == ("Prüfplan", "Teile")


def test_a_message_in_outlooks_form(data_folder: Path) -> None:
    """Who wrote to whom, and what is attached, as part."""
    content = (data_folder / "documents" / "unstructured" / "fake-email-attachment.msg").read_bytes()
    made = parsed(content, "a.msg")
    assert {place.part for place in made.places} == {"fake-attachment.txt"}
    assert made.text.index("From: ") < made.text.index("Hey this is a fake attachment!")


# --- tables and their headers -------------------------------------------------------------------------------------

TABLES: dict[str, Callable[[Sequence[Sequence[str]]], bytes]] = {
    "a.csv": csv, "a.tsv": tsv, "a.xlsx": xlsx, "a.docx": docx_table, "a.html": html, "a.md": markdown, "a.ods": ods, "a.odt": odt,
    "a.pdf": pdf_table, "a.rtf": rtf, "a.json": records, "a.xml": xml, "a.epub": epub,
    "mail.eml": lambda rows: mail(("liste.csv", csv(rows))), "mail2.eml": lambda rows: mail(("liste.pdf", pdf_table(rows))),
    "a.zip": lambda rows: packed({"liste.xlsx": xlsx(rows)}),
}  # fmt: skip


def chunks(made: Parsed) -> list[Chunk]:
    cleared = Cleared(
        document=made.document, media_type=made.media_type, title=made.title, text=made.text, elements=made.elements,
        places=made.places, pages=made.pages, language="de", decision=decision(), counts={},
    )  # fmt: skip
    return chunk(cleared, rules=built_in(), count_tokens=lambda text: len(text) // 4)


@pytest.mark.parametrize("path", TABLES)
def test_no_row_is_torn_from_its_header(path: str) -> None:
    """Whatever the format: every row is whole, in one chunk, and that chunk says what its columns are."""
    header = " | ".join(HEADER)
    found = chunks(parsed(TABLES[path](LONG), path))
    holding = [one for one in found if " mm | " in one.text]
    assert len(holding) > 1
    for one in holding:
        assert header in one.text or one.context.endswith(f"\n{header}")
    said = [line for one in holding for line in one.text.split("\n") if " mm | " in line]
    assert said == [" | ".join(row) for row in LONG[1:]]


# --- what single formats hide -------------------------------------------------------------------------------------


def test_footnotes_of_word_are_read_and_comments_are_not() -> None:
    """A note belongs to what a document says; a comment is somebody's opinion about it."""
    made, out = docx.Document(), io.BytesIO()
    paragraph = made.add_paragraph("Die Frist beträgt vier Wochen.")
    made.add_comment(paragraph.runs, text="Stimmt das noch?", author="Kim", initials="K")
    made.save(out)
    files = {name: zipfile.ZipFile(out).read(name) for name in zipfile.ZipFile(out).namelist()}
    namespace = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    files["word/footnotes.xml"] = (
        f'<w:footnotes {namespace}><w:footnote w:id="2"><w:p><w:r><w:t>Gerechnet ab Zugang.</w:t></w:r></w:p></w:footnote></w:footnotes>'
    ).encode()
    relation = (
        b'<Relationship Id="rId99" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes" '
        b'Target="footnotes.xml"/></Relationships>'
    )
    kind = (
        b'<Override PartName="/word/footnotes.xml" ContentType="application/vnd.openxmlformats-officedocument.'
        b'wordprocessingml.footnotes+xml"/></Types>'
    )
    rels = "word/_rels/document.xml.rels"
    files[rels] = files[rels].replace(b"</Relationships>", relation)
    files["[Content_Types].xml"] = files["[Content_Types].xml"].replace(b"</Types>", kind)
    text = parsed(packed({**files}), "a.docx").text
    assert text.count("Gerechnet ab Zugang.") == 1
    assert "Die Frist beträgt vier Wochen." in text
    assert "Stimmt das noch?" not in text


def test_a_formula_is_read_as_what_it_shows() -> None:
    """The value that the spreadsheet stored, never the formula; one without a value says nothing."""
    made, out = openpyxl.Workbook(), io.BytesIO()
    made.active.title = "Preise"
    for row in (["Teil", "Preis"], ["Ventil", 30], ["Summe", "=SUM(B2:B2)"], ["Offen", "=B2*2"]):
        made.active.append(row)
    made.save(out)
    files = {name: zipfile.ZipFile(out).read(name) for name in zipfile.ZipFile(out).namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    files[sheet] = (
        files[sheet]
        .replace(b"<f>SUM(B2:B2)</f><v />", b"<f>SUM(B2:B2)</f><v>30</v>")
        .replace(b"<f>SUM(B2:B2)</f><v></v>", b"<f>SUM(B2:B2)</f><v>30</v>")
    )
    text = parsed(packed({**files}), "a.xlsx").text
    assert "Summe | 30" in text
    assert "SUM" not in text
    assert "B2*2" not in text


def test_notes_of_slides_stand_with_their_slide() -> None:
    """What is said aloud is often what matters."""
    made, out = pptx.Presentation(), io.BytesIO()
    slide = made.slides.add_slide(made.slide_layouts[5])
    slide.shapes.title.text = "Übersicht"
    slide.notes_slide.notes_text_frame.text = "Die Zahlen gelten ab März."
    made.save(out)
    (element,) = parsed(out.getvalue(), "a.pptx").elements
    assert element.kind == "slide"


def test_the_headers_of_a_mail_are_said() -> None:
    """Who, to whom, when, about what: by them a mail is asked for."""
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"], message["Cc"] = (
        "Kim Käfer <kim@firma.example>",
        "b@firma.example",
        "c@firma.example",
    )
    message["Subject"], message["Date"] = "Größe der Dichtung", "Mon, 05 Jan 2026 09:00:00 +0000"
    message.set_content("Acht Millimeter.")
    made = parsed(message.as_bytes(), "a.eml")
    assert made.title == "Größe der Dichtung"
    for said in ("Kim Käfer", "b@firma.example", "c@firma.example", "2026", "Acht Millimeter."):
        assert said in made.text
