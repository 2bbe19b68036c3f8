"""Pages drawn by the real pdfium: sized, capped, and black where personal data stood."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing

import pytest
from PIL import Image
from reportlab.lib.utils import ImageReader  # type: ignore[import-untyped]
from reportlab.pdfgen import canvas  # type: ignore[import-untyped]
from serving_scene import documents, policy_pdf

from rag.adapters.page_image import PdfPages
from rag.errors import Permanent
from rag.types import Box


@pytest.fixture
async def pages() -> AsyncIterator[PdfPages]:
    async with aclosing(PdfPages()) as made:
        yield made


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


async def test_a_masked_place_is_black_and_nothing_else_is(pages: PdfPages) -> None:
    """The name's pixels are gone; the rest of the page is the same as without the mask."""
    mask = documents()["policy"].masked[0].box
    plain = opened(await pages.png(policy_pdf(), 2, masked=()))
    masked = opened(await pages.png(policy_pdf(), 2, masked=(mask,)))
    assert region(plain, mask).getextrema() == (0, 255) or region(plain, mask).getextrema()[1] > 200
    assert region(masked, mask).getextrema() == (0, 0)
    head = Box(left=0, top=0, right=1, bottom=mask.top - 0.01)
    assert region(plain, head).tobytes() == region(masked, head).tobytes()


async def test_a_poster_does_not_fill_the_memory() -> None:
    """Whatever the page's size, the picture stays under the cap."""
    small = PdfPages(max_pixels=1_000_000)
    for size in ((14_000, 14_000), (14_000, 20), (3, 14_000)):
        out = io.BytesIO()
        pdf = canvas.Canvas(out, pagesize=size)
        pdf.showPage()
        pdf.save()
        image = opened(await small.png(out.getvalue(), 1, masked=()))
        assert image.width * image.height <= 1_020_000
        assert max(image.size) <= 4_001
    await small.aclose()


@pytest.mark.parametrize("page", [0, -1, 3, 10**9])
async def test_a_page_that_is_not_there_is_told(pages: PdfPages, page: int) -> None:
    """Pages count from 1."""
    with pytest.raises(Permanent, match="no such page"):
        await pages.png(policy_pdf(), page, masked=())


@pytest.mark.parametrize("content", [b"", b"hello", b"%PDF-1.7\n", policy_pdf()[:400]])
async def test_a_broken_file_is_told(pages: PdfPages, content: bytes) -> None:
    """Pdfium's own error does not travel on."""
    with pytest.raises(Permanent):
        await pages.png(content, 1, masked=())


def drawn(draw: Callable[[canvas.Canvas], None]) -> bytes:
    out = io.BytesIO()
    pdf = canvas.Canvas(out, pagesize=(400, 400))
    pdf.drawString(20, 370, "A line of text")
    draw(pdf)
    pdf.save()
    return out.getvalue()


def darkest(image: Image.Image, box: Box) -> int:
    return int(region(image, box).getextrema()[0])


async def test_what_the_guard_has_not_seen_is_not_shown(pages: PdfPages) -> None:
    """Comments and form fields are no part of the text, so nobody has looked for names in them."""

    def add(pdf: canvas.Canvas) -> None:
        pdf.freeTextAnnotation("Katharina Lindemann", Rect=(20, 100, 380, 140), DA="/F5 12 Tf 0 g")
        pdf.acroForm.textfield(name="x", value="Katharina Lindemann", x=20, y=180, width=300)

    image = opened(await pages.png(drawn(add), 1, masked=()))
    assert darkest(image, Box(left=0, top=0, right=1, bottom=0.15)) < 100
    assert darkest(image, Box(left=0, top=0.4, right=1, bottom=0.8)) > 200


def photograph(side: float) -> Callable[[canvas.Canvas], None]:
    picture = ImageReader(Image.new("RGB", (50, 50), (0, 0, 0)))
    return lambda pdf: pdf.drawImage(picture, 50, 50, side, side)


async def test_a_picture_on_a_page_is_painted_over(pages: PdfPages) -> None:
    """A photographed badge holds a name that no text layer knows."""
    image = opened(await pages.png(drawn(photograph(100)), 1, masked=()))
    assert darkest(image, Box(left=0.1, top=0.6, right=0.4, bottom=0.9)) > 200
    assert darkest(image, Box(left=0, top=0, right=1, bottom=0.15)) < 100


async def test_a_scan_is_shown_as_text(pages: PdfPages) -> None:
    """Handwriting beside the print was recognised by nobody."""
    with pytest.raises(Permanent) as caught:
        await pages.png(drawn(photograph(340)), 1, masked=())
    assert caught.value.code == "page_not_shown"


async def test_many_pages_at_once_come_out_right(pages: PdfPages) -> None:
    """Pdfium is not thread-safe; parallel requests equal serial ones."""
    pdf = policy_pdf()
    serial = [await pages.png(pdf, n % 2 + 1, masked=()) for n in range(8)]
    assert await asyncio.gather(*(pages.png(pdf, n % 2 + 1, masked=()) for n in range(8))) == serial
