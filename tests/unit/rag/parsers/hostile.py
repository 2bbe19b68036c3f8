"""Readers that misbehave, for the parsing child."""

from __future__ import annotations

import os
import time

from rag.types import Document, Parsed


def hang(document: Document) -> Parsed:
    time.sleep(60)
    raise AssertionError


def die(document: Document) -> Parsed:
    os._exit(9)


def devour(document: Document) -> Parsed:
    raise AssertionError(len(bytearray(4 * 2**30)))
