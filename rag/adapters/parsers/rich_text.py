"""RTF → paragraphs, and tables by rows. Pictures and embedded objects are left out by the library that reads it."""

from __future__ import annotations

from striprtf.striprtf import rtf_to_text

from rag.adapters.parsers.building import Building, Row, row
from rag.adapters.parsers.text import add_block
from rag.errors import Permanent
from rag.types import Document, Parsed

MEDIA_TYPE = "application/rtf"


def parse_rtf(document: Document) -> Parsed:
    """Raises `Permanent("broken_file")`."""
    try:
        text = str(rtf_to_text(document.content.decode("latin-1"), errors="replace"))  # type: ignore[no-untyped-call]
    except (ValueError, LookupError, IndexError, RecursionError) as error:
        raise Permanent(
            "broken_file", f"The file is no readable RTF ({type(error).__name__}).", hint="Save it as DOCX."
        ) from None
    building, rows = Building(), list[Row]()
    for line in text.split("\n"):
        if line.rstrip().endswith("|"):  # how the library says that cells ended
            rows.append(row(line.rstrip().removesuffix("|").split("|")))
            continue
        building.table(rows)
        rows = []
        if line.strip():
            add_block(building, [line.rstrip()])
    building.table(rows)
    return building.parsed(document, MEDIA_TYPE)
