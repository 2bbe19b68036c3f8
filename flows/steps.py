"""A step of a flow as a Prefect task: a name, retries, and nothing of it stored. Called by the flows."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State as PrefectState
from prefect.client.schemas.objects import TaskRun
from prefect.tasks import Task

from rag.errors import BelegError, Permanent, Temporary

log = logging.getLogger(__name__)

T = TypeVar("T")

_PATIENT = (1.0, 5.0, 20.0)
"""Seconds before each retry."""


async def _only_temporary(_task: Task[..., Any], _run: TaskRun, state: PrefectState[Any]) -> bool:
    return isinstance(await state.aresult(raise_on_failure=False), Temporary)


async def step(name: str, work: Callable[[], Awaitable[T]], *, delays: Sequence[float] = _PATIENT) -> T:
    """One task under this name, retried while the trouble is temporary. Takes no parameters, so none are stored."""

    @task(
        name=name.split(" ", maxsplit=1)[0], task_run_name=lambda: name, retries=len(delays), retry_delay_seconds=list(delays),
        retry_condition_fn=_only_temporary, cache_policy=NO_CACHE, persist_result=False,
    )  # fmt: skip
    async def worked() -> T:
        try:
            return await work()
        except BelegError:
            raise
        except Exception as error:  # noqa: BLE001 - Prefect stores and logs what it sees, and this may carry text
            raise _unforeseen(error) from None

    return await worked()


def _unforeseen(error: Exception) -> Permanent:
    """Kind and place, without its words."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    at = [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in frames]
    log.error("ingest.unforeseen", extra={"kind": type(error).__name__, "at": at})
    hint = f"Tell those who look after Beleg: {type(error).__name__} at {', '.join(at)}."
    return Permanent("unforeseen", "Something unforeseen went wrong on our side.", hint=hint)


class _WithoutTraceback(logging.Filter):
    """Prefect logs a traceback for each error, also for those that are no defect: a zone that is away, a full disk."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.exc_info = record.exc_text = None
        return True


for _name in ("prefect.flow_runs", "prefect.task_runs"):
    logging.getLogger(_name).addFilter(_WithoutTraceback())
