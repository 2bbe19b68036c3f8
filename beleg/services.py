"""Child processes of one instance: started in order, watched, stopped together, also when the parent is killed."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rag.errors import Permanent, Temporary

_PR_SET_PDEATHSIG = 1
_STOP_PATIENCE_S = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One child process.

    Attributes:
        health: URL that answers below 500 once it is up; `None` = nothing to wait for.
        port: must be free before the start; named in the error when it is not.
        setting: the setting that moves the port.
        in_background: not waited for: no answer needs it.
        niceness: 0 to 19; what answers come from goes before what prepares or shows them.
        restarts: started again when it ends by itself: answers go on without it, and it finds again what it left undone.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    health: str | None = None
    port: int | None = None
    setting: str = ""
    shows_output: bool = False
    in_background: bool = False
    niceness: int = 0
    restarts: bool = False


class Instance:
    """The running children of one `beleg up`."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, service: Service) -> None:
        """Raises `Permanent("port_taken")` naming port and setting."""
        if service.port is not None:
            require_free(service.port, service.setting)
        self._logs.mkdir(parents=True, exist_ok=True)
        with self.log(service.name).open("ab") as log:
            self._children[service.name] = subprocess.Popen(
                ["nice", "-n", str(service.niceness), *service.command],
                env={**os.environ, **service.environment},
                stdin=subprocess.DEVNULL,
                stdout=None if service.shows_output else log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - no threads yet
            )

    def wait_until_up(self, service: Service, *, patience_s: float = 300.0) -> None:
        """Raises `Temporary` naming the log when the child ends or stays silent."""
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            self.require_alive(service.name)
            if self.is_up(service):
                return
            time.sleep(0.15)
        raise Temporary(
            "service_silent", f"{service.name} did not answer within {patience_s:.0f} s.", hint=self._see(service.name)
        )

    def is_up(self, service: Service) -> bool:
        """Whether it answers now; one that nobody can ask counts as up."""
        return service.health is None or _answers(service.health)

    def require_alive(self, name: str | None = None) -> None:
        """Raises `Temporary("service_ended")` for a child that is no longer there."""
        for child_name in self._children:
            status = self.ended(child_name)
            if name in {None, child_name} and status is not None:
                raise Temporary("service_ended", f"{child_name} {in_words(status)}.", hint=self._see(child_name))

    def ended(self, name: str) -> int | None:
        """The status with which it ended; `None` while it runs, and when there is none: not started, or cleared away."""
        return self._children[name].poll() if name in self._children else None

    def clear_away(self, name: str) -> None:
        """What has ended, and what it started itself: left behind, that would hold ports and locks against the next."""
        _signal_group(self._children.pop(name), signal.SIGKILL)

    def log(self, name: str) -> Path:
        """Where a child says what went wrong."""
        return self._logs / f"{name}.log"

    def pids(self) -> list[int]:
        """Of the children; each leads its own process group."""
        return [child.pid for child in self._children.values()]

    def stop(self) -> None:
        """The last started first; who does not listen is killed. Safe to call twice."""
        for child in reversed(self._children.values()):
            _signal_group(child, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_PATIENCE_S
        for child in self._children.values():
            try:
                child.wait(timeout=max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                _signal_group(child, signal.SIGKILL)
                child.wait()
            _signal_group(child, signal.SIGKILL)  # grandchildren that outlived their parent
        self._children.clear()

    def _see(self, name: str) -> str:
        return f"See {self.log(name)}."


def in_words(status: int) -> str:
    """What a child's exit status says to a person."""
    if status == -signal.SIGKILL:
        return f"was killed by somebody, or by the system for want of memory (signal {-status})"
    if status < 0:
        return f"was ended by signal {-status} ({signal.strsignal(-status)})"
    return f"ended with status {status}" if status else "ended by itself, without an error"


def require_free(port: int, setting: str, *, host: str = "127.0.0.1") -> None:
    """Raises `Permanent`: `port_taken`, or `port_unusable` for one that this user or this machine cannot open."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise Permanent(
                    "port_taken", f"Port {port} is taken by another program.", hint=f"Set {setting} to a free port."
                ) from None
            raise Permanent(
                "port_unusable", f"{host}:{port} cannot be opened: {error.strerror}.",
                hint=f"Set {setting} to a port from 1024 up, and BELEG_HOST to an address of this machine.",
            ) from None  # fmt: skip


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as reply:  # noqa: S310 - our own loopback address
            return bool(reply.status < 500)
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False


def _signal_group(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    try:
        os.killpg(child.pid, number)
    except ProcessLookupError:
        return


def _die_with_parent() -> None:
    """The kernel ends the child when the parent is gone, however it went."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
