"""Fusion: monotone, complete, bounded, and careful with pairs that were never measured."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.fusion import TRUST, UNKNOWN, fuse, trust

keys = st.sampled_from("abcdefgh")
cosines = st.dictionaries(keys, st.floats(-1, 1))
bm25s = st.dictionaries(keys, st.floats(0, 50))
anyone = st.sampled_from([*TRUST.values(), UNKNOWN])


@given(dense=cosines, sparse=bm25s, trusted=anyone)
def test_every_candidate_appears_once_best_first(dense, sparse, trusted) -> None:
    """Nothing that either side proposed is lost, and the scores fall from 1 towards 0."""
    fused = fuse(dense, sparse, ceiling=50.0, trusted=trusted)
    assert sorted(candidate.key for candidate in fused) == sorted(dense.keys() | sparse.keys())
    assert [c.score for c in fused] == sorted((c.score for c in fused), reverse=True)
    assert all(0.0 <= candidate.score <= 1.0 for candidate in fused)


@given(dense=cosines, sparse=bm25s, key=keys, more=st.floats(0, 1), trusted=anyone, side=st.booleans())
def test_a_better_score_of_one_side_never_makes_a_candidate_worse(dense, sparse, key, more, trusted, side) -> None:
    """Fusion is monotone: raising a candidate's cosine or BM25 never lowers its score or its rank."""
    dense, sparse = {key: 0.0} | dense, {key: 0.0} | sparse
    before = fuse(dense, sparse, ceiling=60.0, trusted=trusted)
    raised = (
        (dense | {key: min(1.0, dense[key] + more)}, sparse) if side else (dense, sparse | {key: sparse[key] + more})
    )
    after = fuse(*raised, ceiling=60.0, trusted=trusted)
    assert _of(after, key)[1] >= _of(before, key)[1]
    assert _of(after, key)[0] <= _of(before, key)[0]


def _of(fused, key) -> tuple[int, float]:
    return next((rank, c.score) for rank, c in enumerate(fused) if c.key == key)


@given(dense=cosines, sparse=bm25s)
def test_the_order_does_not_depend_on_the_order_of_the_candidates(dense, sparse) -> None:
    """The same scores give the same order, ties included."""
    turned = dict(reversed(dense.items())), dict(reversed(sparse.items()))
    assert fuse(dense, sparse, ceiling=50.0, trusted=UNKNOWN) == fuse(*turned, ceiling=50.0, trusted=UNKNOWN)


def test_where_words_say_little_the_dense_side_decides() -> None:
    """Two passages with equally few of the words are ordered by meaning; with many of the words, by words."""
    weak = fuse({"a": 0.7, "b": 0.4}, {"a": 1.0, "b": 2.0}, ceiling=50.0, trusted=trust("all-MiniLM-L6-v2", "en"))
    strong = fuse({"a": 0.7, "b": 0.4}, {"a": 5.0, "b": 30.0}, ceiling=50.0, trusted=trust("all-MiniLM-L6-v2", "en"))
    assert [c.key for c in weak] == ["a", "b"]
    assert [c.key for c in strong] == ["b", "a"]


def test_an_english_embedder_is_trusted_less_in_german() -> None:
    """The measured reason why a plain hybrid makes German worse."""
    assert trust("all-MiniLM-L6-v2", "de").dense < trust("all-MiniLM-L6-v2", "en").dense


@pytest.mark.parametrize("pair", [("all-MiniLM-L6-v2", "fr"), ("unheard-of", "en")])
def test_a_pair_that_was_never_measured_leans_on_words(pair) -> None:
    """No embedder is trusted in a language because of its name."""
    assert trust(*pair) == UNKNOWN
    assert UNKNOWN.dense <= 0.25


def test_every_weight_names_its_origin() -> None:
    """A number without an origin cannot be checked again."""
    assert all(entry.origin for entry in [*TRUST.values(), UNKNOWN])
