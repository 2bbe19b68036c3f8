"""The sample landing zone as the real landing and the real parser see it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rag.adapters.landing.folder_landing import FolderLanding
from rag.adapters.landing.zone_file import read_zone_file
from rag.adapters.parsers.isolated import IsolatedParser
from rag.errors import Permanent
from rag.types import Document, Parsed, Zone
from samples.make import landing_zone

QUESTIONS = landing_zone.parent / "questions.jsonl"
TODAY = datetime(2026, 6, 1, tzinfo=UTC)
"""The day on which the questions are asked, fixed so that no document runs out under the tests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One file, and what became of it: `parsed`, or the code of the refusal.

    `document` is `None` if the landing zone itself refused it.
    """

    zone: Zone
    name: str
    file: Path
    document: Document | None
    parsed: Parsed | None
    code: str

    @property
    def text(self) -> str:
        """White space folded: a line break in a PDF is no difference."""
        assert self.parsed is not None, f"{self.name} was not read: {self.code}"
        return folded(self.parsed.text)


def folded(text: str) -> str:
    return " ".join(text.split())


async def read_all(folder: Path = landing_zone) -> dict[str, Sample]:
    """Every file by `ZONE/PATH`."""
    landing, parser, found = FolderLanding(), IsolatedParser(), {}
    for zone in [read_zone_file(path) for path in sorted(folder.iterdir())]:
        for sighting in await landing.sightings(zone):
            sample = await _read(landing, parser, zone, sighting.path, folder)
            found[sample.name] = sample
    await parser.aclose()
    return found


async def _read(landing: FolderLanding, parser: IsolatedParser, zone: Zone, path: str, folder: Path) -> Sample:
    name = f"{zone.name}/{path}"
    document, parsed, code = None, None, ""
    try:
        document = await landing.read(zone, path)
        parsed = await parser.parse(document)
    except Permanent as error:
        code = error.code
    return Sample(zone=zone, name=name, file=folder / name, document=document, parsed=parsed, code=code)


def questions() -> list[dict[str, Any]]:
    """As they stand in the file: the door of the evaluation has its own tests."""
    return [json.loads(line) for line in QUESTIONS.read_text(encoding="utf-8").splitlines() if line.strip()]


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())
