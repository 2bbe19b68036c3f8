"""Pages of a PDF with the chunks framed in, as pictures. Called by `beleg chunk show --pictures`."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path

from rag.types import Chunk

_COLOURS = ("#c0392b", "#2471a3", "#1e8449", "#af601a", "#7d3c98", "#117864")


async def draw_chunks(file: Path, chunks: Sequence[Chunk], folder: Path) -> list[Path]:
    """One PNG a page that holds a chunk; each chunk's lines in its colour, with its number."""
    from PIL import Image, ImageDraw

    from rag.adapters.page_image import PdfPages

    folder.mkdir(parents=True, exist_ok=True)
    boxes = [
        (place.page, place.box, number)
        for number, chunk in enumerate(chunks, start=1)
        for place in chunk.places
        if place.page and place.box
    ]
    made: list[Path] = []
    content = file.read_bytes()
    async with aclosing(PdfPages()) as pages:
        for page in sorted({page for page, _, _ in boxes}):
            image = Image.open(io.BytesIO(await pages.png(content, page, masked=()))).convert("RGB")
            pen = ImageDraw.Draw(image)
            told: set[int] = set()
            for on, box, number in boxes:
                if on != page:
                    continue
                left, top = box.left * image.width, box.top * image.height
                right, bottom = box.right * image.width, box.bottom * image.height
                colour = _COLOURS[number % len(_COLOURS)]
                pen.rectangle((left - 2, top - 2, right + 2, bottom + 2), outline=colour, width=2)
                if number not in told:
                    pen.text((max(left - 34, 2), top), str(number), fill=colour, font_size=22)
                    told.add(number)
            made.append(folder / f"page-{page:03}.png")
            image.save(made[-1])
    return made
