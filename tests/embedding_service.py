"""A local server that speaks OpenAI's `/v1/embeddings`, and Azure's form of it, with the hashing twin as its model.

Its answers can be spoilt, it can say that it has enough, and it counts who called while it wanted to be left alone.
"""

from __future__ import annotations

import asyncio
import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

from rag.adapters.embedders.hashing import HashEmbedder

MODEL = "house-embedder"
KEY = "local-embedding-key"
DIMENSION = HashEmbedder().dimension

Reply = tuple[int, dict[str, str], Any]


@dataclass
class Service:
    """`spoil`: turns the right answer to these texts into another. `limits`: `Retry-After`s, each given once."""

    url: str = ""
    as_floats: bool = False
    spoil: Callable[[list[str], dict[str, Any]], Reply | dict[str, Any]] | None = None
    limits: list[str] = field(default_factory=list)
    asked: list[list[str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    disturbed: int = 0
    quiet_until: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def limit(self, seconds: int, *, as_date: bool = False) -> None:
        """The next call is sent away for so long."""
        self.limits.append(formatdate(time.time() + seconds + 1, usegmt=True) if as_date else str(seconds))

    def reply(self, texts: list[str]) -> Reply:
        with self.lock:
            self.asked.append(texts)
            if time.time() < self.quiet_until:
                self.disturbed += 1
            if self.limits:
                said = self.limits.pop(0)
                wait_s = float(said) if said.isdigit() else 1.0
                self.quiet_until = time.time() + wait_s
                return 429, {"Retry-After": said}, {"error": {"message": f"too much: {texts}"}}
        vectors = asyncio.run(HashEmbedder().embed(texts)) * 3.0  # as endpoints do that do not normalise
        data = [{"object": "embedding", "index": at, "embedding": self._given(row)} for at, row in enumerate(vectors)]
        right = {"object": "list", "data": data[::-1], "model": MODEL, "usage": {"prompt_tokens": 1, "total_tokens": 1}}
        if self.spoil is None:
            return 200, {}, right
        spoilt = self.spoil(texts, right)
        return spoilt if isinstance(spoilt, tuple) else (200, {}, spoilt)

    def _given(self, row: Any) -> Any:
        return row.tolist() if self.as_floats else base64.b64encode(np.asarray(row, "<f4").tobytes()).decode()


@contextmanager
def embedding_service(**options: Any) -> Iterator[Service]:
    """Up when entered, down when left."""
    service = Service(**options)

    class Handler(_Handler):
        of = service

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    service.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    of: Service
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.of.paths.append(self.path)
        azure = self.path == f"/openai/deployments/{MODEL}/embeddings?api-version=2024-10-21"
        key = (
            self.headers.get("api-key") if azure else (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        )
        code, headers, reply = self.of.reply(body["input"])
        if not azure and self.path != "/v1/embeddings":
            code, headers, reply = 404, {}, {}
        if key != KEY or body["model"] != MODEL:
            code, headers, reply = 401, {}, {"error": {"message": f"wrong key {key}"}}
        content = reply if isinstance(reply, bytes) else json.dumps(reply).encode()
        self.send_response(code)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing to the terminal."""
