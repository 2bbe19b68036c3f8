"""Has a person cancelled this run? Asked between two portions, so that what was begun is finished. Called by `flows.ingest`."""

from __future__ import annotations

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
