"""The one instance that the hostile tests share: its start costs half a minute."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.besieged import Besieged, besieged


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Besieged]:
    """`beleg up` with the sample zones, a drop zone of the tenant `werft`, and a scripted model endpoint."""
    with besieged(tmp_path_factory.mktemp("besieged")) as running:
        yield running
