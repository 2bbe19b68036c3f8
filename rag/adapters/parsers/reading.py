"""Bytes → the parser for what they are, by content and not by name. Bounds archives before anything opens them."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import PurePosixPath

from rag.adapters.parsers import office, pdf, plain
from rag.errors import Permanent
from rag.types import Document, Parsed

_MAX_UNPACKED = 512 * 2**20
_MAX_RATIO = 200
_MAX_ENTRIES = 20_000
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def read(document: Document) -> Parsed:
    """Raises `Permanent` with a code and a sentence for the file's owner; anything else is a defect of ours or a library's."""
    head = document.content[:4096]
    if b"%PDF-" in head[:1024]:
        return pdf.parse(document)
    if head.startswith(b"PK\x03\x04"):
        return _packed(document)
    if head.startswith(_OLE):
        raise Permanent(
            "old_or_protected_office", "The file is password-protected or in an Office format from before 2007.",
            hint="Save it without a password as DOCX, PPTX or XLSX.",
        )  # fmt: skip
    return _text(document, head)


def _text(document: Document, head: bytes) -> Parsed:
    suffix = PurePosixPath(document.path).suffix.lower()
    if _is_html(head):
        return plain.parse_html(document)
    if suffix == ".eml" or re.match(
        rb"(?:(?:Received|Return-Path|From|To|Subject|Date|MIME-Version): .*\r?\n(?:[ \t].*\r?\n)*){3}", head
    ):
        return plain.parse_mail(document, read)
    if suffix in {".csv", ".tsv"}:
        return plain.parse_csv(document)
    if suffix in {".md", ".markdown"}:
        return plain.parse_markdown(document)
    return plain.parse_text(document)


def _is_html(head: bytes) -> bool:
    text = head.decode("latin-1").lstrip("\ufeff\xef\xbb\xbf \r\n\t").lower()
    return text.startswith(("<!doctype html", "<html", "<head", "<body")) or "<html" in text[:1000]


def _packed(document: Document) -> Parsed:
    try:
        with zipfile.ZipFile(io.BytesIO(document.content)) as archive:
            names = _bounded(archive)
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise Permanent(
            "broken_file", "The file is damaged and cannot be opened.", hint="Export it anew and replace it."
        ) from error
    if "word/document.xml" in names:
        return office.parse_docx(document)
    if "ppt/presentation.xml" in names:
        return office.parse_pptx(document)
    if "xl/workbook.xml" in names:
        return office.parse_xlsx(document)
    raise Permanent(
        "unsupported_format",
        "Archives and this packed format are not read yet.",
        hint="Put the files themselves into the zone.",
    )


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
                if b"<!DOCTYPE" in part.read(2048).replace(b"\0", b"").upper():
                    raise Permanent(
                        "external_entities",
                        "The file declares XML entities, which office programs never do.",
                        hint="Save it anew from its program.",
                    )
    return {entry.filename for entry in entries}
