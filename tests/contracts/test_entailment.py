"""Whether a text follows from another: asked of a real model with random weights, made on the spot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rag.adapters.entailment.cross_encoder import CrossEncoderEntailment
from rag.errors import Permanent

LABELS = {0: "contradiction", 1: "Entailment", 2: "neutral"}
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "gate", "closes", "at", "ten", "opens", "."]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of one layer that knows nothing."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertTokenizerFast

    made = tmp_path_factory.mktemp("nli")
    (made / "vocab.txt").write_text("\n".join(WORDS), encoding="utf-8")
    BertTokenizerFast(vocab_file=str(made / "vocab.txt")).save_pretrained(made)
    torch.manual_seed(3)
    config = BertConfig(
        vocab_size=len(WORDS), hidden_size=32, num_hidden_layers=1, num_attention_heads=2, intermediate_size=64,
        num_labels=3, id2label=LABELS, label2id={name: number for number, name in LABELS.items()},
    )  # fmt: skip
    model = BertForSequenceClassification(config)
    model.classifier.weight.data *= 30
    model.save_pretrained(made)
    return made


async def test_every_pair_has_a_probability_in_its_place(folder: Path) -> None:
    """In the order given, the same each time, and what is asked first is the premise."""
    model = CrossEncoderEntailment(folder)
    pairs = [("the gate closes at ten.", "the gate closes."), ("the gate closes.", "the gate closes at ten."), ("", "")]
    scores = await model.probabilities(pairs)
    assert all(0.0 <= score <= 1.0 for score in scores)
    assert scores == pytest.approx(await model.probabilities(pairs), abs=1e-6)
    assert scores[1] == pytest.approx((await model.probabilities(pairs[1:2]))[0], abs=1e-4)
    assert scores[0] != pytest.approx(scores[1], abs=1e-6)


async def test_the_column_is_the_one_that_the_model_calls_entailment(folder: Path, tmp_path: Path) -> None:
    """Models order their labels as they like."""
    for file in folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    config = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    config["id2label"] = {"0": "entailment", "1": "neutral", "2": "contradiction"}
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    pair = [("the gate closes at ten.", "the gate opens.")]
    assert await CrossEncoderEntailment(folder).probabilities(pair) != await CrossEncoderEntailment(
        tmp_path
    ).probabilities(pair)


async def test_nothing_asked_loads_nothing(tmp_path: Path) -> None:
    """An answer without citations costs nothing."""
    (tmp_path / "config.json").write_text('{"id2label": {"0": "entailment"}}', encoding="utf-8")
    assert await CrossEncoderEntailment(tmp_path).probabilities([]) == []


@pytest.mark.parametrize("config", ["", "{}", "[]", '{"id2label": {"0": "LABEL_0", "1": "LABEL_1"}}', None])
def test_a_folder_without_such_a_model_is_refused_at_the_start(tmp_path: Path, config: str | None) -> None:
    """Not at the first answer."""
    if config is not None:
        (tmp_path / "config.json").write_text(config, encoding="utf-8")
    with pytest.raises(Permanent) as caught:
        CrossEncoderEntailment(tmp_path)
    assert caught.value.code == "entailment_model"
    assert "BELEG_ENTAILMENT" in caught.value.hint
