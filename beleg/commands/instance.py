"""For operators: start, look after and try an instance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from beleg.terminal import AsJson, emit, finish, tell

if TYPE_CHECKING:
    pass

app = typer.Typer()


@app.command("up", epilog="Example: `beleg up`, then open http://127.0.0.1:8600")
def up() -> None:
    """Start everything on this machine and stay up until Ctrl-C: API, chat page, ingest, Prefect, MLflow.

    BELEG_HOME, BELEG_PORT, BELEG_PREFECT_PORT and BELEG_MLFLOW_PORT make room for a second one. The first start shows
    an operator key and a user key. Status 1 if a port is taken or the folder is in use, 4 if a part ended
    without which nothing is answered, or another again and again: ingest and MLflow are first started anew.
    """
    from beleg.access_keys import first_keys
    from beleg.sound import require_sound
    from beleg.up import addresses, require_startable, running, stay
    from rag.settings import read_settings

    settings = read_settings()
    require_startable(settings)
    finish(require_sound(settings))
    finish(first_keys())
    tell("Starting:")
    with running(settings) as instance:
        addresses(settings)
        stay(settings, instance)


@app.command("demo", epilog="Example: `beleg demo --once`")
def demo(
    once: Annotated[
        bool, typer.Option("--once", help="Exit after the answers; status 0 if every step worked.")
    ] = False,
) -> None:
    """Start everything, ingest the sample documents, ask three questions, show the answers with their citations."""
    from beleg.demo import run
    from rag.settings import read_settings

    run(read_settings(), once=once)


@app.command("serve", epilog="Example: `BELEG_PORT=8700 beleg serve`")
def serve() -> None:
    """The API and the chat page alone, in the foreground. `beleg up` starts this beside the rest."""
    from beleg.home import here
    from beleg.services import require_free
    from beleg.sound import require_sound

    settings = here()
    require_free(settings.port, "BELEG_PORT", host=settings.host)
    finish(require_sound(settings))

    import uvicorn

    from serving.compose import open_app

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
    from rag.settings import read_settings

    finish(run(read_settings()))


@app.command("doctor", epilog="Example: `beleg doctor --json`")
def doctor(as_json: AsJson = False) -> None:
    """Check versions, ports, folder, model, clock and database, and say how to mend what is wrong. Status 1 if any is."""
    from beleg.doctor import examine
    from rag.settings import read_settings

    found = finish(examine(read_settings()))
    if as_json:
        emit(found)
    else:
        for check in found:
            tell(f"{'ok  ' if check.ok else 'BAD '} {check.name}: {check.finding}")
            if check.mend:
                tell(f"     mend: {check.mend}")
    raise SystemExit(0 if all(check.ok for check in found) else 1)
