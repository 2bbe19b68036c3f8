"""Our adapter against a real vLLM that serves a tiny random model on the processor.

The environment is built by `python tests/real/install_vllm.py`. The server takes about a minute to start and serves all
tests of this file.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from install_vllm import HOME
from tiny_llama import make

from rag.adapters.embedders.hashing import HashEmbedder
from rag.adapters.models.extractive import ExtractiveLlm
from rag.adapters.models.openai_compatible import OpenAICompatibleLlm, Prices, Timeouts
from rag.answer.cite import Citing
from rag.answer.generate import Drafted, generate
from rag.errors import Temporary
from rag.sentences import SentenceStream
from rag.testing import decision
from rag.types import Brief, Chunk, Classification, Hit, Labels, Prompt, Route, Usage

VLLM = HOME / "bin" / "vllm"
UP_WITHIN_S = 300

pytestmark = pytest.mark.skipif(
    not VLLM.exists(), reason="no vLLM here; `python tests/real/install_vllm.py` installs one"
)

TEXT = "Der Jahresurlaub beträgt 26 Arbeitstage."
LABELS = Labels(
    tenant="t",
    business_unit=None,
    classification=Classification.public,
    readers=frozenset(),
    valid_from=None,
    valid_until=None,
)
CHUNK = Chunk(
    id="c", document_id="d", version="v", zone="z", path="p", uri="u", title="Ferienordnung", media_type="text/plain", position=0,
    start=0, end=len(TEXT), text=TEXT, context="Ferienordnung", places=(), language="de", labels=LABELS,
)  # fmt: skip


def brief(*, max_tokens: int) -> Brief:
    return Brief(
        question="Wie viele Tage beträgt der Jahresurlaub?", turns=(), evidence=(Hit(chunk=CHUNK, score=1.0, dense=0.8),),
        prompt=Prompt(name="p", version="1", template="Antworte nur aus den Passagen."), language="de", max_tokens=max_tokens,
    )  # fmt: skip


class Server:
    """A running vLLM in a process group of its own, because it starts workers."""

    def __init__(self, model: Path, log: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.base_url = f"http://127.0.0.1:{self.port}/v1"
        keep = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        quiet = {"HF_HUB_OFFLINE": "1", "VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
        self._log = log
        self.process = subprocess.Popen(
            [VLLM, "serve", model, "--served-model-name", "tiny", "--max-model-len", "32768", "--host", "127.0.0.1", "--port",
             str(self.port), "--enforce-eager"],
            stdout=log.open("wb"), stderr=subprocess.STDOUT, env={**keep, **quiet, "PATH": f"{HOME / 'bin'}:{keep.get('PATH', '')}"},
            start_new_session=True,
        )  # fmt: skip

    def wait(self) -> None:
        until = time.monotonic() + UP_WITHIN_S
        while time.monotonic() < until:
            if self.process.poll() is not None:
                pytest.fail(f"vLLM ended while starting:\n{self.said()}")
            try:
                if httpx.get(f"http://127.0.0.1:{self.port}/health", timeout=2, trust_env=False).status_code == 200:
                    return
            except httpx.HTTPError:
                pass  # not yet
            time.sleep(1)
        pytest.fail(f"vLLM was not up within {UP_WITHIN_S} s:\n{self.said()}")

    def said(self) -> str:
        return self._log.read_text(encoding="utf-8", errors="replace")[-4000:]

    def kill(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("vllm")
    running = Server(
        make(folder / "model", texts=[TEXT, "The answer stands in the documents [1]."] * 20), folder / "vllm.log"
    )
    try:
        running.wait()
        yield running
    finally:
        running.kill()


@pytest.fixture
async def llm(server: Server) -> AsyncIterator[OpenAICompatibleLlm]:
    model = OpenAICompatibleLlm(
        name="house-vllm", endpoint_class="local", model="tiny", base_url=server.base_url, prices=Prices(prompt=1.0, completion=2.0),
        timeouts=Timeouts(connect_s=5, first_token_s=60, between_tokens_s=30, total_s=120), max_tokens=30_000,
    )  # fmt: skip
    yield model
    await model.aclose()


async def test_it_streams_and_counts(llm: OpenAICompatibleLlm) -> None:
    """Text comes in several pieces, and usage is the server's own count."""
    pieces = [piece async for piece in llm.draft(brief(max_tokens=24))]
    usage = pieces[-1]
    assert isinstance(usage, Usage)
    assert usage.completion_tokens <= 24
    assert usage.prompt_tokens > 50
    assert len(pieces) > 2
    assert llm.cost_usd(usage) == pytest.approx((usage.prompt_tokens + 2 * usage.completion_tokens) / 1e6)


async def test_what_a_model_without_sense_says_is_never_emitted(llm: OpenAICompatibleLlm) -> None:
    """A random model invents everything: no sentence of it survives citing."""
    citing, stream = Citing(brief(max_tokens=1).evidence, language="de"), SentenceStream()
    sentences: list[str] = []
    async for piece in llm.draft(brief(max_tokens=200)):
        sentences += stream.end() if isinstance(piece, Usage) else stream.feed(piece)
    assert "".join(sentences).strip()
    assert [citing.verify(sentence) for sentence in sentences] == [None] * len(sentences)


async def test_an_unknown_model_is_a_clear_error(server: Server) -> None:
    """The real server's 404 becomes `Temporary` without a word of its body."""
    model = OpenAICompatibleLlm(
        name="house-vllm",
        endpoint_class="local",
        model="absent",
        base_url=server.base_url,
        prices=Prices(prompt=1, completion=1),
    )
    with pytest.raises(Temporary) as caught:
        _ = [piece async for piece in model.draft(brief(max_tokens=5))]
    await model.aclose()
    assert caught.value.code == "endpoint_status"
    assert "404" in caught.value.message


async def test_killed_in_the_middle_of_a_stream(server: Server, llm: OpenAICompatibleLlm) -> None:
    """So long that no buffer holds it. The half draft is counted, the error is `Temporary`, and the next request goes to the next endpoint."""
    seen: list[str | Usage] = []

    async def read() -> None:
        async for piece in llm.draft(brief(max_tokens=30_000)):
            seen.append(piece)
            if len(seen) == 3:
                await asyncio.to_thread(server.kill)

    with pytest.raises(Temporary) as caught:
        await read()
    assert caught.value.code in {"endpoint_died", "endpoint_unreachable"}
    assert isinstance(seen[-1], Usage)

    route = Route(decision=decision(), endpoint_classes=("local", "extractive"))
    pieces = [
        piece async for piece in generate(brief(max_tokens=50), route, [llm, ExtractiveLlm(embedder=HashEmbedder())])
    ]
    assert pieces[0] == "Der Jahresurlaub beträgt 26 Arbeitstage. [1]"
    assert isinstance(pieces[-1], Drafted)
    assert pieces[-1].endpoint == "extractive:extractive-1"
