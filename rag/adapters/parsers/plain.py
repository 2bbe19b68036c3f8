"""HTML, Markdown, mail, CSV and plain text → text with structure. Encodings are detected; nothing is fetched."""

from __future__ import annotations

import csv
import email
import email.policy
import io
import re
from dataclasses import replace
from email.message import EmailMessage, MIMEPart

from bs4 import BeautifulSoup, Tag
from charset_normalizer import from_bytes

from rag.adapters.parsers.building import Building, Line, Row, row
from rag.errors import Permanent
from rag.types import Document, Parsed, Place

_BOILERPLATE = ["script", "style", "nav", "footer", "header", "aside", "form", "noscript", "template", "svg"]
_BLOCKS = ["h1", "h2", "h3", "h4", "h5", "h6", "p", "li", "table", "pre", "blockquote", "dt", "dd"]
_MAX_PARTS = 20


def decoded(content: bytes) -> str:
    """Raises `Permanent("not_text")` for bytes that are no text in any encoding."""
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if content.startswith(mark):
            return content.decode(encoding, errors="replace")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        best = from_bytes(content[: 1 << 20]).best()
        text = content.decode(best.encoding, errors="replace") if best is not None else "\0"
    odd = sum(c == "\ufffd" or (ord(c) < 32 and c not in "\t\n\r\f\x0b") for c in text[:20_000])
    if odd > 0.02 * min(len(text), 20_000):
        raise Permanent(
            "not_text",
            "The file is named like text but holds something else.",
            hint="Check what it is, and its extension.",
        )
    return text


def parse_text(document: Document) -> Parsed:
    building = Building()
    for block in re.split(r"\n\s*\n", decoded(document.content).replace("\r\n", "\n").replace("\r", "\n")):
        _text_block(building, block)
    return building.parsed(document, "text/plain")


def _text_block(building: Building, block: str) -> None:
    lines = [line for line in block.split("\n") if line.strip()]
    while len(lines) > 1 and re.fullmatch(r"\s*(?:={3,}|-{3,})\s*", lines[1]):
        building.title(Line(text=lines[0]), 1 if "=" in lines[1] else 2)
        lines = lines[2:]
    building.paragraph([Line(text=line) for line in lines], between="\n")


def parse_markdown(document: Document) -> Parsed:
    building = Building()
    text = re.sub(r"\A---\n.*?\n---\n", "", decoded(document.content).replace("\r\n", "\n"), flags=re.DOTALL)
    for block in re.split(r"\n\s*\n|\n(?=#{1,6}\s)|(?<=\n)(?=#{1,6}\s)", text):
        lines = [line for line in block.split("\n") if line.strip()]
        while lines and (heading := re.match(r"(#{1,6})\s+(.*?)\s*#*$", lines[0])):
            building.title(Line(text=_unmarked(heading[2])), len(heading[1]))
            lines = lines[1:]
        if len(lines) > 1 and all(line.lstrip().startswith("|") for line in lines):
            building.table([_markdown_row(line) for line in lines if not re.fullmatch(r"[\s|:-]+", line)])
        else:
            _markdown_prose(building, lines)
    return building.parsed(document, "text/markdown")


def _markdown_prose(building: Building, lines: list[str]) -> None:
    pending: list[Line] = []
    for line in lines:
        if re.match(r"\s*(?:[-*+]|\d+[.)])\s", line):
            building.paragraph(
                pending, "list_item" if pending and pending[0].text[:1] in "-*+0123456789" else "paragraph"
            )
            pending = []
        pending.append(Line(text=_unmarked(line)))
    building.paragraph(
        pending, "list_item" if pending and re.match(r"(?:[-*+]|\d+[.)])\s", pending[0].text) else "paragraph"
    )


def _markdown_row(line: str) -> Row:
    return row(_unmarked(cell).strip() for cell in line.strip().strip("|").split("|"))


def _unmarked(text: str) -> str:
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return re.sub(r"(\*\*|__|`)(.+?)\1", r"\2", text)


def parse_html(document: Document) -> Parsed:
    soup = BeautifulSoup(document.content, "lxml")
    for tag in soup.find_all(_BOILERPLATE):
        tag.decompose()
    building = Building()
    for tag in soup.find_all(_BLOCKS):
        if not tag.decomposed and tag.find_parent(["table", "li", "blockquote"]) is None:
            _html_block(building, tag)
    if not building.length:  # pages without any block element
        building.paragraph([Line(text=soup.get_text(" "))])
    return building.parsed(document, "text/html", title=soup.title.get_text() if soup.title else None)


def _html_block(building: Building, tag: Tag) -> None:
    if tag.name == "table":
        rows = [
            [" ".join(cell.get_text(" ").split()) for cell in tr.find_all(["td", "th"])] for tr in tag.find_all("tr")
        ]
        building.table([row(cells) for cells in rows])
    elif tag.name in {"h1", "h2", "h3", "h4", "h5", "h6"}:
        building.title(Line(text=tag.get_text(" ")), int(tag.name[1]))
    else:
        building.paragraph(
            [Line(text=" ".join(tag.get_text().split()))], "list_item" if tag.name == "li" else "paragraph"
        )


def parse_csv(document: Document) -> Parsed:
    text = decoded(document.content)
    try:
        dialect: type[csv.Dialect] = csv.Sniffer().sniff(text[:8192], delimiters=",;\t|")
    except csv.Error:
        dialect = csv.excel
    building = Building()
    rows = csv.reader(io.StringIO(text), dialect)
    building.table([
        row(cells, Place(start=0, end=0, cells=f"{n}:{n}")) for n, cells in enumerate(rows, start=1)
    ])  # fmt: skip
    return building.parsed(document, "text/csv")


def parse_mail(document: Document, parse_part: object) -> Parsed:
    """Headers that matter, then the body, each quoted mail as a message of its own, then the attachments as parts."""
    message = email.message_from_bytes(document.content, policy=email.policy.default)
    building = Building()
    subject = str(message["subject"] or "")
    building.title(Line(text=subject), 1)
    head = [Line(text=f"{name}: {message[name]}") for name in ("From", "To", "Date") if message[name]]
    building.paragraph(head, "message", "\n")
    body = message.get_body(("plain", "html"))
    if body is not None:
        for block in re.split(r"\n\s*\n", _body_text(body)):
            building.paragraph([Line(text=line) for line in block.split("\n") if line.strip(" >\t")], "message", "\n")
    for part in list(message.iter_attachments())[:_MAX_PARTS]:
        _attachment(building, document, part, parse_part)
    return building.parsed(document, "message/rfc822", title=subject)


def _body_text(body: MIMEPart) -> str:
    text = str(body.get_content())
    return BeautifulSoup(text, "lxml").get_text("\n") if body.get_content_subtype() == "html" else text


def _attachment(building: Building, document: Document, part: EmailMessage, parse_part: object) -> None:
    """Under its file name as heading; one that cannot be read is named, and the mail goes on."""
    name = part.get_filename() or "attachment"
    content = part.get_payload(decode=True)
    building.title(Line(text=name), 2)
    if not isinstance(content, bytes) or not content:
        return
    try:
        inner: Parsed = parse_part(replace(document, content=content, path=name, title=None))  # type: ignore[operator]
    except Permanent as error:
        building.paragraph([Line(text=f"({error.message})")])
        return
    for element in inner.elements:
        lines = [
            Line(text=line, place=Place(start=0, end=0, part=name))
            for line in inner.text[element.start : element.end].split("\n")
        ]
        if element.kind == "title":
            building.title(lines[0], min((element.level or 1) + 2, 6))
        elif element.kind == "table":
            building.table([row(line.text.split(" | "), line.place) for line in lines])
        else:
            building.paragraph(lines, element.kind, "\n")
