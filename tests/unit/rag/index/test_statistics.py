"""Term statistics: counted per tenant and class, scoped to what the asker may read."""

from __future__ import annotations

from pathlib import Path

from index_scene import access

from rag.adapters.index.statistics import TermCounter, TermStatistics
from rag.types import Classification


def counted() -> TermStatistics:
    counter = TermCounter()
    for _ in range(5):
        counter.add(Classification.internal, "acme", [1, 2])
    counter.add(Classification.confidential, "acme", [1, 4_294_967_295])
    for _ in range(50):
        counter.add(Classification.internal, "rival", [2, 3])
    return counter.statistics()


def test_rare_terms_weigh_more_than_common_ones() -> None:
    """IDF falls with frequency, stays positive, and is highest for a term never seen."""
    scope = counted().scope(access())
    assert scope.idf(99) > scope.idf(4_294_967_295) > scope.idf(2) > scope.idf(1) > 0


def test_other_tenants_and_higher_classes_are_not_counted() -> None:
    """A score cannot tell how often a word occurs where the asker may not look."""
    low = counted().scope(access(clearance=Classification.internal))
    assert low.idf(3) == low.idf(99)
    assert low.idf(4_294_967_295) == low.idf(99)
    assert low.idf(1) == low.idf(2)


def test_saved_statistics_load_as_they_were(tmp_path: Path) -> None:
    """What a publish writes is what a reader gets."""
    statistics = counted()
    statistics.save(tmp_path)
    loaded = TermStatistics.load(tmp_path)
    for who in (access(), access(tenant="rival"), access(tenant="nobody"), access(clearance=Classification.public)):
        assert [loaded.scope(who).idf(t) for t in (1, 2, 3, 99)] == [
            statistics.scope(who).idf(t) for t in (1, 2, 3, 99)
        ]
