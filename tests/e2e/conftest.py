"""The one instance that the hostile tests share: its start costs half a minute."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.e2e.besieged import Besieged, besieged

expect.set_options(timeout=60_000)  # Playwright's five seconds are short on a busy machine


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Besieged]:
    """`beleg up` with the sample zones, a drop zone of the tenant `werft`, and a scripted model endpoint."""
    with besieged(tmp_path_factory.mktemp("besieged")) as running:
        yield running
