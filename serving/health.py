"""Is it up, can it answer, and what is wrong: `/healthz`, `/readyz`, and for operators `/v1/health`."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from rag.errors import Refused
from serving.front import OK, Front, Health
from serving.identity import Asker

routes = APIRouter(tags=["Health"])


class Alive(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Ready(BaseModel):
    """Parts are only `ok` or `alarm` here: what exactly is wrong is the operators' business."""

    status: Literal["ok", "alarm", "down"]
    parts: dict[str, str]


@routes.get("/healthz", summary="Alive")
async def healthz() -> Alive:
    """Asks nothing of anybody."""
    return Alive()


@routes.get("/readyz", summary="Ready", responses={503: {"model": Ready}})
async def readyz(request: Request, response: Response) -> Ready:
    """503 while questions cannot be answered."""
    health = await _health(request)
    response.status_code = 200 if health.ready else 503
    return Ready(
        status=_status(health), parts={part: "ok" if text == OK else "alarm" for part, text in health.parts.items()}
    )


@routes.get("/v1/health", summary="What is wrong (operators)")
async def told(request: Request, asker: Asker) -> Ready:
    """Every alarm in words."""
    if "operator" not in asker.roles:
        raise Refused("operator_only", "Only an operator's key may see this.")
    health = await _health(request)
    return Ready(status=_status(health), parts=dict(health.parts))


async def _health(request: Request) -> Health:
    front: Front = request.app.state.front
    return await front.health()


def _status(health: Health) -> Literal["ok", "alarm", "down"]:
    if not health.ready:
        return "down"
    return "ok" if all(text == OK for text in health.parts.values()) else "alarm"
