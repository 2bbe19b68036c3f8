"""For operators who answer for it: keys and the audit chain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from beleg.terminal import AsJson, ClassificationName, emit, finish, tell

if TYPE_CHECKING:
    from rag.adapters.database.chain import ChainReport
    from rag.types import AuditRow

app = typer.Typer()
audit = typer.Typer(no_args_is_help=True, help="The record: what happened, provably unchanged.")
key = typer.Typer(no_args_is_help=True, help="API keys: who may ask.")
app.add_typer(audit, name="audit")
app.add_typer(key, name="key")


@audit.command("verify", epilog="Example: `beleg audit verify --json`")
def verify(as_json: AsJson = False) -> None:
    """Prove that no audit row was changed, removed or reordered. Status 1 and the first bad row if one was."""
    report = finish(_verify())
    if as_json:
        emit(report)
    elif report.ok:
        tell(f"The chain is whole: {report.rows} rows.")
    else:
        tell(f"THE CHAIN IS BROKEN: {report.problem}")
    raise SystemExit(0 if report.ok else 1)


@audit.command("explain", epilog="Example: `beleg audit explain chatcmpl-0a39da21-… --language de`")
def explain_request(
    request_id: Annotated[str, typer.Argument(help="`id` of the answer, also in the header x-request-id.")],
    language: Annotated[Literal["en", "de"], typer.Option(help="Of the words.")] = "en",
    as_json: AsJson = False,
) -> None:
    """Tell in words why this answer came about: who, which release, which rules, which endpoint, which passages.

    Status 1 if there is no such request.
    """
    from rag.explain import explain

    row = finish(_find(request_id.removeprefix("chatcmpl-")))
    if as_json:
        emit(row)
    else:
        tell(explain(row, language=language))


@key.command("create", epilog="Example: `beleg key create --tenant aurelia --role user --clearance confidential`")
def create(
    tenant: Annotated[str, typer.Option(help="Whose documents the key may reach.")],
    role: Annotated[
        Literal["user", "owner", "steward", "operator", "events"],
        typer.Option(
            help="Ask; also see the zones; also judge what was held back; run the instance; only send storage events."
        ),
    ] = "user",
    clearance: Annotated[ClassificationName, typer.Option(help="Highest classification it may read.")] = "internal",
    group: Annotated[
        list[str] | None, typer.Option(help="A group that documents may name as reader; repeat for more.")
    ] = None,
    subject: Annotated[str | None, typer.Option(help="Who holds the key; appears in the audit.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a key. It is shown once, alone on stdout, and stored only as a digest."""
    from beleg.access_keys import create_key

    made = finish(create_key(tenant=tenant, role=role, clearance=clearance, groups=group or (), subject=subject))
    if as_json:
        emit({"key": made, "tenant": tenant, "role": role, "clearance": clearance, "groups": group or []})
    else:
        tell(made)


@key.command("list", epilog="Example: `beleg key list --json`")
def list_keys(as_json: AsJson = False) -> None:
    """All keys by id, without their secrets."""
    from beleg.access_keys import all_keys

    found = finish(all_keys())
    if as_json:
        emit(found)
        return
    for item in found:
        state = f"revoked {item.revoked_at:%Y-%m-%d}" if item.revoked_at else f"since {item.created_at:%Y-%m-%d}"
        roles = ", ".join(sorted(item.roles))
        tell(f"{item.id:18} {roles:10} {item.tenant:16} {item.clearance.name:20} {state:20} {item.subject}")
    if not found:
        tell("No key yet. `beleg key create --tenant TENANT` makes one.")


@key.command("revoke", epilog="Example: `beleg key revoke 4f1c2a`")
def revoke(key_id: Annotated[str, typer.Argument(help="The id, as `beleg key list` shows it.")]) -> None:
    """End a key. It stops working in every process within a second. Status 1 if there is no such key."""
    from beleg.access_keys import revoke_key

    finish(revoke_key(key_id))
    tell(f"Key {key_id} is revoked.")


async def _verify() -> ChainReport:
    from beleg.home import here
    from rag.compose import open_state

    async with open_state(here()) as state:
        return await state.audit.verify()


async def _find(request_id: str) -> AuditRow:
    from beleg.home import here
    from rag.compose import open_state
    from rag.errors import Permanent

    async with open_state(here()) as state:
        row = await state.audit.find(request_id)
        if row is None:
            raise Permanent(
                "no_such_request",
                f"There is no audit row for {request_id}.",
                hint="Take the `id` of an answer; `beleg ask` prints it below.",
            )
        return row
