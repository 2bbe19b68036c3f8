"""What tests of Prefect share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from prefect.client.orchestration import get_client

from tests.real.office import Office, make_desk


@pytest.fixture
async def office(prefect_server: None, request: pytest.FixtureRequest) -> AsyncIterator[Office]:
    """With two zones of its own, each swept once."""
    names = (f"{request.node.name[5:40]}-a", f"{request.node.name[5:40]}-b")
    async with get_client() as client:
        scene = Office(client=client, desk=None, names=names)  # type: ignore[arg-type]
        scene.desk = make_desk(scene)
        await scene.settle()
        assert sorted(scene.swept) == sorted(names)
        scene.swept.clear()
        yield scene
        for left in await client.read_deployments():
            await client.delete_deployment(left.id)
