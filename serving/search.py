"""`POST /v1/search`: the evidence alone, under the same guard, access and record as an answer."""

from __future__ import annotations

from fastapi import APIRouter, Request

from serving import shapes
from serving.front import Front
from serving.identity import Asker
from serving.models import use_case_for
from serving.settings import Limits
from serving.wire import SearchRequest, search_question


def router(limits: Limits) -> APIRouter:
    """Its one route. A search costs no model, so it reserves nothing; its rate is limited like every request's."""
    routes = APIRouter(tags=["Evidence"])

    @routes.post("/v1/search", summary="Find passages")
    async def search(body: SearchRequest, request: Request, asker: Asker) -> shapes.SearchResponse:
        """Passages that the asker may read, best first, each with where it stands."""
        front: Front = request.app.state.front
        asked = search_question(
            body, request_id=request.scope["beleg.request_id"], asker=asker,
            use_case=use_case_for(body.model, asker, front), limits=limits,
        )  # fmt: skip
        hits = await front.search(asked, body.limit)
        results = [shapes.search_result(hit, as_of=asked.as_of) for hit in hits]
        return shapes.SearchResponse(request_id=asked.id, as_of=asked.as_of, results=results)

    return routes
