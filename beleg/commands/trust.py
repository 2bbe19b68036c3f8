"""For operators who answer for it: keys and the audit chain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from beleg.terminal import AsJson, emit, finish, tell
from rag.errors import Permanent
from rag.settings import read_settings
from rag.types import AuditRow, Classification, Principal

if TYPE_CHECKING:
    from rag.adapters.database.chain import ChainReport

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
    language: Annotated[str, typer.Option(help="en or de.")] = "en",
    as_json: AsJson = False,
) -> None:
    """Tell in words why this answer came about: who, which release, which rules, which endpoint, which passages."""
    from rag.explain import explain

    row = finish(_find(request_id.removeprefix("chatcmpl-")))
    if as_json:
        emit(row)
    else:
        tell(explain(row, language=language))


@key.command("create", epilog="Example: `beleg key create --tenant aurelia --role user --clearance confidential`")
def create(
    tenant: Annotated[str, typer.Option(help="Whose documents the key may reach.")],
    role: Annotated[str, typer.Option(help="user or operator.")] = "user",
    clearance: Annotated[str, typer.Option(help="Highest classification it may read.")] = "internal",
    group: Annotated[
        list[str] | None, typer.Option(help="A group that documents may name as reader; repeat for more.")
    ] = None,
    subject: Annotated[str | None, typer.Option(help="Who holds the key; appears in the audit.")] = None,
) -> None:
    """Make a key. It is shown once and stored only as a digest."""
    tell(finish(create_key(tenant=tenant, role=role, clearance=clearance, groups=group or [], subject=subject)))


@key.command("list", epilog="Example: `beleg key list --json`")
def list_keys(as_json: AsJson = False) -> None:
    """All keys by id, without their secrets."""
    from serving.compose import open_keys

    async def _list() -> list[object]:
        async with open_keys(read_settings()) as keys:
            return list(await keys.list())

    found = finish(_list())
    if as_json:
        emit(found)
        return
    for item in found:
        tell(str(item))


@key.command("revoke", epilog="Example: `beleg key revoke 4f1c2a`")
def revoke(key_id: Annotated[str, typer.Argument(help="The id, as `beleg key list` shows it.")]) -> None:
    """End a key. It stops working in every process within a second."""
    from serving.compose import open_keys

    async def _revoke() -> None:
        async with open_keys(read_settings()) as keys:
            await keys.revoke(key_id)

    finish(_revoke())
    tell(f"Key {key_id} is revoked.")


async def create_key(
    *, tenant: str, role: str, clearance: str = "internal", groups: list[str] | None = None, subject: str | None = None
) -> str:
    """The key itself, which nobody can read again. Raises `Permanent` for an unknown role or clearance."""
    from serving.compose import open_keys

    if role not in {"user", "operator"}:
        raise Permanent("bad_role", f"Role {role!r} does not exist.", hint="Use user or operator.")
    if clearance not in Classification.__members__:
        raise Permanent(
            "bad_clearance",
            f"Clearance {clearance!r} does not exist.",
            hint=f"Use one of {', '.join(Classification.__members__)}.",
        )
    principal = Principal(
        subject=subject or f"{tenant}-{role}", tenant=tenant, roles=frozenset({role}), groups=frozenset(groups or []),
        clearance=Classification[clearance],
    )  # fmt: skip
    async with open_keys(read_settings()) as keys:
        return await keys.create(principal)


async def _verify() -> ChainReport:
    from rag.compose import open_state

    async with open_state(read_settings()) as state:
        return await state.audit.verify()


async def _find(request_id: str) -> AuditRow:
    from rag.compose import open_state

    async with open_state(read_settings()) as state:
        row = await state.audit.find(request_id)
        if row is None:
            raise Permanent(
                "no_such_request",
                f"There is no audit row for {request_id}.",
                hint="Ids look like the `id` of an answer.",
            )
        return row
