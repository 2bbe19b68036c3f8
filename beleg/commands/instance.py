"""For operators: start, look after and try an instance."""

from __future__ import annotations

from typing import Annotated

import typer

from beleg.terminal import AsJson, emit, finish, tell
from rag.settings import read_settings

app = typer.Typer()


@app.command("up", epilog="Example: `beleg up`, then open http://127.0.0.1:8600")
def up() -> None:
    """Start everything on this machine and stay up until Ctrl-C: API, chat page, ingest, Prefect, MLflow."""
    from beleg.up import running, stay

    settings = read_settings()
    finish(first_keys())
    tell("Starting:")
    with running(settings) as instance:
        addresses()
        stay(settings, instance)


@app.command("demo", epilog="Example: `beleg demo --once`")
def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Exit after the answers; status 0 if every step worked.")
    ] = False,
) -> None:
    """Start everything, ingest the sample documents, ask three questions, show the answers with their citations."""
    from beleg.demo import run

    run(read_settings(), once=once)


@app.command("serve", epilog="Example: `BELEG_PORT=8700 beleg serve`")
def serve() -> None:
    """The API and the chat page alone, in the foreground. `beleg up` starts this beside the rest."""
    import uvicorn

    from serving.compose import open_app

    settings = read_settings()
    uvicorn.run(
        open_app(settings),
        host=settings.host,
        port=settings.port,
        log_level="warning",
        access_log=False,
        server_header=False,
    )


@app.command("work", hidden=True)
def work() -> None:
    """The ingest process of `beleg up`."""
    from beleg.working import run

    finish(run(read_settings()))


@app.command("doctor", epilog="Example: `beleg doctor --json`")
def doctor(as_json: AsJson = False) -> None:
    """Check versions, ports, folder, model, clock and database, and say how to mend what is wrong. Status 1 if any is."""
    from beleg.doctor import examine

    found = finish(examine(read_settings()))
    if as_json:
        emit(found)
    else:
        for check in found:
            tell(f"{'ok  ' if check.ok else 'BAD '} {check.name}: {check.finding}")
            if not check.ok:
                tell(f"     mend: {check.mend}")
    raise SystemExit(0 if all(check.ok for check in found) else 1)


def addresses() -> None:
    settings = read_settings()
    tell(f"  chat        http://127.0.0.1:{settings.port}/")
    tell(f"  API docs    http://127.0.0.1:{settings.port}/docs")
    tell(f"  Prefect UI  http://127.0.0.1:{settings.prefect_port}/")
    tell(f"  MLflow UI   http://127.0.0.1:{settings.mlflow_port}/")


async def first_keys() -> None:
    """On an empty database: one operator key and one user key, shown once."""
    from beleg.commands.documents import DEFAULT_TENANT
    from beleg.commands.trust import create_key
    from beleg.up import prepared_home
    from serving.compose import open_keys

    settings = read_settings()
    prepared_home(settings)
    async with open_keys(settings) as keys:
        if await keys.list():
            return
    tell("Two keys, shown this once (`beleg key create` makes more):")
    for role in ("operator", "user"):
        tell(f"  {role:9} {await create_key(tenant=DEFAULT_TENANT, role=role)}")
