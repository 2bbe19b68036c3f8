"""Children of an instance: ports are named when taken, ends are noticed, nobody outlives the parent."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from beleg.services import Instance, Service, require_free
from rag.errors import Permanent, Temporary

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]


def test_a_taken_port_is_named_with_its_setting() -> None:
    """One clear sentence."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(Permanent, match=rf"{port} is taken.*BELEG_PORT"):
            require_free(port, "BELEG_PORT")


def test_an_address_that_is_not_ours_is_not_called_taken() -> None:
    """Another port would not help."""
    with pytest.raises(Permanent, match=r"192\.0\.2\.1:0 cannot be opened.*BELEG_HOST"):
        require_free(0, "BELEG_PORT", host="192.0.2.1")


def test_a_child_that_ends_is_noticed_and_its_log_named(tmp_path: Path) -> None:
    """The operator is told where to look."""
    instance = Instance(tmp_path)
    instance.start(
        Service(name="quick", command=[sys.executable, "-c", "raise SystemExit(3)"], health="http://127.0.0.1:1/")
    )
    with pytest.raises(Temporary, match=r"quick ended with status 3.*quick\.log"):
        instance.wait_until_up(Service(name="quick", command=[], health="http://127.0.0.1:1/"))


def test_stop_ends_children_that_do_not_listen(tmp_path: Path) -> None:
    """A child that ignores SIGTERM is killed."""
    instance = Instance(tmp_path)
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
    instance.start(Service(name="deaf", command=[sys.executable, "-c", deaf]))
    child = next(iter(instance._children.values()))
    while not (tmp_path / "deaf.log").read_text(encoding="utf-8"):
        time.sleep(0.05)
    instance.stop()
    assert child.returncode == -signal.SIGKILL


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")
def test_children_die_with_a_killed_parent(tmp_path: Path) -> None:
    """Kill -9 of the command leaves nothing behind."""
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom beleg.services import Instance, Service\n"
        f"i = Instance(Path({str(tmp_path)!r}))\ni.start(Service(name='s', command={SLEEP!r}))\n"
        "print(next(iter(i._children.values())).pid, flush=True)\ntime.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 10
    while _is_alive(child):
        assert time.monotonic() < deadline, "the child outlived its parent"
        time.sleep(0.05)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").split(")")[1].split()[0]
