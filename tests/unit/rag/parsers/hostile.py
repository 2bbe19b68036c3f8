"""Readers that misbehave, for the parsing child."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

from rag.adapters.parsers.text import parse_text
from rag.types import Document, Parsed


def hang(document: Document) -> Parsed:
    time.sleep(60)
    raise AssertionError


def die(document: Document) -> Parsed:
    os._exit(9)


def devour(document: Document) -> Parsed:
    raise AssertionError(len(bytearray(4 * 2**30)))


def hang_or_read(document: Document) -> Parsed:
    if document.content == b"hang":
        hang(document)
    return parse_text(document)


def start_and_hang(document: Document) -> Parsed:
    if document.content == b"warm":
        return parse_text(document)
    program = subprocess.Popen(["sleep", "60"])
    Path(document.content.decode()).write_text(str(program.pid))
    return hang(document)
