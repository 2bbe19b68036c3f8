"""Run by `test_shared_limits.py`: embeds five texts, one by one, as a process of an instance would; begins when told."""

from __future__ import annotations

import asyncio
import sys

from embedding_service import DIMENSION, KEY, MODEL
from pydantic import SecretStr

from rag.adapters.database.engine import Database
from rag.adapters.database.pauses import DatabasePauses
from rag.adapters.embedders.limited import LimitedEmbedder
from rag.adapters.embedders.openai_compatible import OpenAICompatibleEmbedder


async def main(database_url: str, url: str) -> None:
    database = Database(database_url)
    remote = OpenAICompatibleEmbedder(base_url=f"{url}/v1", model=MODEL, dimension=DIMENSION, api_key=SecretStr(KEY))
    shared = LimitedEmbedder(
        remote, DatabasePauses(database), upstream=remote.upstream, patience_s=30, behind_s=(0, 0.2)
    )
    rows = sum([len(await shared.embed([f"rule {n}"])) for n in range(5)])
    print(rows, "rows")
    await remote.aclose()
    await database.close()


sys.stdin.readline()
asyncio.run(main(*sys.argv[1:]))
