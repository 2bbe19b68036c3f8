"""A picture file → a PDF of its frames, so that a photograph of a page is read, cited and shown like a scan."""

from __future__ import annotations

import io
from dataclasses import replace

from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

from rag.adapters.parsers import pdf
from rag.errors import Permanent
from rag.types import Document, Parsed

SIGNATURES = {
    b"\x89PNG": "image/png", b"\xff\xd8\xff": "image/jpeg", b"GIF87a": "image/gif", b"GIF89a": "image/gif",
    b"II*\0": "image/tiff", b"MM\0*": "image/tiff",
}  # fmt: skip
_MOST_FRAMES = 200
_MOST_PIXELS = 120_000_000
_DPI = 200


def media_type(head: bytes) -> str | None:
    """`None` for what is no picture that can be read."""
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "image/webp"
    if head.startswith(b"BM") and head[6:10] == b"\0\0\0\0":  # a text may begin with BMW
        return "image/bmp"
    return next((name for mark, name in SIGNATURES.items() if head.startswith(mark)), None)


def parse_picture(document: Document, kind: str) -> Parsed:
    """Raises `Permanent`: `broken_file`, `too_large_picture`, `no_text`, `no_text_recognition`."""
    parsed = pdf.parse(replace(document, content=as_pdf(document.content)))
    return replace(parsed, document=document, media_type=kind)


def as_pdf(content: bytes) -> bytes:
    """One page a frame, turned as the camera says."""
    try:
        with Image.open(io.BytesIO(content)) as picture:
            frames = getattr(picture, "n_frames", 1)
            if frames > _MOST_FRAMES or picture.width * picture.height * frames > _MOST_PIXELS:
                raise Permanent(
                    "too_large_picture", "The picture is too large to be read.", hint="Split it, or scale it."
                )
            pages = [ImageOps.exif_transpose(frame).convert("L") for frame in ImageSequence.Iterator(picture)]
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError) as error:
        raise Permanent(
            "broken_file", f"The picture is damaged ({type(error).__name__}).", hint="Export it anew and replace it."
        ) from None
    out = io.BytesIO()
    pages[0].save(out, "PDF", save_all=True, append_images=pages[1:], resolution=_DPI)
    return out.getvalue()
