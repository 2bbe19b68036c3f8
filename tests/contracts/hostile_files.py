"""Files for parsers: small honest ones of every format, and those that want to do harm. Made here, never stored."""

from __future__ import annotations

import io
import zipfile
from email.message import EmailMessage
from email.policy import SMTP

import docx
import openpyxl
import pptx
from reportlab.lib.pagesizes import A4  # type: ignore[import-untyped]
from reportlab.pdfgen.canvas import Canvas  # type: ignore[import-untyped]

from rag.testing import EPOCH
from rag.types import Classification, Document, Labels

LABELS = Labels(
    tenant="t", business_unit=None, classification=Classification.public, readers=frozenset(), valid_from=None,
    valid_until=None,
)  # fmt: skip
HEADER, ROWS = ["Teil", "Größe", "Preis"], [["Dichtung", "5 mm", "12 Euro"], ["Ventil", "8 mm", "30 Euro"]]


def document(content: bytes, path: str = "a.txt") -> Document:
    return Document(
        id="d", version="v", zone="z", path=path, uri=f"file:///{path}", content=content, modified_at=EPOCH, labels=LABELS
    )  # fmt: skip


# --- honest -----------------------------------------------------------------------------------------------------


def word(text: str = "Die Prüfung ist jährlich fällig.") -> bytes:
    made, out = docx.Document(), io.BytesIO()
    made.add_heading("Prüfplan", level=0)
    made.add_heading("Teile", level=1)
    made.add_paragraph(text)
    table = made.add_table(rows=0, cols=3)
    for row in (HEADER, *ROWS):
        for cell, value in zip(table.add_row().cells, row, strict=True):
            cell.text = value
    made.add_heading("Ende", level=1)
    made.add_paragraph("Das ist alles.")
    made.save(out)
    return out.getvalue()


def slides(number: int = 3) -> bytes:
    made, out = pptx.Presentation(), io.BytesIO()
    for n in range(1, number + 1):
        slide = made.slides.add_slide(made.slide_layouts[1])
        slide.shapes.title.text = f"Folie Nummer {n}"
        slide.placeholders[1].text_frame.text = f"Inhalt der Folie {n}"
        slide.notes_slide.notes_text_frame.text = f"Notiz zu {n}"
    made.save(out)
    return out.getvalue()


def sheets() -> bytes:
    made, out = openpyxl.Workbook(), io.BytesIO()
    first = made.active
    first.title = "Preise"
    for row in (HEADER, *ROWS):
        first.append(row)
    second = made.create_sheet("Lager")
    second["C5"], second["D5"], second["C6"], second["D6"] = "Ort", "Menge", "Jena", 7
    made.save(out)
    return out.getvalue()


def own(page: int) -> int:
    """A number of the page's own: lines that only count along with the pages are page numbers."""
    return 1000 + 7 * page


def pdf(pages: int = 3) -> bytes:
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, invariant=1)
    for number in range(1, pages + 1):
        canvas.setFont("Helvetica-Bold", 16)
        canvas.drawString(72, 760, f"Kapitel {own(number)}")
        canvas.setFont("Helvetica", 10)
        canvas.drawString(72, 730, f"Der Wert {own(number)} gilt.")
        if number == 1:
            for line, row in enumerate((HEADER, *ROWS)):
                for column, value in enumerate(row):
                    canvas.drawString(72 + 150 * column, 690 - 16 * line, value)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def mail(*attachments: tuple[str, bytes], body: str = "Anbei die Liste.", subject: str = "Preise") -> bytes:
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"], message["Subject"] = "a@firma.example", "b@firma.example", subject
    message["Date"] = "Mon, 05 Jan 2026 09:00:00 +0000"
    message.set_content(body)
    for name, content in attachments:
        message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()


PAGE = """<html><head><title>Liste</title></head><body><nav>Menü</nav><h1>Prüfplan</h1><h2>Teile</h2><p>Ein Satz.</p>
<table><tr><th>Teil</th><th>Größe</th><th>Preis</th></tr><tr><td>Dichtung</td><td>5 mm</td><td>12 Euro</td></tr>
<tr><td>Ventil</td><td>8 mm</td><td>30 Euro</td></tr></table></body></html>""".encode()
MARKDOWN = """# Prüfplan

## Teile

Ein Satz.

| Teil | Größe | Preis |
|---|---|---|
| Dichtung | 5 mm | 12 Euro |
| Ventil | 8 mm | 30 Euro |

## Ende

- eins
- zwei
""".encode()
LINES = "\n".join(";".join(row) for row in (HEADER, *ROWS)).encode()
PROSE = "Prüfplan\n========\n\nDie Prüfung ist jährlich fällig.\n\nDas ist alles.\n".encode()

HONEST: dict[str, bytes] = {
    "a.pdf": pdf(), "a.docx": word(), "a.pptx": slides(), "a.xlsx": sheets(), "a.html": PAGE, "a.md": MARKDOWN, "a.csv": LINES,
    "a.txt": PROSE, "a.eml": mail(("liste.csv", LINES), ("plan.docx", word())),
}  # fmt: skip


# --- hostile ----------------------------------------------------------------------------------------------------


def archive(members: dict[str, bytes], inside: bytes = b"") -> bytes:
    """A zip of these, on top of those that `inside` holds; a name that occurs in both is replaced."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as made:
        if inside:
            with zipfile.ZipFile(io.BytesIO(inside)) as old:
                for entry in old.infolist():
                    if entry.filename not in members:
                        made.writestr(entry.filename, old.read(entry))
        for name, content in members.items():
            made.writestr(name, content)
    return out.getvalue()


def part_of(content: bytes, name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        return opened.read(name)


def with_doctype(content: bytes, part: str, doctype: str, *, padding: int = 0, encoding: str = "utf-8") -> bytes:
    """The office file with a document type before that part's root, behind so many bytes of comment."""
    text = part_of(content, part).decode("utf-8")
    declaration, _, rest = text.partition("?>")
    comment = f"<!--{'x' * padding}-->" if padding else ""
    changed = f"{declaration.replace('UTF-8', encoding)}?>{comment}{doctype}{rest}"
    return archive({part: changed.encode(encoding)}, inside=content)


def entities(target: str) -> str:
    return f'<!DOCTYPE x [<!ENTITY leak SYSTEM "{target}">]>'


LAUGHS = "<!DOCTYPE x [<!ENTITY a0 'ha'>" + "".join(
    f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 12)
) + "]>"  # fmt: skip


def bomb(content: bytes, part: str = "word/media/bomb.png", size: int = 200 * 2**20) -> bytes:
    return archive({part: b"\0" * size}, inside=content)


def shells(depth: int, core: bytes, name: str = "a.zip") -> bytes:
    """An archive in an archive in an archive."""
    for _ in range(depth):
        core = archive({name: core})
    return core


def lying_sizes(content: bytes) -> bytes:
    """An archive whose directory says that every member is one byte long."""
    data = bytearray(content)
    at = data.find(b"PK\x01\x02")
    while at >= 0:
        data[at + 24 : at + 28] = (1).to_bytes(4, "little")
        at = data.find(b"PK\x01\x02", at + 4)
    return bytes(data)


def nested_mails(depth: int) -> bytes:
    """Each forwards the next as an attached message."""
    inner = EmailMessage(policy=SMTP)
    inner["Subject"], inner["From"] = "Kern", "a@firma.example"
    inner.set_content("Der Kern der Sache.")
    for number in range(depth):
        outer = EmailMessage(policy=SMTP)
        outer["From"], outer["To"], outer["Subject"] = "a@firma.example", "b@firma.example", f"Weiter {number}"
        outer.set_content(f"Ebene {number}")
        outer.add_attachment(inner)
        inner = outer
    return bytes(inner)


def nested_multiparts(depth: int) -> bytes:
    head = b"From: a@firma.example\r\nTo: b@firma.example\r\nSubject: tief\r\nMIME-Version: 1.0\r\n"
    opened = b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n) for n in range(depth))
    return head + opened + b"Content-Type: text/plain\r\n\r\nKern\r\n"


def endless_sheet() -> bytes:
    """Two cells, in the first and in the last corner."""
    made, out = openpyxl.Workbook(), io.BytesIO()
    made.active["A1"], made.active["XFD1048576"] = "Anfang", "Ende"
    made.save(out)
    return out.getvalue()


def long_sheet(rows: int) -> bytes:
    """One cell a row."""
    made, out = openpyxl.Workbook(write_only=True), io.BytesIO()
    sheet = made.create_sheet("Lang")
    for number in range(rows):
        sheet.append([f"Zeile {number}"])
    made.save(out)
    return out.getvalue()
