"""Bytes → the parser for what they are, by content and not by name. Bounds archives before anything opens them."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import PurePosixPath

from rag.adapters.parsers import mail, markdown, pdf, sheets, slides, text, web, word
from rag.errors import Permanent
from rag.types import Document, Parsed

_MAX_UNPACKED = 512 * 2**20
_MAX_RATIO = 200
_MAX_ENTRIES = 20_000
_PROLOG = 1 << 16
"""Bytes of an XML part in which its root has to begin."""
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_NOT_READ = (
    b"{\\rtf", b"%!PS", b"\x89PNG", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"II*\0", b"MM\0*", b"RIFF", b"ID3\x03",
    b"ID3\x04", b"OggS", b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!\x1a", b"\x7fELF",
)  # fmt: skip
"""RTF, PostScript, pictures, sound, archives and programs, by their first bytes."""
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
    head = document.content[:4096]
    if b"%PDF-" in head[:1024]:
        return pdf.parse(document)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):  # the second of an archive without files
        return _packed(document)
    if head.startswith(_OLE):
        raise Permanent(
            "old_or_protected_office", "The file is password-protected or in an Office format from before 2007.",
            hint="Save it without a password as DOCX, PPTX or XLSX.",
        )  # fmt: skip
    if head.startswith(_NOT_READ):
        raise Permanent(
            "unsupported_format", "Files of this format are not read yet.", hint="Save it as PDF, DOCX or plain text."
        )
    return _text(document, head)


def _text(document: Document, head: bytes) -> Parsed:
    suffix = PurePosixPath(document.path).suffix.lower()
    if suffix == ".eml" or _MAIL.match(head):
        return mail.parse_mail(document, read)
    if _HTML.match(_readable(head)) or (suffix in {".html", ".htm", ".xhtml"} and b"<" in head.replace(b"\0", b"")):
        return web.parse_html(document)
    if suffix in {".csv", ".tsv"}:
        return sheets.parse_csv(document)
    if suffix in {".md", ".markdown"}:
        return markdown.parse_markdown(document)
    return text.parse_text(document)


def _readable(head: bytes) -> str:
    """Enough of it to see how it begins, in whatever encoding."""
    return head.replace(b"\0", b"").decode("latin-1").lstrip("\xef\xbb\xbf\xff\xfe \r\n\t")


def _packed(document: Document) -> Parsed:
    try:
        with zipfile.ZipFile(io.BytesIO(document.content)) as archive:
            names = _bounded(archive)
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise Permanent(
            "broken_file", "The file is damaged and cannot be opened.", hint="Export it anew and replace it."
        ) from error
    if "word/document.xml" in names:
        return word.parse_docx(document)
    if "ppt/presentation.xml" in names:
        return slides.parse_pptx(document)
    if "xl/workbook.xml" in names:
        return sheets.parse_xlsx(document)
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
                if _declares(part.read(_PROLOG).replace(b"\0", b"")):
                    raise Permanent(
                        "external_entities",
                        "The file declares XML entities, which office programs never do.",
                        hint="Save it anew from its program.",
                    )
    return {entry.filename for entry in entries}


def _declares(prolog: bytes) -> bool:
    """A document type before the root, or no root so far: a comment may be long to push the declaration out of sight."""
    root = re.search(rb"<[A-Za-z_]", re.sub(rb"<!--.*?-->", b"", prolog, flags=re.DOTALL))
    return b"<!DOCTYPE" in prolog[:_PROLOG].upper() or (root is None and len(prolog) > 64)
