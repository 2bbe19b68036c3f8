"""Processes for `test_killed.py`: each sweeps a folder into an instance of its own, and kills itself at the boundary it is told.

Everything that keeps state is real: the folder, SQLite, the embedded index with its lock and its log. Parser, guard and
embedder are twins, because they keep none.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

from rag import keywords
from rag.adapters.embedders.hashing import HashEmbedder
from rag.adapters.index import generations
from rag.adapters.index.generations import Manifest
from rag.adapters.index.opening import embedded
from rag.adapters.landing.folder_landing import FolderLanding
from rag.compose import open_state
from rag.ingest.batch import Batch
from rag.ingest.erase import attest, erase
from rag.ingest.ingest import Intake, removable, survey
from rag.ports import IndexWriter
from rag.settings import Settings, read_settings
from rag.testing import FixedPolicy, PlainParser, WordGuard, zone
from rag.types import ErasureRule

PORTION = 3
"""Small, so that a sweep has several."""


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[tuple[Intake, IndexWriter]]:
    async with open_state(settings) as state:
        embedder = HashEmbedder()
        index = embedded(
            settings.index_root,
            publications=state.library,
            embedder=embedder.name,
            dimension=embedder.dimension,
            terms=keywords.REVISION,
            keep=3,
        )
        intake = Intake(
            landing=FolderLanding(), parser=PlainParser(), guard=WordGuard(), embedder=embedder, library=state.library,
            ledger=state.ledger, index_identity=index.identity, erasures=state.erasures, reviews=state.reviews,
            signer=state.signer, policy=FixedPolicy(),
        )  # fmt: skip
        async with index.writer() as writer:
            yield intake, writer
        await index.close()


async def sweep(home: Path, folder: Path, at_boundary: Callable[[str], None]) -> None:
    """In the flow's order; `at_boundary` is told each step that has ended."""
    async with opened(read_settings(home=home)) as (intake, writer):
        place = replace(zone(), url=folder.as_uri(), deletion_limit=1.0)
        await intake.ledger.add_zone(place)
        found = await survey(place, intake=intake)
        at_boundary("survey")
        for start in range(0, len(found.due), PORTION):
            batch = Batch(place, found.due[start : start + PORTION], intake=intake, writer=writer)
            for name, step in batch.steps.items():
                await step()
                at_boundary(name)
        for entry in await removable(place, found, intake=intake):
            await erase(entry, zone=place, rule=ErasureRule.deleted, intake=intake, writer=writer)
            at_boundary("erase")
        generation = await writer.publish()
        at_boundary("publish")
        await attest(await intake.erasures.unsigned(), intake=intake, writer=writer, generation=generation)
        at_boundary("attest")


def content(home: Path) -> tuple[str, dict[str, int]]:
    """Digest of everything that the published index holds, and its chunks by classification."""
    root = read_settings(home=home).index_root
    pointer = generations.pointer(root)
    assert pointer is not None
    manifest = Manifest.read(generations.folder_of(root, pointer.name))
    return manifest.content, dict(manifest.chunks)


def killed_at(number: int, home: str, folder: str, said: Connection) -> None:
    """A sweep that ends as no handler could prevent when so many boundaries have come, and says at which."""
    seen = 0

    def at_boundary(name: str) -> None:
        nonlocal seen
        seen += 1
        if seen == number:
            said.send(name)
            os.kill(os.getpid(), signal.SIGKILL)

    asyncio.run(sweep(Path(home), Path(folder), at_boundary))
