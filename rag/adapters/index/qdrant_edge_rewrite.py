"""What was taken out leaves the disk too. Called by the writer before it publishes without a document.

The engine only marks a deleted point: its text stays in the pages of the store and in the log until something else comes
to lie there. So a collection that lost a document is written anew from what is left, and the old files go.

    working/NAME, rewriting-NAME   while the new one is written; a crash leaves both, and the new one is begun again
    working/replaced-NAME          for a moment, while the new one takes its place; a crash brings it back
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import qdrant_edge as qdrant

from rag.adapters.index import generations
from rag.adapters.index import qdrant_edge_shard as edge

_PAGE = 1000
"""Points at once."""


def copy(shard: Any, folder: Path, dimension: int) -> None:
    """Writes the points of `shard`, which lies in `folder` and stays open, into new files beside it."""
    fresh = edge.open_working(_fresh(folder), dimension)
    try:
        offset = None
        while True:
            found, offset = shard.scroll(
                qdrant.ScrollRequest(
                    offset=offset, limit=_PAGE, with_payload=True, with_vector=[edge.DENSE, edge.WORDS]
                )
            )
            if found:
                points = [qdrant.Point(record.id, dict(record.vector), record.payload) for record in found]
                fresh.update(qdrant.UpdateOperation.upsert_points(points))
            if offset is None:
                break
        fresh.flush()
    finally:
        fresh.close()


def put_in_place(folder: Path) -> None:
    """The new files take the place of the old ones, which go. Both are closed."""
    folder.rename(_old(folder))
    _fresh(folder).rename(folder)
    generations.sync(folder.parent)
    shutil.rmtree(_old(folder))


def settle(working: Path) -> None:
    """After a crash: what was about to be replaced is back in its place, what was half written is gone."""
    for old in working.glob("replaced-*"):
        folder = working / old.name.removeprefix("replaced-")
        if folder.is_dir():
            shutil.rmtree(old)
        else:
            old.rename(folder)
    for fresh in working.glob("rewriting-*"):
        shutil.rmtree(fresh)


def _fresh(folder: Path) -> Path:
    return folder.with_name(f"rewriting-{folder.name}")


def _old(folder: Path) -> Path:
    return folder.with_name(f"replaced-{folder.name}")
