"""An upgrade brings another parser: it reads into a new index, and who asks notices nothing before the move."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from indexed_house import ANIMALS, house, paths, write

from flows.rebuild import differences, outdated
from rag.adapters.parsers.isolated import IsolatedParser
from rag.ingest.erase import attest, erase
from rag.types import Document, ErasureRule, IndexState, Parsed

pytestmark = pytest.mark.usefixtures("prefect_server")

OF_TODAY, OF_BEFORE = "seen by the parser of today.", "seen by the parser of before."


_PARSE = IsolatedParser.parse


def reading(line: str) -> Callable[[IsolatedParser, Document], object]:
    """A parser that finds this line at the top of each file."""
    real = _PARSE

    async def parse(self: IsolatedParser, document: Document) -> Parsed:
        parsed = await real(self, replace(document, content=f"A note on animals, {line}\n".encode() + document.content))
        return replace(parsed, document=document)

    return parse


async def test_it_reads_into_a_new_index_and_the_old_one_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is due in place; every file is read once more, also what comes meanwhile, which is in both; each index finds
    its own words; what is forgotten is forgotten in both readings.
    """
    monkeypatch.setattr(IsolatedParser, "parse", reading(OF_BEFORE))
    async with house(tmp_path) as at:
        await at.sweep()
        assert outdated(at.rag, await at.rag.indexes.refresh()) is None
    monkeypatch.setattr(IsolatedParser, "parse", reading(OF_TODAY))
    monkeypatch.setattr(IsolatedParser, "revision", property(lambda _: "another"))
    async with house(tmp_path) as at:
        unchanged = await at.sweep()
        assert (unchanged.receipts, unchanged.unchanged) == ((), len(ANIMALS))
        blue = at.rag.indexes.lead
        assert outdated(at.rag, await at.rag.indexes.refresh()) == blue
        green = await at.rag.indexes.begin(at.rag.current(blue.build))
        assert differences(blue, green) == ["parser"]
        write(at.zone, "lynx")
        await at.sweep()
        assert await at.rebuild(green) == 0
        green = await at.rag.indexes.named(green.name)
        assert green.state is IndexState.ready
        old, new = await at.texts(blue), await at.texts(green)
        assert old.keys() == new.keys() == paths(*ANIMALS, "lynx")
        assert all(OF_TODAY in text for text in new.values())
        assert {path for path, text in old.items() if OF_TODAY in text} == paths("lynx")
        entry = (await at.rag.ledger.entries("zone"))["fox.txt"]
        library, known = at.rag.state.library, (entry.receipt.document_id, str(entry.receipt.version))
        assert len(await library.readings(*known)) == 2
        await at.move(green)
        assert await at.found() == paths(*ANIMALS, "lynx")
        async with at.rag.writer() as writer:
            zone = await at.rag.zone("zone")
            erasure = await erase(entry, zone=zone, rule=ErasureRule.request, intake=at.rag.intake, writer=writer)
            generation = await writer.publish()
            empty, _ = await attest([erasure], intake=at.rag.intake, writer=writer, generation=generation)
        assert (len(empty), await library.readings(*known)) == (1, [])
        assert "fox.txt" not in {*await at.texts(blue), *await at.texts(green)}
