"""What every store of verdicts promises."""

from __future__ import annotations

from dataclasses import replace

import pytest
from state_values import NOON

from rag.adapters.database.engine import Database
from rag.adapters.database.reviews import DatabaseReviews
from rag.ports import Reviews
from rag.testing import MemoryReviews
from rag.types import Review, Verdict

REVIEW = Review(
    document_id="d", version="v1", zone="bücherei", path="krieg/frieden.txt", verdict=Verdict.released, by="A. Weber",
    reason="Ein Roman.", at=NOON,
)  # fmt: skip


class ReviewsContract:
    """Subclass with a fixture `reviews`."""

    async def test_the_last_verdict_on_a_version_counts(self, reviews: Reviews) -> None:
        """Every field survives; another version has none."""
        assert await reviews.of("d", "v1") is None
        await reviews.record(REVIEW)
        assert await reviews.of("d", "v1") == REVIEW
        changed = replace(REVIEW, verdict=Verdict.rejected, by="B. Kurz")
        await reviews.record(changed)
        assert await reviews.of("d", "v1") == changed
        assert await reviews.of("d", "v2") is None


class TestMemoryReviews(ReviewsContract):
    @pytest.fixture
    def reviews(self) -> Reviews:
        return MemoryReviews()


class TestDatabaseReviews(ReviewsContract):
    @pytest.fixture
    def reviews(self, database: Database) -> Reviews:
        return DatabaseReviews(database)
