"""Texts → a small spaCy pipeline that finds persons and addresses, German and English in one. Called by `make ner`.

Source of the architecture: spaCy's transition-based parser over hash embeddings and a convolution (Honnibal and Montani).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import spacy
from spacy.language import Language
from spacy.tokens import Doc
from spacy.training import Example
from spacy.util import compounding, minibatch

from training.fill import Marked, Text, texts

TEMPLATES = Path(__file__).parent / "templates"
LABELS = ("PERSON", "ADDRESS")
_CONFIG = {
    "model": {
        "@architectures": "spacy.TransitionBasedParser.v2", "state_type": "ner", "extra_state_tokens": False,
        "hidden_width": 64, "maxout_pieces": 2, "use_upper": True,
        "tok2vec": {
            "@architectures": "spacy.HashEmbedCNN.v2", "pretrained_vectors": None, "width": 96, "depth": 4,
            "embed_size": 4000, "window_size": 1, "maxout_pieces": 3, "subword_features": True,
        },
    },
}  # fmt: skip


def train(*, each: int, epochs: int, seed: int) -> Language:
    """The pipeline after some passes over the training templates, each filled `each` times anew in every pass."""
    spacy.util.fix_random_seed(seed)
    nlp = spacy.blank("xx")
    ner = nlp.add_pipe("ner", config=_CONFIG)
    for label in LABELS:
        ner.add_label(label)  # type: ignore[attr-defined]
    first = [_example(nlp, text) for text in texts(TEMPLATES, each=1, seed=seed, is_training=True)]
    optimizer = nlp.initialize(lambda: first)
    chance = random.Random(seed)  # noqa: S311 - the order of examples, no secret
    for epoch in range(epochs):
        examples = [
            _example(nlp, text)
            for text in varied(texts(TEMPLATES, each=each, seed=seed + epoch, is_training=True), chance)
        ]
        chance.shuffle(examples)
        losses: dict[str, float] = {}
        for batch in minibatch(examples, size=compounding(16.0, 64.0, 1.002)):
            nlp.update(batch, sgd=optimizer, losses=losses, drop=0.25)
        print(f"pass {epoch + 1} of {epochs}: {len(examples)} texts, loss {losses['ner']:.0f}", flush=True)  # noqa: T201 - a tool for the terminal
    return nlp


def varied(filled: Iterator[Text], chance: random.Random) -> Iterator[Text]:
    """Some as they are, some joined to longer texts, some without capitals, as people type."""
    waiting: list[Text] = []
    for text in filled:
        if chance.random() < 0.35:
            waiting.append(text)
            if len(waiting) > chance.randint(2, 6):
                chance.shuffle(waiting)
                yield joined(waiting, chance.choice(("\n\n", "\n", " ")))
                waiting = []
        elif chance.random() < 0.05:
            yield Text(
                template=text.template,
                language=text.language,
                register=text.register,
                text=text.text.lower(),
                marked=text.marked,
            )
        else:
            yield text


def joined(some: Sequence[Text], by: str) -> Text:
    said, marked, at = [], [], 0
    for text in some:
        said.append(text.text)
        marked += [Marked(m.entity, m.start + at, m.end + at) for m in text.marked]
        at += len(text.text) + len(by)
    first = some[0]
    return Text(
        template=first.template,
        language=first.language,
        register=first.register,
        text=by.join(said),
        marked=tuple(marked),
    )


def _example(nlp: Language, text: Text) -> Example:
    reference: Doc = nlp.make_doc(text.text)
    spans = [
        reference.char_span(m.start, m.end, label=m.entity, alignment_mode="expand")
        for m in text.marked
        if m.entity in LABELS
    ]
    reference.ents = spacy.util.filter_spans([span for span in spans if span is not None])
    return Example(nlp.make_doc(text.text), reference)
