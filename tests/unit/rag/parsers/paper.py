"""Documents that the tests make for themselves, and what every parsed text promises."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pypdfium2
import reportlab
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, PageTemplate, Paragraph, SimpleDocTemplate

from rag.testing import EPOCH
from rag.types import Classification, Document, ElementKind, Labels, Parsed

LABELS = Labels(tenant="t", business_unit=None, classification=Classification.public, readers=frozenset(), valid_from=None, valid_until=None)  # fmt: skip


def document(content: bytes | str, path: str = "a.txt", **named: Any) -> Document:
    content = content.encode() if isinstance(content, str) else content
    return Document(
        id="d", version="v", zone="z", path=path, uri=path, content=content, modified_at=EPOCH, labels=LABELS, **named
    )


def check(parsed: Parsed) -> None:
    """The invariants that `Parsed` promises."""
    text = parsed.text
    for items in (parsed.elements, parsed.places):
        assert all(a.end <= b.start for a, b in itertools.pairwise(items))
        assert all(0 <= item.start < item.end <= len(text) for item in items)
    for element in parsed.elements:
        said = text[element.start : element.end]
        assert said == said.strip()
        assert element.header_end is None or element.start < element.header_end < element.end
    assert all(c.isprintable() or c in "\n\t" for c in text)
    assert "\xad" not in text
    assert text == text.strip()


def said(parsed: Parsed, *kinds: ElementKind) -> list[str]:
    """The texts of all elements, or of those of these kinds."""
    return [parsed.text[e.start : e.end] for e in parsed.elements if not kinds or e.kind in kinds]


def rows(parsed: Parsed) -> list[list[list[str]]]:
    """Per table its rows, per row its cells."""
    return [[line.split(" | ") for line in table.split("\n")] for table in said(parsed, "table")]


# --- PDF ----------------------------------------------------------------------------------------------------------


@cache
def fonts() -> None:
    folder = Path(reportlab.__file__).parent / "fonts"
    for name in ("Vera", "VeraBd"):
        pdfmetrics.registerFont(TTFont(name, str(folder / f"{name}.ttf")))


def style(size: float = 10, font: str = "Vera", **more: Any) -> ParagraphStyle:
    fonts()
    return ParagraphStyle("plain", fontName=font, fontSize=size, leading=size * 1.3, **more)


def flowing(*flowables: Flowable, on_page: Callable[[Canvas, Any], None] | None = None, **page: Any) -> bytes:
    """A file whose pages fill by themselves."""
    fonts()
    out = io.BytesIO()
    template = SimpleDocTemplate(out, pagesize=A4, invariant=1, **page)
    first = {"onFirstPage": on_page, "onLaterPages": on_page} if on_page else {}
    template.build(list(flowables), **first)
    return out.getvalue()


def in_columns(*flowables: Flowable, count: int, above: Callable[[Canvas, Any], None]) -> bytes:
    """Pages that fill column by column."""
    fonts()
    out = io.BytesIO()
    width = (A4[0] - 80 - 18 * (count - 1)) / count
    pads = dict.fromkeys(("leftPadding", "rightPadding", "topPadding", "bottomPadding"), 0)
    frames = [Frame(40 + at * (width + 18), 60, width, 640, id=f"c{at}", **pads) for at in range(count)]
    template = BaseDocTemplate(out, pagesize=A4, invariant=1, pageTemplates=[PageTemplate(frames=frames, onPage=above)])
    template.build(list(flowables))
    return out.getvalue()


def drawn(draw: Callable[[Canvas], None]) -> bytes:
    """One page on which everything stands where `draw` puts it."""
    fonts()
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, invariant=1)
    canvas.setFont("Vera", 10)
    draw(canvas)
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def prose(text: str, **more: Any) -> Paragraph:
    return Paragraph(text, style(**more))


def turned(content: bytes, quarters: int, crop: tuple[float, float, float, float] | None) -> bytes:
    """As a viewer shows it: turned clockwise by degrees, and cut to a part of the page."""
    pdf = pypdfium2.PdfDocument(content)
    for page in pdf:
        page.set_rotation(quarters)
        if crop:
            page.set_cropbox(*crop)
    out = io.BytesIO()
    pdf.save(out)
    return out.getvalue()


def uncovered(content: bytes, parsed: Parsed) -> int:
    """Dark pixels of the pages, drawn as a viewer draws them, that no place covers. One pixel of blur is forgiven."""
    count = 0
    with pypdfium2.PdfDocument(content) as pdf:
        for number, page in enumerate(pdf, start=1):
            image = page.render(scale=2).to_numpy()[:, :, :3].min(axis=2) < 128
            height, width = image.shape
            for place in (*parsed.places, *parsed.echoes):
                if place.page == number and place.box is not None:
                    box = place.box
                    top, bottom = int(box.top * height) - 1, int(box.bottom * height) + 2
                    left, right = int(box.left * width) - 1, int(box.right * width) + 2
                    assert image[max(top, 0) : bottom, max(left, 0) : right].any(), "a box around nothing"
                    image = image.copy()
                    image[max(top, 0) : bottom, max(left, 0) : right] = False
            count += int(image.sum())
    return count
