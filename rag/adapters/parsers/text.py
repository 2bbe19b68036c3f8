"""Plain text → paragraphs, list items and underlined headings. Also the one place that guesses an encoding."""

from __future__ import annotations

import re

from charset_normalizer import from_bytes

from rag.adapters.parsers.building import Building, Line
from rag.errors import Permanent
from rag.types import Document, Parsed

MEDIA_TYPE = "text/plain"
_MARKS = (
    (b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe\0\0", "utf-32"), (b"\0\0\xfe\xff", "utf-32"), (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)  # fmt: skip
_WESTERN = set("ÄÖÜäöüßÀÁÂÃÇÈÉÊËÌÍÎÏÑÒÓÔÕØÙÚÛàáâãçèéêëìíîïñòóôõøùúûÆæŒœÅå€£§°²³µ±·×½¼´«»„“”‚‘’–—…•©®™¿¡\xa0")
_BULLET = re.compile(r"\s*(?:[-*•–]|\(?\d{1,2}[.)]|[a-z]\))\s+\S")
_MARK = re.compile(r"\s*[-*•–]\s+")
"""Is no word, and goes; a number stays, others may speak of it."""
_UNDERLINE = re.compile(r"\s*(?:={3,}|-{3,}|~{3,})\s*")
_WRAP = 45
"""Characters of a block's longest line from which on it was wrapped by a program, and not broken on purpose."""


def decoded(content: bytes) -> str:
    """Raises `Permanent("not_text")` for bytes that are no text in any encoding.

    Windows-1252 comes before any guess: in a short table with three umlauts a guess by frequency sees Baltic.
    """
    text = _decoded(content)
    odd = sum(c == "\ufffd" or (ord(c) < 32 and c not in "\t\n\r\f\x0b") for c in text[:20_000])
    if odd > 0.02 * min(len(text), 20_000):
        raise Permanent(
            "not_text",
            "The file is named like text but holds something else.",
            hint="Check what it is, and its extension.",
        )
    return text


def _decoded(content: bytes) -> str:
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content.decode(encoding, errors="replace")
    wide = _wide(content[:4096])
    if wide is not None:
        return content.decode(wide, errors="replace")
    for encoding in ("utf-8", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if encoding == "utf-8" or _is_western(text):
            return text
    best = from_bytes(content[: 1 << 20]).best()
    return content.decode(best.encoding, errors="replace") if best is not None else "\0"


def _wide(head: bytes) -> str | None:
    """UTF-16 without its mark: every other byte of a Western text is zero."""
    half = len(head) // 2
    first, second = head[0::2].count(0), head[1::2].count(0)
    if half < 4 or max(first, second) < 0.7 * half or min(first, second) > 0.05 * half:
        return None
    return "utf-16-be" if first > second else "utf-16-le"


def _is_western(text: str) -> bool:
    foreign = [c for c in text[:100_000] if ord(c) > 127]
    return sum(c in _WESTERN for c in foreign) >= 0.9 * len(foreign)


def parse_text(document: Document) -> Parsed:
    building = Building()
    for block in re.split(r"\n\s*\n|\f", decoded(document.content).replace("\r\n", "\n").replace("\r", "\n")):
        add_block(building, [line.rstrip() for line in block.split("\n") if line.strip()])
    return building.parsed(document, MEDIA_TYPE)


def add_block(building: Building, lines: list[str]) -> None:
    """Lines without a blank one between them: underlined headings first, then paragraphs and list items."""
    at = 0
    while at + 1 < len(lines) and _UNDERLINE.fullmatch(lines[at + 1]):
        building.title(Line(text=lines[at]), 1 if "=" in lines[at + 1] else 2)
        at += 2
    for item in _items(lines[at:]):
        is_item = _BULLET.match(item[0]) is not None
        item[0] = _MARK.sub("", item[0]) if is_item else item[0]
        building.paragraph(unwrapped(item), "list_item" if is_item else "paragraph", "\n")


def _items(lines: list[str]) -> list[list[str]]:
    """A block without blank lines, cut where list items begin: at a label after a line that does not run on."""
    items: list[list[str]] = []
    for line in lines:
        is_new = not items or (_BULLET.match(line) and not _runs_on(items[-1][-1]))
        if is_new:
            items.append([line])
        else:
            items[-1].append(line)
    return items


def _runs_on(line: str) -> bool:
    """A long line without a full stop. The next begins with a figure only by chance: "am" before "3. Mai"."""
    return len(line) >= _WRAP and not _has_ended(line) and not _BULLET.match(line)


def _has_ended(line: str) -> bool:
    return line.endswith((".", ":", ";", ",", "!", "?"))


def unwrapped(lines: list[str]) -> list[Line]:
    """Lines that were wrapped at a width read on; short ones (an address, a poem) stay lines."""
    longest = max((len(line) for line in lines), default=0)
    made: list[Line] = []
    for number, line in enumerate(lines):
        above = lines[number - 1] if number else ""
        next_word = line.split(maxsplit=1)[0] if line.strip() else ""
        was_full = len(above) + 1 + len(next_word) > longest or (len(above) > 0.7 * longest and not _has_ended(above))
        made.append(Line(text=line.strip(), joint=" " if number and longest >= _WRAP and was_full else None))
    return made
