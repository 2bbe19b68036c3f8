"""Pictures of text → words with their places, by Tesseract where it is installed. Used for scans and photographs.

Tesseract is a program of its own (Debian: `tesseract-ocr tesseract-ocr-deu`); nothing is fetched and nothing is written.
"""

from __future__ import annotations

import csv
import io
import re
import shutil
import statistics
import subprocess
from collections import defaultdict
from dataclasses import dataclass
from functools import cache

from PIL import Image

from rag.adapters import alive
from rag.errors import Permanent

_WANTED = ("deu", "eng")
_LEAST_CONFIDENCE = 30.0
"""Of 100; below, what Tesseract reads is mostly dirt."""
_SURE = 2.0
"""Tesseract's measure for the way a page lies; below, the page is taken as it is."""
_TIMEOUT_S = 50
_SAME_HEIGHT = 0.3
"""Lines whose heights differ by less from most of the page are of one size: the height of a line depends on its letters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A word in pixels of the picture as it is read. `height`: of the type, made even over the page."""

    text: str
    left: int
    top: int
    right: int
    bottom: int
    base: int
    height: float


@cache
def languages() -> tuple[str, ...]:
    """German and English as far as they are installed; none = no text recognition on this machine."""
    if shutil.which("tesseract") is None:
        return ()
    return tuple(language for language in _WANTED if language in _installed())


@cache
def _installed() -> frozenset[str]:
    command = ["tesseract", "--list-langs"]  # found by PATH, as the operator set it
    listed = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)  # noqa: S603
    return frozenset(listed.stdout.split())


@cache
def revision() -> str:
    """Changes when another Tesseract, or another language, would read the same picture differently."""
    if not languages():
        return "none"
    said = subprocess.run(["tesseract", "--version"], capture_output=True, text=True, timeout=20, check=False)  # noqa: S607 - found by PATH
    return f"{' '.join(said.stdout.split()[:2])} {'+'.join(languages())}"


def read(picture: Image.Image) -> tuple[int, list[Seen]]:
    """Quarter turns clockwise by which the text stands on the picture, and its words as read. One sign of life a page.

    Raises `Permanent`: `no_text_recognition` where it is not installed, `recognition_failed`.
    """
    if not languages():
        raise Permanent(
            "no_text_recognition", "The file is a picture of text, and text recognition is not installed.",
            hint="Have Tesseract installed with German and English, or provide a version with a text layer.",
        )  # fmt: skip
    picture = picture.convert("L")
    turn = _turn(picture)
    upright = picture.rotate(90 * turn, expand=True) if turn else picture
    found = _words(_run(upright, "+".join(languages()), "--psm", "3", "tsv"))
    alive.tell()
    return turn, found


def _tells_turns() -> bool:
    """Asked with a language, Tesseract guesses wildly which way a page lies; it has a model of its own for that."""
    return "osd" in _installed()


def _turn(picture: Image.Image) -> int:
    if not _tells_turns():
        return 0
    try:
        said = _run(picture, "osd", "--psm", "0")
    except Permanent:
        return 0  # too few letters to tell, which Tesseract calls a failure
    sure = re.search(r"Orientation confidence: ([\d.]+)", said)
    degrees = re.search(r"Orientation in degrees: (\d+)", said)
    return int(degrees[1]) // 90 % 4 if sure and degrees and float(sure[1]) >= _SURE else 0


def _run(picture: Image.Image, language: str, *how: str) -> str:
    """Raises `Permanent("recognition_failed")`."""
    out = io.BytesIO()
    picture.save(out, "PNG")
    command = ["tesseract", "stdin", "stdout", "-l", language, "--dpi", "200", *how]
    try:
        done = subprocess.run(  # noqa: S603 - no shell, and no word of the command comes from a file
            command, input=out.getvalue(), capture_output=True, timeout=_TIMEOUT_S, check=True,
            env={"OMP_THREAD_LIMIT": "1", "PATH": _path()},
        )  # fmt: skip
    except (subprocess.SubprocessError, OSError) as error:
        raise Permanent(
            "recognition_failed", f"The text of a page could not be recognised ({type(error).__name__}).",
            hint="Provide a version with a text layer.",
        ) from None  # fmt: skip
    return done.stdout.decode("utf-8", errors="replace")


def _path() -> str:
    found = shutil.which("tesseract")
    return "" if found is None else found.rsplit("/", 1)[0]


def _words(table: str) -> list[Seen]:
    """From Tesseract's TSV: level 4 is a line, 5 a word."""
    lines: dict[tuple[str, ...], tuple[int, int]] = {}
    words: dict[tuple[str, ...], list[dict[str, str]]] = defaultdict(list)
    for record in csv.DictReader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE):
        line = (record["block_num"], record["par_num"], record["line_num"])
        if record["level"] == "4":
            lines[line] = (int(record["top"]), int(record["height"]))
        elif record["level"] == "5" and float(record["conf"]) >= _LEAST_CONFIDENCE and (record["text"] or "").strip():
            words[line].append(record)
    heights = {line: float(lines[line][1]) for line in words if line in lines}
    usual = statistics.median(heights.values()) if heights else 0.0
    even = {line: usual if abs(h - usual) <= _SAME_HEIGHT * usual else h for line, h in heights.items()}
    return [
        _seen(record, lines[line], even[line]) for line, found in words.items() if line in lines for record in found
    ]


def _seen(record: dict[str, str], line: tuple[int, int], height: float) -> Seen:
    left, top = int(record["left"]), int(record["top"])
    return Seen(
        text=record["text"].strip(), left=left, top=top, right=left + int(record["width"]),
        bottom=top + int(record["height"]), base=line[0] + line[1], height=height,
    )  # fmt: skip
