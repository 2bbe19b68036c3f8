"""A page that is a picture → the same words that a text layer would give, so that all layout rules hold for scans too."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pypdfium2.raw as pdfium

from rag.adapters.parsers import ocr
from rag.adapters.parsers.pdf.sheet import Sheet
from rag.adapters.parsers.pdf.words import Word

_SCALE = 200 / 72
"""Pixels a point: 200 dpi, from which on Tesseract reads print well."""
_MOST_PIXELS = 40_000_000
_TYPE_SHARE = 0.72
"""Of the height of a line of print that is its type size, ascenders and descenders counted."""


def holds_picture(page: Any) -> bool:
    """An empty page is no scan."""
    return any(True for _ in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=3))


def layer(page: Any, flat: Sheet) -> tuple[Sheet, list[Word]]:
    """Raises `Permanent` as `ocr.read` does."""
    scale = min(_SCALE, (_MOST_PIXELS / (flat.width * flat.height)) ** 0.5)
    bitmap = page.render(scale=scale)
    try:
        turn, seen = ocr.read(bitmap.to_pil())
    finally:
        bitmap.close()
    words = [
        Word(
            text=one.text, left=one.left / scale, top=one.top / scale, right=one.right / scale,
            bottom=one.bottom / scale, base=one.base / scale, size=max(1.0, round(one.height * _TYPE_SHARE / scale)),
            bold=False,
        )
        for one in seen
    ]  # fmt: skip
    return replace(flat, turn=turn), words
