"""Bytes → the parser for what they are, by content and not by name. Bounds archives before anything opens them."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from functools import partial
from pathlib import PurePosixPath

from rag.adapters.parsers import (
    archives,
    epub,
    mail,
    markdown,
    markup,
    opendocument,
    outlook,
    pdf,
    pictures,
    records,
    rich_text,
    sheets,
    slides,
    text,
    web,
    word,
)
from rag.adapters.parsers.attached import Read
from rag.errors import Permanent
from rag.types import Document, Parsed

_MAX_UNPACKED = 512 * 2**20
_MAX_RATIO = 200
_MAX_ENTRIES = 20_000
_PROLOG = 1 << 16
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_NOT_READ = (
    b"%!PS", b"RIFF", b"ID3\x03", b"ID3\x04", b"OggS", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!\x1a", b"\x7fELF",
)  # fmt: skip
"""PostScript, sound, film, other archives and programs, by their first bytes."""
_DEEPEST = 2
"""A table in an archive in a mail; what is packed deeper hides."""
_MAIL = re.compile(
    rb"(?:From \S+ .*\r?\n)?"
    rb"(?:(?:Received|Return-Path|From|To|Cc|Subject|Date|MIME-Version|Message-ID|Delivered-To|Reply-To|Content-Type"
    rb"|X-[\w-]+|DKIM-Signature|Authentication-Results): .*\r?\n(?:[ \t].*\r?\n)*){3}",
    re.IGNORECASE,
)
_HTML = re.compile(
    r"(?:<\?xml[^>]*>\s*|<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL
)


def read(document: Document) -> Parsed:
    """Raises `Permanent` with a code and a sentence for the file's owner; anything else is a defect of ours or a library's."""
    return _read(document, depth=0)


def _read(document: Document, depth: int) -> Parsed:
    """`depth`: in how many files this one is packed."""
    if depth > _DEEPEST:
        raise Permanent("too_deep", "Files are packed into each other too often.", hint="Unpack it into the zone.")
    head = document.content[:4096]
    inside = partial(_read, depth=depth + 1)
    if b"%PDF-" in head[:1024]:
        return pdf.parse(document, inside)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):  # the second of an archive without files
        return _packed(document, inside)
    if head.startswith(_OLE):
        return _ole(document, inside)
    if head.startswith(b"{\\rtf"):
        return rich_text.parse_rtf(document)
    if (picture := pictures.media_type(head)) is not None:
        return pictures.parse_picture(document, picture)
    if head.startswith(_NOT_READ):
        raise Permanent(
            "unsupported_format", "Files of this format are not read yet.", hint="Save it as PDF, DOCX or plain text."
        )
    return _text(document, head, inside)


def _ole(document: Document, inside: Read) -> Parsed:
    if outlook.MARK in document.content:
        return outlook.parse_msg(document, inside)
    raise Permanent(
        "old_or_protected_office", "The file is password-protected or in an Office format from before 2007.",
        hint="Save it without a password as DOCX, PPTX or XLSX.",
    )  # fmt: skip


def _text(document: Document, head: bytes, inside: Read) -> Parsed:
    suffix = PurePosixPath(document.path).suffix.lower()
    begins = _readable(head)
    if suffix == ".eml" or _MAIL.match(head):
        return mail.parse_mail(document, inside)
    if _HTML.match(begins) or (suffix in {".html", ".htm", ".xhtml"} and "<" in begins):
        return web.parse_html(document)
    if begins.startswith("<?xml") or (suffix == ".xml" and begins.startswith("<")):
        return records.parse_xml(document)
    by_name = _BY_NAME.get(suffix, text.parse_text)
    return by_name(document)


_BY_NAME: dict[str, Read] = {
    ".csv": sheets.parse_csv, ".tsv": sheets.parse_csv, ".md": markdown.parse_markdown,
    ".markdown": markdown.parse_markdown, ".json": records.parse_json, ".jsonl": records.parse_json,
    ".ndjson": records.parse_json,
}  # fmt: skip
"""Texts that only their name tells apart."""


def _readable(head: bytes) -> str:
    """Enough of it to see how it begins, in whatever encoding."""
    return head.replace(b"\0", b"").decode("latin-1").lstrip("\xef\xbb\xbf\xff\xfe \r\n\t")


def _packed(document: Document, inside: Read) -> Parsed:
    try:
        with zipfile.ZipFile(io.BytesIO(document.content)) as archive:
            names = _bounded(archive)
            kind = archive.read("mimetype")[:200].decode("latin-1").strip() if "mimetype" in names else ""
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError) as error:
        raise Permanent(
            "broken_file", "The file is damaged and cannot be opened.", hint="Export it anew and replace it."
        ) from error
    if kind == epub.MEDIA_TYPE:
        return epub.parse_epub(document)
    if kind.startswith(opendocument.PREFIX):
        return opendocument.parse_opendocument(document, kind)
    for part, parse in _BY_PART.items():
        if part in names:
            return parse(document)
    return archives.parse_zip(document, inside)


_BY_PART: dict[str, Read] = {
    "word/document.xml": word.parse_docx, "ppt/presentation.xml": slides.parse_pptx,
    "xl/workbook.xml": sheets.parse_xlsx,
}  # fmt: skip


def _bounded(archive: zipfile.ZipFile) -> set[str]:
    """Raises `Permanent`: `archive_bomb`, or `external_entities` for XML that declares entities (XXE)."""
    entries = archive.infolist()
    unpacked = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    if len(entries) > _MAX_ENTRIES or unpacked > _MAX_UNPACKED or unpacked > _MAX_RATIO * max(packed, 4096):
        raise Permanent(
            "archive_bomb",
            "The file unpacks to far more than it is; that is how archive bombs look.",
            hint="Save it anew from its program.",
        )
    for entry in entries:
        if entry.filename.endswith((".xml", ".rels")):
            with archive.open(entry) as part:
                if markup.declares_entities(part.read(_PROLOG)):
                    raise Permanent(
                        "external_entities",
                        "The file declares XML entities, which office programs never do.",
                        hint="Save it anew from its program.",
                    )
    return {entry.filename for entry in entries}
