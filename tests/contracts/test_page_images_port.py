"""What everything that draws pages promises."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
from hostile_files import pdf, word

from rag.adapters.page_image import PdfPages
from rag.errors import Permanent
from rag.types import Box
from serving.ports import PageImages
from serving.testing import PaintedPages

MASK = (Box(left=0.1, top=0.1, right=0.5, bottom=0.2),)


class PageImagesContract:
    """Subclass with a fixture `pages`."""

    async def test_a_page_is_a_picture(self, pages: PageImages) -> None:
        """PNG, with and without masks."""
        for masked in ((), MASK):
            assert (await pages.png(pdf(2), 2, masked=masked)).startswith(b"\x89PNG\r\n\x1a\n")

    @pytest.mark.parametrize("content", [b"", b"<html></html>", word()])
    async def test_what_is_no_pdf_is_not_drawn(self, pages: PageImages, content: bytes) -> None:
        """It is said so: the text can be shown instead."""
        with pytest.raises(Permanent) as caught:
            await pages.png(content, 1, masked=())
        assert caught.value.code == "page_not_shown"

    @pytest.mark.parametrize("page", [-1, 0, 3, 10**9])
    async def test_a_page_that_does_not_exist_is_not_drawn(self, pages: PageImages, page: int) -> None:
        """Neither the last nor the first is shown in its place."""
        with pytest.raises(Permanent):
            await pages.png(pdf(2), page, masked=())


class TestPaintedPages(PageImagesContract):
    @pytest.fixture
    def pages(self) -> PageImages:
        return PaintedPages()


class TestPdfPages(PageImagesContract):
    @pytest.fixture
    async def pages(self) -> AsyncIterator[PdfPages]:
        async with aclosing(PdfPages(width_px=100)) as pages:
            yield pages
