"""Turns every text into its file, next to its sidecar and its zone's description."""

from __future__ import annotations

from collections.abc import Callable
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path

import yaml

from samples.make import office, pdf, plain
from samples.make.source import Mail, Source, read

texts = Path(__file__).parents[1] / "texts"
landing_zone = Path(__file__).parents[1] / "landing-zone"

ATTACHMENTS = "attachments"
"""The folder of texts that become attachments of messages instead of files of a zone."""

_FORMATS: dict[str, Callable[[Source], bytes | str]] = {
    "pdf": pdf.render,
    "docx": office.docx,
    "pptx": office.pptx,
    "xlsx": office.xlsx,
    "html": plain.html,
    "md": plain.md,
    "txt": plain.txt,
    "csv": plain.csv_text,
}

_TYPES = {
    "docx": ("application", "vnd.openxmlformats-officedocument.wordprocessingml.document"),
    "txt": ("text", "plain"),
}

_CUT = 1500
"""Bytes that remain of the truncated file: a header, but no page and no cross-reference table."""


def build(source_folder: Path, target: Path) -> list[Path]:
    """Write the whole landing zone and return what was written; files that are no longer made are removed."""
    files: dict[Path, bytes] = {}
    for zone in sorted(path.parent for path in source_folder.glob("*/zone.yaml")):
        files[target / zone.name / "zone.yaml"] = (zone / "zone.yaml").read_bytes()
        for path in sorted(zone.glob("*.md")):
            source = read(path)
            files[target / zone.name / source.file] = content(source, source_folder)
            if source.sidecar:
                files[target / zone.name / f"{source.file}.meta.yaml"] = _sidecar(source)
    for path, data in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    for stale in target.glob("*/*"):
        if stale.is_file() and stale not in files:
            stale.unlink()
    return sorted(files)


def content(source: Source, source_folder: Path) -> bytes:
    """The bytes of one file, with its fault if it has one."""
    if source.fault == "empty":
        return b""
    if source.fault == "password":
        return pdf.render(source, password=pdf.PASSWORD)
    if source.mail:
        return _message(source, source.mail, source_folder)
    made = _FORMATS[source.render](source)
    data = made.encode(source.encoding) if isinstance(made, str) else made
    return data[:_CUT] if source.fault == "truncated" else data


def _sidecar(source: Source) -> bytes:
    return yaml.safe_dump(source.sidecar, sort_keys=False, allow_unicode=True, width=200).encode()


def _message(source: Source, mail: Mail, source_folder: Path) -> bytes:
    """A mail as a client saves it; the boundary is fixed because the library would draw it at random."""
    attachment = read(source_folder / ATTACHMENTS / f"{mail.attach}.md")
    maintype, subtype = _TYPES[attachment.render]
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"] = mail.sender, mail.recipient
    message["Subject"], message["Date"] = source.title, format_datetime(mail.date)
    message["Message-ID"] = f"<{source.file.removesuffix('.eml')}@aurelia-medtech.example>"
    message.set_content(source.body.strip() + "\n", charset="utf-8", cte="quoted-printable")
    message.add_attachment(
        content(attachment, source_folder), maintype=maintype, subtype=subtype, filename=attachment.file
    )
    message.set_boundary("=_beleg_sample_part")
    return message.as_bytes()
