"""A stranger's files, of every kind that people keep: each is read, or refused with a reason, and none hurts the reader."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest

from rag.adapters.parsers.isolated import IsolatedParser
from rag.errors import Permanent
from rag.testing import EPOCH
from rag.types import Classification, Document, Labels

LABELS = Labels(
    tenant="t", business_unit=None, classification=Classification.public, readers=frozenset(), valid_from=None,
    valid_until=None,
)  # fmt: skip
HURT = {"parser_crashed", "parser_timeout", "too_hungry", "too_much_text"}
MOST_REFUSED = 0.1


@pytest.mark.timeout(900)
async def test_every_file_is_read_or_refused(data_folder: Path) -> None:
    """Zero crashes, zero hangs, and nine of ten files are read."""
    parser = IsolatedParser()
    files = sorted(path for path in (data_folder / "documents" / "unstructured").rglob("*") if path.is_file())
    fates: Counter[str] = Counter()
    for path in files:
        document = Document(
            id="d", version="v", zone="z", path=path.name, uri="beleg://z/d", content=path.read_bytes(), modified_at=EPOCH,
            labels=LABELS,
        )  # fmt: skip
        try:
            fates["read" if (await parser.parse(document)).text else "nothing"] += 1
        except Permanent as error:
            fates[error.code if error.hint else "without a hint"] += 1
    await parser.aclose()
    print("\n" + "\n".join(f"  {number:4} {fate}" for fate, number in fates.most_common()), file=sys.stderr)
    assert not HURT & fates.keys()
    assert fates["nothing"] == fates["without a hint"] == 0
    assert sum(fates.values()) - fates["read"] <= MOST_REFUSED * len(files)
