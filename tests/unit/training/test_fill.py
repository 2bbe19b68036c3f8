"""Texts for training and evaluation: every slot is filled, every span stands where it says, every number is a valid one."""

from __future__ import annotations

from pathlib import Path

import pytest
from guards import found

from training import values as values_of
from training.fill import ENTITIES, PLAIN, Template, fill, read_templates, texts
from training.values import Values

TEMPLATES = Path(values_of.__file__).parent / "templates"
CHECKED = {
    "iban": "IBAN_CODE", "card": "CREDIT_CARD", "taxid": "DE_TAX_ID", "ssn": "DE_SOCIAL_SECURITY",
}  # fmt: skip


def template(text: str, language: str = "de") -> Template:
    return Template(name="test:1", language=language, register="test", text=text)


@pytest.mark.parametrize("language", ["de", "en"])
@pytest.mark.parametrize("slot", sorted(ENTITIES.keys() | PLAIN))
def test_every_slot_has_a_value(slot: str, language: str) -> None:
    """In both languages, never empty, never with white space around it."""
    values = Values(language, 3, is_training=False)
    for _ in range(20):
        value = values.slot(slot)
        assert value
        assert value == value.strip()


def test_a_span_stands_where_it_says() -> None:
    """Of every template that we have."""
    for text in texts(TEMPLATES, each=1, seed=5, is_training=True):
        for marked in text.marked:
            said = text.text[marked.start : marked.end]
            assert said
            assert said == said.strip()


def test_neighbours_of_one_kind_are_one_finding() -> None:
    """First and last name; not two people, and not what stands apart."""
    text = fill(template("{first} {last} und {reversed}; {last} {street}"), Values("de", 1, is_training=True))
    assert [marked.entity for marked in text.marked] == ["PERSON", "PERSON", "PERSON", "ADDRESS"]


def test_the_same_seed_gives_the_same_texts_and_another_one_others() -> None:
    """So that a training can be repeated."""
    said = [[t.text for t in texts(TEMPLATES, each=1, seed=seed, is_training=True)] for seed in (1, 1, 2)]
    assert said[0] == said[1]
    assert said[0] != said[2]


def test_no_training_text_holds_a_name_that_is_kept_for_evaluation() -> None:
    """Names of an evaluation are partly such as no training has seen."""
    seen = {Values("de", seed, is_training=True).first() for seed in range(60)}
    asked = {Values("de", seed, is_training=False).first() for seed in range(60)}
    assert asked - seen


@pytest.mark.parametrize("text", ["{persn}", "{person!x}", "{", "Preis {}"])
def test_a_slot_that_nobody_knows_is_named(text: str) -> None:
    """When the template is read, not when it is filled."""
    with pytest.raises(ValueError, match="no slot"):
        template(text)


def test_every_template_can_be_read() -> None:
    """German and English, with and without personal data."""
    languages = {t.language for t in read_templates(TEMPLATES)}
    assert languages == {"de", "en"}


@pytest.mark.parametrize(("slot", "entity"), sorted(CHECKED.items()))
async def test_numbers_have_valid_check_digits(slot: str, entity: str) -> None:
    """The guard, which checks them, finds every one without any word beside it."""
    values = Values("de", 9, is_training=False)
    for _ in range(20):
        value = values.slot(slot)
        assert (entity, value) in await found(f"Notiert ist {value} hier.")
