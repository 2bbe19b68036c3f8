"""A real HTTP server that speaks OpenAI's chat stream, well or as badly as it is told to. Tests start it by themselves."""

from __future__ import annotations

import gzip
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LEAK = (
    "Erreichbar ist Herr Ottokar Zwingenberg unter ottokar.zwingenberg@geheimpost.example, IBAN DE02120300000000202051."
)
"""What a model that remembers its training data might let slip."""

_PASSAGE = re.compile(r"<<passage 1 (\w+)>>\n(.*?)\n<<end \1>>", re.DOTALL)


class ScriptedModel:
    """Answers as `behaviour` says, one of the methods of `_Call` named `do_...`; counts what it was asked."""

    def __init__(self) -> None:
        self.behaviour = "well"
        self.asked: list[dict[str, Any]] = []
        self.elsewhere: list[str] = []
        """Paths that were asked for besides the chat: nobody should."""
        self.closing = threading.Event()
        self.was_left = threading.Event()
        """A caller has closed its end while we were talking."""
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def behaves(self, behaviour: str) -> None:
        assert hasattr(_Call, behaviour), behaviour
        self.behaviour = behaviour
        self.asked.clear()
        self.was_left.clear()


@contextmanager
def scripted_model() -> Iterator[ScriptedModel]:
    """Up when entered, down when left."""
    model = ScriptedModel()

    class Handler(_Call):
        script = model

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    model.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield model
    finally:
        model.closing.set()
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)


class _Call(BaseHTTPRequestHandler):
    script: ScriptedModel
    asked: dict[str, Any]

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        self.script.elsewhere.append(self.path)
        self._whole(404, "text/plain", b"")

    def do_POST(self) -> None:
        self.asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path != "/v1/chat/completions":
            self.script.elsewhere.append(self.path)
        self.script.asked.append(self.asked)
        behaviour: Callable[[], None] = getattr(self, self.script.behaviour)
        try:
            behaviour()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
            self.script.was_left.set()

    # --- how it may behave ------------------------------------------------------------------------------------

    def well(self) -> None:
        self._begin()
        self._say(f"{self._sentence()} [1]")
        self._finish()

    def hangs(self) -> None:
        self.script.closing.wait(30)

    def hangs_after_the_headers(self) -> None:
        self._begin()
        self.script.closing.wait(30)

    def hangs_in_the_middle(self) -> None:
        self._begin()
        self._say(self._sentence()[:12])
        self.script.closing.wait(30)

    def drips_without_a_token(self) -> None:
        self._begin()
        while not self.script.closing.wait(0.2):
            self._send(b": still thinking\n\n")
            self._chunk({})

    def dies_at_once(self) -> None:
        self.close_connection = True

    def dies_in_the_middle(self) -> None:
        self._begin()
        self._say(self._sentence()[:25])

    def dies_after_a_sentence(self) -> None:
        self._begin()
        self._say(f"{self._sentence()} [1] Und nun noch ein wei")

    def answers_with_a_page(self) -> None:
        self._whole(200, "text/html", f"<html><body>Willkommen. {LEAK}</body></html>".encode())

    def answers_without_json(self) -> None:
        self._begin()
        self._send(f"data: {{ {LEAK}\n\n".encode())
        self._finish()

    def answers_with_another_schema(self) -> None:
        self._begin()
        self._send(f"data: {json.dumps({'choices': LEAK})}\n\n".encode())
        self._finish()

    def answers_with_a_list_as_text(self) -> None:
        self._begin()
        self._chunk({"content": [{"type": "text", "text": LEAK}]})
        self._finish()

    def answers_with_half_a_character(self) -> None:
        self._begin()
        self._send(b'data: {"choices":[{"index":0,"delta":{"content":"\\ud83d"}}]}\n\n')
        self._finish()

    def answers_in_one_piece(self) -> None:
        body = {"choices": [{"message": {"role": "assistant", "content": LEAK}, "finish_reason": "stop"}]}
        self._whole(200, "application/json", json.dumps(body).encode())

    def answers_deeply_nested(self) -> None:
        self._begin()
        self._send(b"data: " + b"[" * 200_000 + b"\n\n")
        self._finish()

    def answers_without_an_end_of_line(self) -> None:
        self._begin()
        while not self.script.closing.is_set():
            self._send(b"data: " + b"x" * 65_536)

    def answers_without_an_end(self) -> None:
        self._begin()
        while not self.script.closing.is_set():
            self._say("und so weiter und so fort ")

    def talks_for_ever(self) -> None:
        self._begin()
        while not self.script.closing.wait(0.05):
            self._say(f"{self._sentence()} [1] ")

    def answers_with_a_gzip_bomb(self) -> None:
        self._begin(("content-encoding", "gzip"))
        self._send(gzip.compress(b"data: " + b"x" * (64 << 20), compresslevel=9))

    def answers_nothing(self) -> None:
        self._begin()
        self._finish()

    def answers_with_a_tool_call(self) -> None:
        self._begin()
        call = {"index": 0, "id": "a", "type": "function", "function": {"name": "rm", "arguments": LEAK}}
        self._chunk({"tool_calls": [call]}, finish_reason="tool_calls")
        self._send(b"data: [DONE]\n\n")

    def sends_an_error_in_the_stream(self) -> None:
        self._begin()
        self._send(f"data: {json.dumps({'error': {'message': LEAK, 'code': 500}})}\n\n".encode())

    def fails_with_500(self) -> None:
        self._whole(500, "application/json", json.dumps({"error": {"message": f"{LEAK} {self.asked}"}}).encode())

    def fails_with_401(self) -> None:
        self._whole(401, "application/json", b'{"error": {"message": "bad key"}}')

    def is_busy(self) -> None:
        self._whole(429, "application/json", b"{}", ("retry-after", "7"))

    def redirects(self) -> None:
        self._whole(307, "text/plain", b"", ("location", f"http://127.0.0.1:{self.script.port}/elsewhere"))

    def invents_citations(self) -> None:
        self._begin()
        self._say(f"{self._sentence()} [99] Die Hauptstadt des Mondes heißt Käsebach [98]. Sie hat 4711 Türme [1, 97].")
        self._finish()

    def leaks(self) -> None:
        self._begin()
        self._say(f"{self._sentence()} [1] {LEAK} [1] {self._sentence()[:-1]}: {LEAK} [1]")
        self._finish()

    # --- what it is made of -----------------------------------------------------------------------------------

    def _sentence(self) -> str:
        """The first passage's last line: in the tests' documents, one sentence."""
        found = _PASSAGE.search(self.asked["messages"][0]["content"])
        assert found, "the prompt holds no passage"
        return found[2].strip().splitlines()[-1]

    def _begin(self, *headers: tuple[str, str]) -> None:
        self.close_connection = True
        self.send_response(200)
        for name, value in (("content-type", "text/event-stream"), *headers):
            self.send_header(name, value)
        self.end_headers()

    def _say(self, text: str) -> None:
        for at in range(0, len(text), 20):
            self._chunk({"content": text[at : at + 20]})

    def _finish(self) -> None:
        self._chunk({}, finish_reason="stop")
        usage = {"prompt_tokens": 1000, "completion_tokens": 100}
        self._send(f"data: {json.dumps({'choices': [], 'usage': usage})}\n\ndata: [DONE]\n\n".encode())

    def _chunk(self, delta: dict[str, Any], *, finish_reason: str | None = None) -> None:
        chunk = {"choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]}
        self._send(f"data: {json.dumps(chunk)}\n\n".encode())

    def _send(self, data: bytes) -> None:
        self.wfile.write(data)
        self.wfile.flush()

    def _whole(self, status: int, kind: str, body: bytes, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in (("content-type", kind), ("content-length", str(len(body))), *headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
