"""Starts one instance and keeps it up: Prefect, MLflow, the ingest worker, the API. Called by `up` and `demo`."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from beleg.home import already_up, held, is_held, prepared_home
from beleg.quiet import QUIET
from beleg.restarting import PATIENCE, Patience, Restarts
from beleg.services import Instance, Service, require_free
from beleg.terminal import tell
from rag.errors import Permanent, Temporary
from rag.settings import Settings

_PREFECT_SERVER = {
    # Whatever is older goes: a zone that is swept every few minutes would fill the database for ever.
    "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
    "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(14 * 86_400),
    "PREFECT_SERVER_EVENTS_RETENTION_PERIOD": "P2D",
    # Each zone's place for one run outlives a restart of the server; in its memory it would not, and end the run.
    "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
    "PREFECT_SERVER_DEPLOYMENTS_CONCURRENCY_SLOT_WAIT_SECONDS": "5",
    "PREFECT_SERVER_SERVICES_SCHEDULER_MIN_SCHEDULED_TIME": "PT5M",  # an hour of runs ahead says nothing to anybody
}


def ports(settings: Settings) -> dict[str, int]:
    """By the setting that moves them."""
    return {
        "BELEG_PORT": settings.port,
        "BELEG_PREFECT_PORT": settings.prefect_port,
        "BELEG_MLFLOW_PORT": settings.mlflow_port,
    }


def environment(settings: Settings) -> dict[str, str]:
    """What every child gets: the instance's folder and ports, resolved, and silence towards the outside."""
    home = settings.home.resolve()
    return (QUIET | _PREFECT_SERVER) | {
        "BELEG_HOME": str(home),
        "BELEG_PORT": str(settings.port),
        "BELEG_PREFECT_PORT": str(settings.prefect_port),
        "BELEG_MLFLOW_PORT": str(settings.mlflow_port),
        "PREFECT_HOME": str(home / "prefect"),
        "PREFECT_API_URL": f"http://127.0.0.1:{settings.prefect_port}/api",
        "PREFECT_UI_API_URL": f"http://127.0.0.1:{settings.prefect_port}/api",
        "PREFECT_LOGGING_LEVEL": "WARNING",
        "MLFLOW_TRACKING_URI": f"http://127.0.0.1:{settings.mlflow_port}",
    }


def services(settings: Settings) -> list[Service]:
    """In the order of their start. What answers come from is first: importing its models takes longest."""
    home = settings.home.resolve()
    common = environment(settings)
    binaries = Path(sys.executable).parent
    mlflow = home / "mlflow"
    return [
        Service(
            name="api", command=[sys.executable, "-m", "beleg", "serve"], environment=common,
            port=settings.port, setting="BELEG_PORT", health=f"{settings.address}/healthz",
        ),
        Service(
            name="ingest", command=[sys.executable, "-m", "beleg", "work"], environment=common,
            shows_output=True, niceness=5, restarts=True,
        ),
        Service(
            name="prefect",
            command=[str(binaries / "prefect"), "server", "start", "--host", "127.0.0.1", "--port", str(settings.prefect_port)],
            environment=common, port=settings.prefect_port, setting="BELEG_PREFECT_PORT",
            health=f"http://127.0.0.1:{settings.prefect_port}/api/health", niceness=5,
        ),
        Service(
            name="mlflow",
            command=[
                str(binaries / "mlflow"), "server", "--host", "127.0.0.1", "--port", str(settings.mlflow_port),
                "--workers", "1", "--backend-store-uri", f"sqlite:///{mlflow / 'mlflow.sqlite'}",
                "--artifacts-destination", str(mlflow / "artifacts"),
            ],
            environment=common, port=settings.mlflow_port, setting="BELEG_MLFLOW_PORT",
            health=f"http://127.0.0.1:{settings.mlflow_port}/health", in_background=True, niceness=10, restarts=True,
        ),
    ]  # fmt: skip


def require_startable(settings: Settings) -> None:
    """Before anything is made or shown. Raises `Permanent`: `already_up`, or what of folder and ports is not in order."""
    home = prepared_home(settings)
    if is_held(home):
        raise already_up(home)
    _require_ports(settings)


def _require_ports(settings: Settings) -> None:
    wanted: dict[int, str] = {}
    for name, port in ports(settings).items():
        if port in wanted:
            raise Permanent(
                "same_port", f"{wanted[port]} and {name} are both {port}.", hint=f"Set {name} to another free port."
            )
        require_free(port, name, host=settings.host if name == "BELEG_PORT" else "127.0.0.1")
        wanted[port] = name


@contextmanager
def running(settings: Settings) -> Iterator[Instance]:
    """The whole instance, up. Leaves nothing behind, however it is left. Raises as `Instance` does."""
    home = prepared_home(settings)
    with held(home):
        _require_ports(settings)
        (home / "mlflow").mkdir(exist_ok=True)
        (home / "run" / "ingest.json").unlink(missing_ok=True)
        instance = Instance(home / "logs")
        signal.signal(signal.SIGTERM, _interrupt)
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell hands it down ignored
        started = time.monotonic()
        try:
            order = services(settings)
            for service in [service for service in order if not service.in_background]:
                instance.start(service)
            for service in order:
                tell(f"  {service.name} {'starts in the background' if service.in_background else '...'}")
                if service.in_background:
                    instance.start(service)
                else:
                    instance.wait_until_up(service)
            tell(f"  ready for questions after {time.monotonic() - started:.0f} s")
            yield instance
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not leave children behind
            instance.stop()
            signal.signal(signal.SIGINT, signal.default_int_handler)


def stay(settings: Settings, instance: Instance, *, patience: Patience = PATIENCE) -> None:
    """Until Ctrl-C or the end of a child that is not started again (`Temporary`). Says what has come up meanwhile."""
    tell("Ctrl-C stops everything.")
    order = services(settings)
    awaited = [service for service in order if service.in_background]
    restarts = Restarts(instance, order, patience)
    try:
        while True:
            awaited += [service for service in restarts.look() if service.in_background and service not in awaited]
            for service in [service for service in awaited if instance.is_up(service)]:
                tell(f"  {service.name} is up")
                awaited.remove(service)
            time.sleep(0.5)
    except KeyboardInterrupt:
        tell("\nStopping ...")


def addresses(settings: Settings) -> None:
    """Where people find what has started."""
    tell(f"  chat        {settings.address}/")
    tell(f"  API docs    {settings.address}/docs")
    tell(f"  Prefect UI  http://127.0.0.1:{settings.prefect_port}/")
    tell(f"  MLflow UI   http://127.0.0.1:{settings.mlflow_port}/")


def wait_for_sweeps(
    settings: Settings, zones: set[str], *, alive: Callable[[], None], patience_s: float = 600.0
) -> None:
    """Until the worker has swept every zone once since its start. Raises `Temporary("ingest_slow")`."""
    status = settings.home.resolve() / "run" / "ingest.json"
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        alive()
        if status.exists() and zones <= set(json.loads(status.read_text(encoding="utf-8"))["swept"]):
            return
        time.sleep(0.2)
    raise Temporary(
        "ingest_slow", f"Ingest did not finish within {patience_s:.0f} s.", hint="See logs/ingest.log in BELEG_HOME."
    )


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt
