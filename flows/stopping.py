"""Has somebody said stop: a person of this run, asked between two portions so that what was begun is finished, or whoever ends
the process. Called by the flows.
"""

from __future__ import annotations

import asyncio
import logging

from prefect.client.schemas.objects import StateType
from prefect.context import FlowRunContext

log = logging.getLogger(__name__)


class Stop:
    """Of one run: once asked for, it stays so.

    Attributes:
        is_asked: whether the last look found that the run was cancelled.
    """

    def __init__(self) -> None:
        self.is_asked = False

    async def asked(self) -> bool:
        """Looks, at the price of one small request. A server that is away has cancelled nothing."""
        context = FlowRunContext.get()
        if not self.is_asked and context is not None and context.flow_run is not None:
            try:
                run = await context.client.read_flow_run(context.flow_run.id)  # type: ignore[misc]
            except Exception as error:  # noqa: BLE001 - whatever it is, nobody has said stop
                log.warning("stopping.not_known", extra={"kind": type(error).__name__})
            else:
                self.is_asked = run.state_type in {StateType.CANCELLING, StateType.CANCELLED}
        return self.is_asked


async def is_set_within(stop: asyncio.Event, seconds: float) -> bool:
    """Waits so long, and no longer than until it is set."""
    try:
        await asyncio.wait_for(stop.wait(), timeout=seconds)
    except TimeoutError:
        return False
    return True
