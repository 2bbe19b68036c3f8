"""Mail → the headers that matter, the thread message by message, and the attachments as parts. Nothing is fetched."""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Iterable
from email.message import EmailMessage, Message

from rag.adapters.parsers import web
from rag.adapters.parsers.attached import Read, add_file
from rag.adapters.parsers.building import Building, Line
from rag.adapters.parsers.text import decoded, unwrapped
from rag.errors import Permanent
from rag.types import Document, Parsed

MEDIA_TYPE = "message/rfc822"
_MOST_PARTS, _DEEPEST = 50, 3
_ATTRIBUTION = (
    r"(?:Am|On|Le|El|Il) [^\n]{4,150}(?:\n[^\n]{1,150})?\b(?:schrieb|wrote|a écrit|escribió|ha scritto)\b[^\n]{0,100}"
    r"(?:\n[^\n:]{0,100})?:[ \t]*(?=\n|$)"
    r"|-{2,}[ \t]*(?:Ursprüngliche Nachricht|Original Message|Original-Nachricht|Urspr\. Nachricht|"
    r"Weitergeleitete Nachricht|Forwarded message|Begin forwarded message)[ \t]*-{2,}"
)
_OUTLOOK = (
    r"(?:Von|From):[ \t][^\n]+\n(?:[^\n]+\n){0,3}?(?:Gesendet|Sent|Datum|Date):[ \t][^\n]+"
    r"(?:\n(?:An|To|Cc|Betreff|Subject|Datum|Date):[^\n]*)*"
)
_HEAD = re.compile(rf"^(?:(?:{_ATTRIBUTION})(?:\s*(?:{_OUTLOOK}))?|{_OUTLOOK})", re.IGNORECASE | re.MULTILINE)
"""What mail programs write above the message that is answered or passed on."""
_NO_TEXT = ("image/", "audio/", "video/", "application/pkcs7-signature", "application/pgp-signature", "text/calendar")


def parse_mail(document: Document, read: Read) -> Parsed:
    """`read` reads attachments. Raises `Permanent("encrypted_mail")`."""
    message = email.message_from_bytes(document.content, policy=email.policy.default)
    return parse_message(document, message, read, media_type=MEDIA_TYPE)


def parse_message(document: Document, message: Message, read: Read, *, media_type: str) -> Parsed:
    """For mails that come in another wrapping. Raises `Permanent("encrypted_mail")`."""
    building = Building()
    _add_mail(building, message, document, read, level=1)
    return building.parsed(document, media_type, title=_header(message, "Subject"))


def _add_mail(building: Building, message: Message, document: Document, read: Read, *, level: int) -> None:
    if message.get_content_type() in {"multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"}:
        raise Permanent("encrypted_mail", "The mail is encrypted.", hint="Save it without encryption.")
    building.title(Line(text=_header(message, "Subject")), level)
    names = ("From", "To", "Cc", "Date")
    head = [Line(text=f"{name}: {value}") for name in names if (value := _header(message, name))]
    building.paragraph(head, "message", "\n")
    body = message.get_body(("plain", "html")) if isinstance(message, EmailMessage) else None
    if body is not None:
        _add_body(building, body, level)
    parts = [part for part in _attachments(message, body) if not part.get_content_type().startswith(_NO_TEXT)]
    for part in parts[:_MOST_PARTS]:
        _add_part(building, part, document, read, level=level + 1)


def _header(message: Message, name: str) -> str:
    """A header that does not parse is left as it stands."""
    try:
        value = message[name]
    except (ValueError, IndexError, AttributeError, TypeError, LookupError):  # faults of `email` on hostile headers
        value = next((str(raw) for key, raw in message.raw_items() if key.lower() == name.lower()), "")
    return " ".join(str(value or "").split())


# --- the thread ---------------------------------------------------------------------------------------------------


def _add_body(building: Building, body: Message, level: int) -> None:
    """The newest message, then each older one under the lines that say whose it is."""
    text = _body_text(body)
    if body.get_content_subtype() == "html":
        web.read_into(building, text, "message")
        return
    text, at = _unquoted(text), 0
    for head in _HEAD.finditer(text):
        _add_blocks(building, text[at : head.start()])
        building.title(Line(text=head[0]), level + 1)
        at = head.end()
    _add_blocks(building, text[at:])


def _add_blocks(building: Building, text: str) -> None:
    for block in re.split(r"\n\s*\n", text):
        building.paragraph(unwrapped([line.rstrip() for line in block.split("\n") if line.strip()]), "message", "\n")


def _unquoted(text: str) -> str:
    """Without the marks of quoting: who is quoted is said by the line above."""
    return "\n".join(re.sub(r"^(?:[ \t]*>)+[ \t]?", "", line) for line in text.replace("\r\n", "\n").split("\n"))


def _body_text(body: Message) -> str:
    """By its own charset; by its bytes where that is unknown or wrong."""
    content = body.get_payload(decode=True)
    if not isinstance(content, bytes):
        return ""
    try:
        return content.decode(body.get_content_charset("utf-8"))
    except (LookupError, UnicodeDecodeError):
        return decoded(content)


# --- attachments --------------------------------------------------------------------------------------------------


def _attachments(message: Message, body: Message | None) -> Iterable[Message]:
    """All leaves but the body, its twin in the other format, and whole mails inside."""
    if message.get_content_type() == "message/rfc822" and isinstance(message.get_payload(), list):
        return
    parts = message.iter_parts() if isinstance(message, EmailMessage) and message.is_multipart() else ()
    for part in parts:
        if part is body:
            continue
        if part.get_content_maintype() == "multipart":
            yield from _attachments(part, body)
        elif part.get_filename() or part.is_attachment() or part.get_content_type() == "message/rfc822":
            yield part


def _add_part(building: Building, part: Message, document: Document, read: Read, *, level: int) -> None:
    """Under its file name as heading. One that cannot be read is named, and the mail goes on."""
    if part.get_content_type() == "message/rfc822":
        inner = part.get_payload(0) if part.is_multipart() else None
        if isinstance(inner, Message) and level <= _DEEPEST:
            _add_mail(building, inner, document, read, level=level)
        return
    content = part.get_payload(decode=True)
    name = part.get_filename() or "attachment"
    add_file(building, name, content if isinstance(content, bytes) else b"", document, read, level=level)
