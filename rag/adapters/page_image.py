"""A page of a PDF → PNG with masked places painted over, by pdfium, in a child process. Called when a citation is opened.

The paint is in the picture's own pixels: what stood below it does not leave the process. Shown is only what the guard has
seen, which is text: comments, form fields and pictures on the page are not drawn.
"""

from __future__ import annotations

import ctypes
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium
from PIL import Image, ImageDraw

from rag.adapters.isolated import ChildCrashedError, ChildTooSlowError, Isolated
from rag.errors import Permanent
from rag.types import Box

_MARGIN_PX = 2
"""Around every mask: boxes come from glyph outlines, and anti-aliased edges would still show."""
_MAX_SIDE_PX = 4_000
_PICTURE = (225, 225, 225)
"""What stands in place of a picture."""
_WHOLE = 0.5
"""Share of a page from which on a picture is the page: a scan."""
_TOLD = frozenset({"page_not_found", "page_not_shown"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A page to draw. `page`: 1-based."""

    content: bytes = field(repr=False)
    page: int
    masked: tuple[Box, ...]
    width_px: int
    max_pixels: int


class PdfPages:
    """Implements `serving.ports.PageImages`. Close it with `aclose`."""

    def __init__(self, *, width_px: int = 1_400, max_pixels: int = 6_000_000) -> None:
        self._width_px = width_px
        self._max_pixels = max_pixels
        self._drawer = Isolated("rag.adapters.page_image:draw", timeout_s=20, longest_s=20, memory_mb=1024)

    async def png(self, content: bytes, page: int, *, masked: Sequence[Box]) -> bytes:
        """Page `page` (1-based). Raises `Permanent`: `page_not_found`, or `page_not_shown` if unreadable or a scan."""
        wanted = Wanted(
            content=content, page=page, masked=tuple(masked), width_px=self._width_px, max_pixels=self._max_pixels
        )
        try:
            drawn: bytes = await self._drawer.call(wanted)
        except (ChildCrashedError, ChildTooSlowError):
            raise _not_shown() from None
        except Permanent as error:
            if error.code in _TOLD:
                raise
            raise _not_shown() from error
        return drawn

    async def aclose(self) -> None:
        await self._drawer.aclose()


# --- in the child -------------------------------------------------------------------------------------------------


def draw(wanted: Wanted) -> bytes:
    """PNG. Raises `Permanent`, or whatever the library does on hostile files."""
    document = pypdfium2.PdfDocument(wanted.content)
    if not 1 <= wanted.page <= len(document):
        raise Permanent("page_not_found", "The document has no such page.")
    page = document[wanted.page - 1]
    image = page.render(scale=_scale(wanted, *page.get_size()), draw_annots=False, may_draw_forms=False).to_pil()
    image = image.convert("RGB")
    pen = ImageDraw.Draw(image)
    for corners in _pictures(page, image):
        pen.rectangle(corners, fill=_PICTURE)
    for box in wanted.masked:
        pen.rectangle(_pixels(box, image.width, image.height), fill=(0, 0, 0))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def _scale(wanted: Wanted, width: float, height: float) -> float:
    """Pixels per point: the wished width, unless a poster would fill the memory."""
    if width <= 0 or height <= 0:
        raise _not_shown()
    room = math.sqrt(wanted.max_pixels / (width * height))
    return min(wanted.width_px / width, room, _MAX_SIDE_PX / max(width, height))


def _pictures(page: Any, image: Image.Image) -> list[tuple[float, float, float, float]]:
    """Where the page's own pictures stand, in pixels. Raises `Permanent` for a page that is one."""
    found: list[tuple[float, float, float, float]] = []
    for item in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE, pdfium.FPDF_PAGEOBJ_SHADING], max_depth=10):
        left, bottom, right, top = item.get_bounds()
        corners = [_to_device(page, image, x, y) for x in (left, right) for y in (bottom, top)]
        xs, ys = [x for x, _ in corners], [y for _, y in corners]
        found.append((min(xs) - _MARGIN_PX, min(ys) - _MARGIN_PX, max(xs) + _MARGIN_PX, max(ys) + _MARGIN_PX))
    if any((x1 - x0) * (y1 - y0) > _WHOLE * image.width * image.height for x0, y0, x1, y1 in found):
        raise _not_shown()
    return found


def _to_device(page: Any, image: Image.Image, x: float, y: float) -> tuple[int, int]:
    out_x, out_y = ctypes.c_int(), ctypes.c_int()
    pdfium.FPDF_PageToDevice(page, 0, 0, image.width, image.height, 0, x, y, out_x, out_y)
    return out_x.value, out_y.value


def _pixels(box: Box, width: int, height: int) -> tuple[float, float, float, float]:
    return (
        math.floor(box.left * width) - _MARGIN_PX,
        math.floor(box.top * height) - _MARGIN_PX,
        math.ceil(box.right * width) + _MARGIN_PX,
        math.ceil(box.bottom * height) + _MARGIN_PX,
    )


def _not_shown() -> Permanent:
    return Permanent("page_not_shown", "This page cannot be drawn.", hint="Its text is available.")
