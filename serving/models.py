"""`GET /v1/models`: the use cases that this key may use. A caller names a use case, never a model."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from rag.types import Principal, UseCase
from serving.errors import BadRequest
from serving.front import Front
from serving.identity import Asker, may_look, may_use

_CREATED = 1767225600
"""2026-01-01. OpenAI's shape wants an instant; a use case's history stands with its releases."""


class Model(BaseModel):
    """OpenAI's, with the use case's title and the highest class of document that it may touch."""

    id: str = Field(examples=["assistant"])
    object: Literal["model"] = "model"
    created: int = _CREATED
    owned_by: str = "beleg"
    title: str
    protection: str = Field(examples=["internal"])


class Key(BaseModel):
    """What else is for this key. `may_look`: whether it may look into zones, on the page `/console`."""

    may_look: bool


class Models(BaseModel):
    """OpenAI's, and what our own page wants to know of the key."""

    object: Literal["list"] = "list"
    data: list[Model]
    beleg: Key


def use_case_for(name: str, asker: Principal, front: Front) -> UseCase:
    """Raises the same 404 for an unknown use case and for one that is not the asker's."""
    use_case = front.use_cases.get(name)
    if use_case is None or not may_use(asker, use_case):
        raise BadRequest(
            "model_not_found", "There is no such use case for this key.", param="model",
            hint="GET /v1/models lists those that there are.",
        )  # fmt: skip
    return use_case


routes = APIRouter(tags=["OpenAI"])


@routes.get("/v1/models", summary="Use cases of this key")
async def models(request: Request, asker: Asker) -> Models:
    """What may stand in `model`."""
    front: Front = request.app.state.front
    usable = [_model(use_case) for use_case in front.use_cases.values() if may_use(asker, use_case)]
    return Models(data=usable, beleg=Key(may_look=may_look(asker)))


@routes.get("/v1/models/{name}", summary="One use case")
async def model(name: str, request: Request, asker: Asker) -> Model:
    """404 if this key may not use it."""
    return _model(use_case_for(name, asker, request.app.state.front))


def _model(use_case: UseCase) -> Model:
    return Model(id=use_case.name, title=use_case.title, protection=use_case.protection.name)
