"""Real questions in two languages against the real model and the real engine. Needs the public data sets."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest

from benchmarks.retrieval.datasets import xquad
from benchmarks.retrieval.xquad import measure
from rag.adapters.embedders.glossed import GlossedEmbedder
from rag.adapters.embedders.sentence_transformers import SentenceTransformerEmbedder


@pytest.mark.parametrize("language", ["en", "de"])
async def test_the_fused_order_is_no_worse_than_the_better_side(language: str, data_folder: Path) -> None:
    """On the half of XQuAD's questions that nothing was tuned on, in each language, by hit@5 and MRR@10."""
    if not (data_folder / "xquad" / f"xquad.{language}.json").is_file():
        pytest.skip(f"XQuAD is not in {data_folder}")
    bare = SentenceTransformerEmbedder(threads=2)
    measured = await measure(xquad(language), embedder=GlossedEmbedder(bare), bare=bare, held_out_only=True)
    ours = measured["ours"]["held_out"]
    for side in ("dense", "dense_glossed", "bm25", "bm25_ours"):
        other = measured[side]["held_out"]
        assert ours.hit_5 >= other.hit_5, (side, asdict(ours), asdict(other))
        assert ours.mrr_10 >= other.mrr_10, (side, asdict(ours), asdict(other))
    assert ours.questions > 500
