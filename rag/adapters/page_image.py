"""A page of a PDF → PNG with masked places painted over, by pdfium. Called when a citation is opened.

The paint is in the picture's own pixels: what stood below it does not leave the process.
"""

from __future__ import annotations

import asyncio
import io
import math
import threading
from collections.abc import Sequence

import pypdfium2
from PIL import Image, ImageDraw

from rag.errors import Permanent
from rag.types import Box

_MARGIN_PX = 2
"""Around every mask: boxes come from glyph outlines, and anti-aliased edges would still show."""
_MAX_SIDE_PX = 4_000
_RENDERING = threading.Lock()
"""pdfium is not thread-safe, whichever document is open."""


class PdfPages:
    """Implements `serving.ports.PageImages`."""

    def __init__(self, *, width_px: int = 1_400, max_pixels: int = 6_000_000) -> None:
        self._width_px = width_px
        self._max_pixels = max_pixels

    async def png(self, content: bytes, page: int, *, masked: Sequence[Box]) -> bytes:
        """Page `page` (1-based). Raises `Permanent`: `page_not_found`, or `page_not_shown` if unreadable."""
        return await asyncio.to_thread(self._draw, content, page, tuple(masked))

    def _draw(self, content: bytes, page: int, masked: tuple[Box, ...]) -> bytes:
        try:
            image = self._rendered(content, page)
        except pypdfium2.PdfiumError as error:
            raise Permanent("page_not_shown", "This page cannot be drawn.", hint="Its text is available.") from error
        pen = ImageDraw.Draw(image)
        for box in masked:
            pen.rectangle(_pixels(box, image.width, image.height), fill=(0, 0, 0))
        out = io.BytesIO()
        image.save(out, "PNG")
        return out.getvalue()

    def _rendered(self, content: bytes, page: int) -> Image.Image:
        with _RENDERING:
            document = pypdfium2.PdfDocument(content)
            try:
                if not 1 <= page <= len(document):
                    raise Permanent("page_not_found", "The document has no such page.")
                drawn = document[page - 1]
                bitmap = drawn.render(scale=self._scale(*drawn.get_size()))
                try:
                    image: Image.Image = bitmap.to_pil().convert("RGB")
                    return image
                finally:
                    bitmap.close()
            finally:
                document.close()

    def _scale(self, width: float, height: float) -> float:
        """Pixels per point: the wished width, unless a poster would fill the memory."""
        if width <= 0 or height <= 0:
            raise Permanent("page_not_shown", "This page has no size.", hint="Its text is available.")
        return min(
            self._width_px / width, math.sqrt(self._max_pixels / (width * height)), _MAX_SIDE_PX / max(width, height)
        )


def _pixels(box: Box, width: int, height: int) -> tuple[float, float, float, float]:
    return (
        math.floor(box.left * width) - _MARGIN_PX,
        math.floor(box.top * height) - _MARGIN_PX,
        math.ceil(box.right * width) + _MARGIN_PX,
        math.ceil(box.bottom * height) + _MARGIN_PX,
    )
