"""What becomes of a stranger's files, and how busy the embedder is kept: `python -m benchmarks.system.corpus`

The public test files of another project (about 240, of many formats, some broken on purpose) through the whole flow, under
a Prefect server, from listing to publish. Then the embedder alone on the very texts that were indexed, in the same run.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import tempfile
import time
from collections import Counter
from pathlib import Path

from benchmarks.report import write_table
from benchmarks.retrieval.datasets import data_folder


def main() -> None:
    source = data_folder() / "documents" / "unstructured"
    with tempfile.TemporaryDirectory() as folder:
        home, docs = Path(folder) / "home", Path(folder) / "docs"
        shutil.copytree(source, docs)
        os.environ["BELEG_HOME"], os.environ["BELEG_PREFECT_PORT"] = str(home), str(_free_port())
        rows = asyncio.run(_measured(docs))
    note = " ".join((__doc__ or "").split())
    write_table("corpus", rows, note=note)


async def _measured(docs: Path) -> list[dict[str, object]]:
    # Late: Prefect reads its settings when it is imported, and those are the instance's.
    from beleg.ingesting import ingest_zones
    from beleg.zones import add_zone, entries

    await add_zone(docs, name="corpus")
    began = time.perf_counter()
    (sweep,), missed = await ingest_zones("corpus", tell=lambda _: None)
    whole_s = time.perf_counter() - began
    (of_zone,) = (await entries("corpus")).values()
    texts = await _texts()
    alone_s = await _alone(texts)
    fates = Counter(f"{e.receipt.state.value}: {e.receipt.code}" for e in of_zone)
    rows: list[dict[str, object]] = [
        {"what": "files", "value": len(of_zone)},
        {"what": "files that wait, failed or were left out", "value": sweep.failed + len(missed)},
        {"what": "chunks", "value": len(texts)},
        {"what": "seconds, listing to publish, model loading counted", "value": f"{whole_s:.0f}"},
        {"what": "chunks/s, whole flow", "value": f"{len(texts) / whole_s:.0f}"},
        {"what": "chunks/s, embedder alone on the same texts", "value": f"{len(texts) / alone_s:.0f}"},
        {"what": "whole flow as a share of the embedder's own rate", "value": f"{alone_s / whole_s:.0%}"},
    ]
    return rows + [{"what": fate, "value": number} for fate, number in sorted(fates.items())]


async def _texts(zone: str = "corpus", *, names: frozenset[str] | None = None) -> list[str]:
    """What was embedded, cut again from what was kept; `names`: of these files alone."""
    from beleg.home import here
    from rag.compose import open_rag
    from rag.ingest.chunk import chunk

    found: list[str] = []
    async with open_rag(here()) as rag:
        for entry in (await rag.ledger.entries(zone)).values():
            if names is not None and Path(entry.receipt.path).name not in names:
                continue
            kept = await rag.state.library.cleared(entry.receipt.document_id, entry.receipt.version or "")
            if kept is not None:
                found += [
                    one.embedded_text
                    for one in chunk(
                        kept, rules=rag.intake.chunking.of(), count_tokens=rag.intake.embedder.count_tokens
                    )
                ]
    return found


async def _alone(texts: list[str]) -> float:
    from rag.adapters.embedders.glossed import GlossedEmbedder
    from rag.adapters.embedders.sentence_transformers import SentenceTransformerEmbedder

    embedder = GlossedEmbedder(SentenceTransformerEmbedder(threads=os.cpu_count()))
    await embedder.embed(["warm"])
    began = time.perf_counter()
    for at in range(0, len(texts), 512):
        await embedder.embed(texts[at : at + 512])
    return time.perf_counter() - began


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
