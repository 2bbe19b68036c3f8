"""Pages drawn by the real pdfium: sized, capped, and black where personal data stood."""

from __future__ import annotations

import asyncio
import io

import pytest
from PIL import Image
from serving_scene import documents, policy_pdf

from rag.adapters.page_image import PdfPages
from rag.errors import Permanent
from rag.types import Box


def opened(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png)).convert("L")


def region(image: Image.Image, box: Box) -> Image.Image:
    return image.crop(
        (
            int(box.left * image.width),
            int(box.top * image.height),
            int(box.right * image.width),
            int(box.bottom * image.height),
        )
    )


async def test_a_masked_place_is_black_and_nothing_else_is() -> None:
    """The name's pixels are gone; the rest of the page is the same as without the mask."""
    mask = documents()["policy"].masked[0].box
    plain = opened(await PdfPages().png(policy_pdf(), 2, masked=()))
    masked = opened(await PdfPages().png(policy_pdf(), 2, masked=(mask,)))
    assert region(plain, mask).getextrema() == (0, 255) or region(plain, mask).getextrema()[1] > 200
    assert region(masked, mask).getextrema() == (0, 0)
    head = Box(left=0, top=0, right=1, bottom=mask.top - 0.01)
    assert region(plain, head).tobytes() == region(masked, head).tobytes()


async def test_a_poster_does_not_fill_the_memory() -> None:
    """Whatever the page's size, the picture stays under the cap."""
    from reportlab.pdfgen import canvas

    for size in ((14_000, 14_000), (14_000, 20), (3, 14_000)):
        out = io.BytesIO()
        pdf = canvas.Canvas(out, pagesize=size)
        pdf.showPage()
        pdf.save()
        image = opened(await PdfPages(max_pixels=1_000_000).png(out.getvalue(), 1, masked=()))
        assert image.width * image.height <= 1_020_000
        assert max(image.size) <= 4_001


@pytest.mark.parametrize("page", [0, -1, 3, 10**9])
async def test_a_page_that_is_not_there_is_told(page: int) -> None:
    """Pages count from 1."""
    with pytest.raises(Permanent, match="no such page"):
        await PdfPages().png(policy_pdf(), page, masked=())


@pytest.mark.parametrize("content", [b"", b"hello", b"%PDF-1.7\n", policy_pdf()[:400]])
async def test_a_broken_file_is_told(content: bytes) -> None:
    """Pdfium's own error does not travel on."""
    with pytest.raises(Permanent):
        await PdfPages().png(content, 1, masked=())


async def test_many_pages_at_once_come_out_right() -> None:
    """Pdfium is not thread-safe; the lock makes parallel requests equal to serial ones."""
    pages, pdf = PdfPages(width_px=300), policy_pdf()
    serial = [await pages.png(pdf, n % 2 + 1, masked=()) for n in range(8)]
    assert await asyncio.gather(*(pages.png(pdf, n % 2 + 1, masked=()) for n in range(8))) == serial
