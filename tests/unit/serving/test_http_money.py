"""Money is reserved before and settled exactly once, also when the caller hangs up."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest
from serving_scene import USER, Client, World, world

from rag.errors import Temporary
from serving.app import create_app


async def test_an_answer_costs_what_it_cost(client: Client) -> None:
    """The reservation is replaced by the answer's own cost."""
    await client.ask("Hotel?")
    assert (list(client.world.budget.reserved.values()), list(client.world.budget.settled.values())) == (
        [0.01],
        [0.002],
    )


async def test_parallel_questions_cannot_overspend(opened: Callable) -> None:
    """200 at once on a budget for 10 worst cases: at most 10 are answered at a time, none beyond the purse."""
    client = await opened(worst_usd=0.1)
    client.world.chain.cost_usd = 0.1
    replies = await asyncio.gather(*(client.ask("Hotel?", model="produkt-hilfe") for _ in range(200)))
    assert sum(reply.status_code == 200 for reply in replies) == 10
    refused = next(reply for reply in replies if reply.status_code != 200)
    assert (refused.status_code, refused.json()["error"]["type"]) == (429, "insufficient_quota")
    assert refused.headers["x-should-retry"] == "false"


async def test_a_failure_costs_what_was_used_until_then(client: Client) -> None:
    """An endpoint that failed at a cost is paid, one that failed at once is not."""
    failure = client.world.chain.fails_with = Temporary("no_endpoint", "No endpoint answers.")
    assert (await client.ask("Hotel?")).status_code == 503
    failure.cost_usd = 0.007
    assert (await client.ask("Hotel?")).status_code == 503
    assert list(client.world.budget.settled.values()) == [0.0, 0.007]


class Caller:
    """A raw ASGI caller that hangs up after so many body messages; one that is stuck does not even read the last."""

    def __init__(self, scene: World, *, leaves_after: int, is_stuck: bool = False) -> None:
        self.scene = scene
        self.is_stuck = is_stuck
        self.settled: list[float] = []
        self.app = create_app(scene.open)
        self.leaves_after = leaves_after
        self.bodies: list[bytes] = []
        self._sent_body = False
        self._gone = asyncio.Event()

    async def ask(self, question: str) -> None:
        scope = {
            "type": "http", "method": "POST", "path": "/v1/chat/completions", "raw_path": b"/v1/chat/completions", "query_string": b"",
            "headers": [(b"authorization", f"Bearer {USER}".encode()), (b"content-type", b"application/json")],
            "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1", "scheme": "http", "root_path": "", "client": ("t", 1), "server": ("t", 1),
        }  # fmt: skip
        self.body = json.dumps(
            {"model": "assistant", "stream": True, "messages": [{"role": "user", "content": question}]}
        ).encode()
        async with self.app.router.lifespan_context(self.app):
            await asyncio.wait_for(self.app(scope, self._receive, self._send), timeout=20)
            self.settled = list(self.scene.budget.settled.values())

    async def _receive(self) -> dict:
        if not self._sent_body:
            self._sent_body = True
            return {"type": "http.request", "body": self.body, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict) -> None:
        if message["type"] == "http.response.body":
            self.bodies.append(message["body"])
            if len(self.bodies) >= self.leaves_after:
                self._gone.set()
                if self.is_stuck:
                    await asyncio.Event().wait()


@pytest.mark.parametrize("is_stuck", [False, True])
@pytest.mark.parametrize("leaves_after", [1, 2, 5])
async def test_a_caller_who_hangs_up_stops_the_chain_and_still_pays(leaves_after: int, is_stuck: bool) -> None:
    """The endless answer ends at once, the chain is closed, and the reservation is settled in full with the request."""
    scene = await world(pause_s=0.001)
    caller = Caller(scene, leaves_after=leaves_after, is_stuck=is_stuck)
    await caller.ask("endlos")
    assert len(caller.bodies) < 100
    assert scene.chain.closed == 1
    assert caller.settled == [0.01]


async def test_a_server_that_shuts_down_settles_too() -> None:
    """A request cancelled from outside leaves no open reservation."""
    scene = await world(pause_s=0.001)
    caller = Caller(scene, leaves_after=10**9)
    asking = asyncio.create_task(caller.ask("endlos"))
    while len(caller.bodies) < 3:
        await asyncio.sleep(0.001)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert list(scene.budget.settled.values()) == [0.01]
    assert scene.chain.closed == 1
