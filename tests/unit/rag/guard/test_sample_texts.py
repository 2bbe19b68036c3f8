"""The sample documents: one is masked, one is quarantined, all others pass untouched."""

from __future__ import annotations

from pathlib import Path

import pytest
from guards import screened

from rag.types import Action

TEXTS = sorted((Path(__file__).resolve().parents[4] / "samples" / "texts").rglob("*.md"))
MASKED = "vermerk-standortumzug-jena.md"
BLOCKED = "entlassbrief-muster.md"
PLANTED = (
    "Lindemann",
    "Berghaus",
    "posteo.example",
    "mailbox.example",
    "3920012",
    "DE89",
    "86 095",
    "Lindenstraße",
    "Schwarzwaldstraße",
)


@pytest.mark.parametrize("path", TEXTS, ids=lambda p: p.name)
async def test_samples(path: Path) -> None:
    """Product texts, policies and mails stay as they are; planted personal data goes; patient data stays out."""
    text = path.read_text(encoding="utf-8")
    result = await screened(text)
    if path.name == BLOCKED:
        assert result.decision.action is Action.block
    elif path.name == MASKED:
        assert not [p for p in PLANTED if p in result.text]
    else:
        assert result.text == text
