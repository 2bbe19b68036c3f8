"""The sample documents, ingested for real into a folder of state, so that answers can be measured on them.

No workflow server and no HTTP: the functions that the flow and the API call. A second opening ingests nothing anew.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from rag.adapters.landing.zone_file import read_zone_file
from rag.compose import Rag, open_rag
from rag.ingest.batch import Batch
from rag.ingest.ingest import survey
from rag.settings import read_settings

ROOT = Path(__file__).resolve().parents[2]
LANDING_ZONES = ROOT / "samples" / "landing-zone"
QUESTIONS = ROOT / "samples" / "questions.jsonl"


@asynccontextmanager
async def sample_house(home: Path) -> AsyncIterator[Rag]:
    """The chain over all sample zones, as published under `home`."""
    zones = [read_zone_file(folder) for folder in sorted(LANDING_ZONES.iterdir()) if folder.is_dir()]
    async with open_rag(read_settings(home=home)) as rag:
        known = {zone.name for zone in await rag.ledger.zones()}
        for zone in zones:
            if zone.name not in known:
                await rag.ledger.add_zone(zone)
        async with rag.writer() as writer:
            for zone in zones:
                due = (await survey(zone, intake=rag.intake)).due
                for receipt in await Batch(zone, due, intake=rag.intake, writer=writer).run():
                    print(f"  {zone.name}/{receipt.path}: {receipt.code}, {receipt.chunks} chunks")
            await writer.publish()
        yield rag
