"""Children of an instance: ports are named when taken, ends are noticed, nobody outlives the parent."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from beleg.restarting import PATIENCE, Patience, Restarts, pause_s
from beleg.services import Instance, Service, in_words, require_free
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
    _until_dead(child)


def test_an_exit_status_is_said_in_words() -> None:
    """-9 tells nobody that memory ran out."""
    assert "want of memory (signal 9)" in in_words(-signal.SIGKILL)
    assert in_words(-signal.SIGSEGV).startswith("was ended by signal 11")
    assert in_words(3) == "ended with status 3"
    assert "without an error" in in_words(0)


def test_pauses_grow_until_it_is_too_often() -> None:
    """The sixth end within ten minutes is one too many; ends of long ago count no more."""
    ends = [0.0, 10.0, 20.0, 30.0, 40.0, 50.0]
    assert [pause_s(ends[: n + 1], PATIENCE) for n in range(6)] == [1.0, 5.0, 30.0, 30.0, 30.0, None]
    assert pause_s([*ends, 630.0], PATIENCE) == 30.0
    assert pause_s([*ends, 5_000.0], PATIENCE) == 1.0


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    made = Instance(tmp_path)
    yield made
    made.stop()


def test_a_killed_part_is_started_again_and_the_others_stay(
    instance: Instance, capsys: pytest.CaptureFixture[str]
) -> None:
    """The chat does not go down with ingest."""
    parts = [Service(name="api", command=SLEEP), Service(name="ingest", command=SLEEP, restarts=True)]
    for part in parts:
        instance.start(part)
    api, ingest = instance.pids()
    clock = [100.0]
    restarts = Restarts(instance, parts, Patience(pauses_s=(5.0,)), now=lambda: clock[0])
    assert restarts.look() == []
    _kill(instance, "ingest")
    assert restarts.look() == []
    assert instance.pids() == [api]
    clock[0] += 4.9
    assert restarts.look() == []
    clock[0] += 0.1
    assert restarts.look() == [parts[1]]
    assert instance.pids()[0] == api
    assert instance.pids()[1] != ingest
    assert restarts.look() == []
    said = capsys.readouterr().out
    assert "ingest was killed" in said
    assert "started again in 5 s, nothing is lost" in said
    assert "ingest.log" in said


def test_what_a_killed_part_had_started_goes_before_it_starts_again(instance: Instance, tmp_path: Path) -> None:
    """A server's own child would hold its port."""
    code = f"import subprocess, time; print(subprocess.Popen({SLEEP!r}).pid, flush=True); time.sleep(60)"
    part = Service(name="mlflow", command=[sys.executable, "-c", code], restarts=True)
    instance.start(part)
    while not (said := (tmp_path / "mlflow.log").read_text(encoding="utf-8")).endswith("\n"):
        time.sleep(0.05)
    _kill(instance, "mlflow")
    assert _is_alive(int(said))
    Restarts(instance, [part]).look()
    _until_dead(int(said))


def test_a_part_that_keeps_ending_is_given_up(instance: Instance) -> None:
    """With what to do next."""
    part = Service(name="ingest", command=[sys.executable, "-c", "raise SystemExit(3)"], restarts=True)
    instance.start(part)
    restarts = Restarts(instance, [part], Patience(pauses_s=(0.0,), most=2))
    for _ in range(2):
        _until_ended(instance, "ingest")
        assert restarts.look() == [part]
    _until_ended(instance, "ingest")
    with pytest.raises(Temporary, match=r"status 3, after 2 starts anew .*ingest\.log.*doctor.*`beleg up` again"):
        restarts.look()


def test_the_end_of_the_api_ends_the_whole_and_says_what_to_do(instance: Instance) -> None:
    """Nobody has to guess whether documents are gone."""
    part = Service(name="api", command=SLEEP)
    instance.start(part)
    _kill(instance, "api")
    with pytest.raises(Temporary, match=r"api was killed .*Nothing is lost: start `beleg up` again.*api\.log"):
        Restarts(instance, [part]).look()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_everything_during_a_pause(tmp_path: Path, number: signal.Signals) -> None:
    """An hour's pause does not hold up Ctrl-C."""
    script = (
        "import sys\nfrom pathlib import Path\nimport beleg.up as up\nfrom beleg.restarting import Patience\n"
        "from beleg.services import Service\nfrom rag.settings import Settings\n"
        "end = [sys.executable, '-c', 'raise SystemExit(3)']\n"
        f"up.services = lambda _: [Service(name='api', command={SLEEP!r}), "
        "Service(name='ingest', command=end, restarts=True)]\nup._require_ports = lambda _: None\n"
        f"settings = Settings(home=Path({str(tmp_path)!r}))\n"
        "with up.running(settings) as instance:\n    print('pid', instance.pids()[0], flush=True)\n"
        "    up.stay(settings, instance, patience=Patience(pauses_s=(3600.0,)))\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = 0
    for line in parent.stdout:
        child = int(line.split()[1]) if line.startswith("pid") else child
        if "started again in 3600 s" in line:
            break
    parent.send_signal(number)
    assert "Stopping" in parent.stdout.read()
    assert parent.wait() == 0
    parent.stdout.close()
    assert not _is_alive(child)


def _kill(instance: Instance, name: str) -> None:
    os.kill(instance._children[name].pid, signal.SIGKILL)
    _until_ended(instance, name)


def _until_ended(instance: Instance, name: str) -> None:
    instance._children[name].wait()


def _until_dead(pid: int) -> None:
    deadline = time.monotonic() + 10
    while _is_alive(pid):
        assert time.monotonic() < deadline, f"{pid} is still there"
        time.sleep(0.05)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").split(")")[1].split()[0]
