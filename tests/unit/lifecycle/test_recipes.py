"""A recipe's id is its content."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from state_values import recipe

from lifecycle.recipes import differences, recipe_content, recipe_from, recipe_id
from rag.errors import Permanent
from rag.types import RetrievalSettings


def test_the_same_content_has_the_same_id() -> None:
    """In another process and another year too: the figure is fixed here."""
    assert recipe(1) == recipe(1)
    assert recipe(1).id == recipe_id(recipe(1)) == "0efaf12541832816497e747514bcd00cec018a00c92e7d9c41390ad3df08f87e"


CHANGES = {
    "use_case": lambda r: replace(r, use_case="hr"),
    "endpoints": lambda r: replace(r, endpoints=tuple(reversed(r.endpoints))),
    "prompt name": lambda r: replace(r, prompt=replace(r.prompt, name="x")),
    "prompt version": lambda r: replace(r, prompt=replace(r.prompt, version="x")),
    "template": lambda r: replace(r, prompt=replace(r.prompt, template=r.prompt.template + " ")),
    "limit": lambda r: replace(r, retrieval=replace(r.retrieval, limit=99)),
    "prefetch": lambda r: replace(r, retrieval=replace(r.retrieval, prefetch=99)),
    "answerability": lambda r: replace(r, retrieval=replace(r.retrieval, min_answerability=0.51)),
    "index": lambda r: replace(r, index_profile="x"),
    "policy": lambda r: replace(r, policy_revision="x"),
    "guard": lambda r: replace(r, guard_revision="x"),
}


@pytest.mark.parametrize("what", CHANGES)
def test_any_change_is_another_recipe(what: str) -> None:
    """Whatever could change an answer is in the hash, one character of a template included."""
    assert recipe_id(CHANGES[what](recipe())) != recipe().id


@given(
    limit=st.integers(1, 50),
    answerability=st.floats(0, 1),
    name=st.text(min_size=1),
    endpoints=st.lists(st.text(), max_size=4),
)
def test_what_was_stored_comes_back(limit: int, answerability: float, name: str, endpoints: list[str]) -> None:
    """Any recipe survives its stored form, id included."""
    changed = replace(
        recipe(), use_case=name, endpoints=tuple(endpoints),
        retrieval=RetrievalSettings(limit=limit, min_answerability=answerability),
    )  # fmt: skip
    made = replace(changed, id=recipe_id(changed))
    assert recipe_from(recipe_content(made), id=made.id, template=made.prompt.template) == made


def test_a_setting_that_came_later_leaves_old_recipes_whole() -> None:
    """What is hashed is the stored text: an upgrade must not make every release unreadable."""
    old = recipe_content(recipe()).replace('"min_answerability":0.5,', "")
    read = recipe_from(old, id=hashlib.sha256(old.encode()).hexdigest(), template=recipe().prompt.template)
    assert read.retrieval.min_answerability == RetrievalSettings().min_answerability


def test_a_release_from_before_reads_as_it_did() -> None:
    """Rolled back to, it hands out the hits alone, as when it was made."""
    old = recipe_content(recipe()).replace(',"surroundings":0', "")
    assert "surroundings" not in old
    read = recipe_from(old, id=hashlib.sha256(old.encode()).hexdigest(), template=recipe().prompt.template)
    assert read.retrieval.surroundings == 0


@pytest.mark.parametrize("content", ["", "[]", "{}", "null", '{"prompt":{"sha256":1}}'])
def test_rubbish_is_no_recipe(content: str) -> None:
    """A damaged row is reported as one."""
    with pytest.raises(Permanent) as error:
        recipe_from(content, id="0" * 64, template="x")
    assert error.value.code == "recipe.changed"


def test_differences_read_like_a_list() -> None:
    """One line per setting, old and new; the template is told by its version."""
    assert differences(recipe(1), recipe(1)) == []
    assert differences(recipe(1), recipe(2)) == [
        "prompt.version: 000000000001 → 000000000002",
        "retrieval.limit: 8 → 9",
    ]
