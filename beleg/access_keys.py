"""API keys from the command line, and the two that a first start makes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from beleg.home import here
from beleg.terminal import tell
from beleg.zones import DEFAULT_TENANT
from rag.errors import Permanent
from rag.types import Classification, Principal

if TYPE_CHECKING:
    from serving.adapters.keys import KeyEntry

ROLES = ("user", "owner", "steward", "operator", "events")
"""An owner also sees what became of his tenant's files, a steward also judges what the guard held back."""


async def create_key(
    *, tenant: str, role: str, clearance: str = "internal", groups: Sequence[str] = (), subject: str | None = None
) -> str:
    """The key itself, which nobody can read again. Raises `Permanent`: `bad_tenant`, `bad_role`, `bad_clearance`."""
    from serving.compose import open_keys

    if not tenant.strip():
        raise Permanent("bad_tenant", "The tenant is empty.", hint="`beleg zone list` shows whose documents there are.")
    if role not in ROLES:
        raise Permanent("bad_role", f"Role {role!r} does not exist.", hint=f"Use one of {', '.join(ROLES)}.")
    if clearance not in Classification.__members__:
        allowed = ", ".join(Classification.__members__)
        raise Permanent("bad_clearance", f"Clearance {clearance!r} does not exist.", hint=f"Use one of {allowed}.")
    principal = Principal(
        subject=subject or f"{tenant}-{role}", tenant=tenant, roles=frozenset({role} if role in {"operator", "events"} else {"user", role}), groups=frozenset(groups),
        clearance=Classification[clearance],
    )  # fmt: skip
    async with open_keys(here()) as keys:
        return await keys.create(principal)


async def all_keys() -> list[KeyEntry]:
    from serving.compose import open_keys

    async with open_keys(here()) as keys:
        return list(await keys.list())


async def revoke_key(key_id: str) -> None:
    """Raises `Permanent` for an id that no key has."""
    from serving.compose import open_keys

    async with open_keys(here()) as keys:
        await keys.revoke(key_id)


async def first_keys() -> None:
    """On an empty database: one operator key and one user key, shown once."""
    if await all_keys():
        return
    tell("Two keys, shown this once (`beleg key create` makes more):")
    for role in ("operator", "user"):
        tell(f"  {role:9} {await create_key(tenant=DEFAULT_TENANT, role=role)}")
