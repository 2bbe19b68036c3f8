"""The samples, read once for all tests here."""

from __future__ import annotations

import asyncio

import pytest
from sample_files import Sample, read_all


@pytest.fixture(scope="session")
def samples() -> dict[str, Sample]:
    return asyncio.run(read_all())
