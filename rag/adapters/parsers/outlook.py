"""MSG, as Outlook saves a mail → the same mail in its standard form (RFC 5322), read like any other."""

from __future__ import annotations

import io
from email.message import EmailMessage
from email.utils import format_datetime

from oxmsg import Message
from oxmsg.attachment import Attachment

from rag.adapters.parsers.attached import Read
from rag.adapters.parsers.mail import parse_message
from rag.types import Document, Parsed

MEDIA_TYPE = "application/vnd.ms-outlook"
MARK = "__properties_version1.0".encode("utf-16-le")
"""The stream that makes an OLE file a message."""


def parse_msg(document: Document, read: Read) -> Parsed:
    message = Message.load(io.BytesIO(document.content))
    made = EmailMessage()
    addressed = ", ".join(_person(one.name, one.email_address) for one in message.recipients)
    sent = "" if message.sent_date is None else format_datetime(message.sent_date)
    named = {
        "Subject": message.subject, "From": message.sender, "To": message.message_headers.get("To") or addressed,
        "Cc": message.message_headers.get("Cc"), "Date": sent,
    }  # fmt: skip
    for name, value in named.items():
        if line := " ".join((value or "").split()):
            made[name] = line
    if message.html_body and not message.body:
        made.set_content(message.html_body, subtype="html")
    else:
        made.set_content(message.body or "")
    for attachment in message.attachments:
        _attach(made, attachment)
    return parse_message(document, made, read, media_type=MEDIA_TYPE)


def _person(name: str, address: str) -> str:
    return f"{name} <{address}>" if name and address and name != address else name or address


def _attach(made: EmailMessage, attachment: Attachment) -> None:
    content = attachment.file_bytes
    if attachment.attached_by_value and content:
        main, _, sub = (attachment.mime_type or "application/octet-stream").partition("/")
        name = " ".join((attachment.file_name or "attachment").split())
        made.add_attachment(content, maintype=main, subtype=sub or "octet-stream", filename=name)
