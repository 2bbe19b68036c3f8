"""A real instance as a child process: the command that a newcomer types, on free ports, in a folder of its own."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 300.0


def free_ports(count: int) -> list[int]:
    """Ports that nobody held a moment ago."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for item in sockets:
            item.bind(("127.0.0.1", 0))
        return [item.getsockname()[1] for item in sockets]
    finally:
        for item in sockets:
            item.close()


def wait_until(holds: Callable[[], bool], *, every_s: float = 0.2) -> None:
    """Until it holds; fails when it never does. How fast things go is for the benchmarks: this is patient with a busy machine."""
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(every_s)


@dataclass
class RunningInstance:
    """`beleg demo` or `beleg up`, its output and its folder."""

    home: Path
    ports: list[int] = field(default_factory=lambda: free_ports(3))
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports[0]}"

    @property
    def env(self) -> dict[str, str]:
        names = ("BELEG_PORT", "BELEG_PREFECT_PORT", "BELEG_MLFLOW_PORT")
        return {
            **os.environ,
            "BELEG_HOME": str(self.home),
            **{n: str(p) for n, p in zip(names, self.ports, strict=True)},
            **self.environment,
        }

    @property
    def output_file(self) -> Path:
        return self.home.parent / f"{self.home.name}.out"

    @property
    def output(self) -> str:
        return self.output_file.read_text(encoding="utf-8", errors="replace") if self.output_file.exists() else ""

    def start(self, *arguments: str, until: str, patience_s: float = 420.0) -> None:
        with self.output_file.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "beleg", *arguments], cwd=ROOT, env=self.env, stdout=out, stderr=out
            )
        seen = self.output.count(until)
        deadline = time.monotonic() + patience_s
        while self.output.count(until) == seen:
            assert self.process.poll() is None, f"ended early:\n{self.output[-3000:]}"
            assert time.monotonic() < deadline, f"{until!r} never came:\n{self.output[-3000:]}"
            time.sleep(0.2)

    def stop(self, number: int = signal.SIGINT) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(timeout=PATIENCE_S)

    def command(self, *arguments: str, timeout_s: float = 300) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "beleg", *arguments],
            cwd=ROOT,
            env=self.env,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    def key(self, *, tenant: str, clearance: str = "internal", role: str = "user", groups: tuple[str, ...] = ()) -> str:
        extra = [word for group in groups for word in ("--group", group)]
        made = self.command("key", "create", "--tenant", tenant, "--clearance", clearance, "--role", role, *extra)
        assert made.returncode == 0, made.stderr
        found = re.search(r"blg_\S+", made.stdout)
        assert found, made.stdout
        return found.group()

    def ask(self, key: str, question: str, *, model: str = "assistant") -> dict:
        reply = httpx.post(
            f"{self.url}/v1/chat/completions", headers={"Authorization": f"Bearer {key}"}, timeout=PATIENCE_S,
            json={"model": model, "messages": [{"role": "user", "content": question}]},
        )  # fmt: skip
        assert reply.status_code == 200, reply.text
        return reply.json()

    def children(self) -> list[int]:
        """Processes whose command or environment names this instance's folder."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                environment = (entry / "environ").read_bytes()
            except OSError:
                continue
            if f"BELEG_HOME={self.home}\0".encode() in environment and int(entry.name) != os.getpid():
                found.append(int(entry.name))
        return found
