"""What every rate limit promises."""

from __future__ import annotations

import pytest
from state_values import NOON

from rag.errors import Temporary
from serving.adapters.rate_limit import MemoryRateLimit
from serving.ports import RateLimit
from serving.testing import CountedRateLimit


class RateLimitContract:
    """Subclass with a fixture `limit` that admits three requests of a key at one instant."""

    def test_what_is_allowed_passes_and_no_more(self, limit: RateLimit) -> None:
        """The refusal says when to come back; asking in vain does not help."""
        for _ in range(3):
            limit.admit("a", now=NOON)
        for _ in range(2):
            with pytest.raises(Temporary) as caught:
                limit.admit("a", now=NOON)
            assert caught.value.code == "rate_limited"
            assert 0 < caught.value.after_s <= 60

    def test_keys_are_counted_apart(self, limit: RateLimit) -> None:
        """One key's haste is not another's, also if one is the beginning of the other."""
        for _ in range(3):
            limit.admit("a", now=NOON)
        limit.admit("ab", now=NOON)
        limit.admit("", now=NOON)
        with pytest.raises(Temporary):
            limit.admit("a", now=NOON)


class TestCountedRateLimit(RateLimitContract):
    @pytest.fixture
    def limit(self) -> RateLimit:
        return CountedRateLimit(3)


class TestMemoryRateLimit(RateLimitContract):
    @pytest.fixture
    def limit(self) -> RateLimit:
        return MemoryRateLimit(3)
