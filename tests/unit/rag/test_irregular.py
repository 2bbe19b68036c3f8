"""Forms that no ending explains meet their word, and compounds of technical words come apart."""

from __future__ import annotations

import pytest

from rag.compounds import split
from rag.concepts import concepts
from rag.irregular import BASE
from rag.stems import stem


@pytest.mark.parametrize(
    ("form", "word", "language"),
    [
        ("kept", "keep", "en"), ("paid", "pays", "en"), ("earliest", "early", "en"), ("shelves", "shelf", "en"),
        ("nimmt", "nehmen", "de"), ("lief", "laufen", "de"), ("hält", "halten", "de"), ("gegolten", "gelten", "de"),
    ],
)  # fmt: skip
def test_an_irregular_form_has_the_stem_of_its_word(form: str, word: str, language: str) -> None:
    assert stem(form, language) == stem(word, language)


def test_no_form_is_itself_a_word_with_forms() -> None:
    """One look-up is enough, and none goes in a circle."""
    for forms in BASE.values():
        assert not forms.keys() & set(forms.values())


@pytest.mark.parametrize("form", ["aufbewahrt", "ausgezahlt", "erstattet", "gereinigt", "abgeholt"])
def test_a_regular_verb_form_stands_in_the_groups_of_its_verb(form: str) -> None:
    assert concepts(stem(form, "de"))


@pytest.mark.parametrize(
    ("word", "parts"),
    [("laborzentrifuge", ("labor", "zentrifuge")), ("ersthelferzulage", ("ersthelfer", "zulage"))],
)
def test_a_word_that_only_the_thesaurus_knows_is_a_part(word: str, parts: tuple[str, ...]) -> None:
    assert split(word) == parts
