"""API keys in SQL. Port `Keys`. A key is `blg_ID_SECRET`; only a digest of the secret is stored.

The secret has 256 random bits, so a plain sha256 is enough: there is nothing to guess that a slow hash would protect.
Nothing is cached: a revoked key stops working with the next request, in every process.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update

from rag.adapters.database.audit import chain_rows, lock_chain
from rag.adapters.database.engine import Database
from rag.adapters.database.schema import keys
from rag.errors import Permanent, Refused
from rag.types import AuditRow, Classification, Principal, now

_FORM = re.compile(r"blg_([0-9a-f]{16})_([A-Za-z0-9_-]{43})\Z")
_NOBODY = "0" * 64
"""Compared with when the id is unknown, so that this takes as long as a wrong secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyEntry:
    """A key as an operator sees it. The secret is nowhere."""

    id: str
    subject: str
    tenant: str
    roles: frozenset[str]
    clearance: Classification
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class DatabaseKeys:
    """See `serving.ports.Keys`. Making and ending keys is on the audit record."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, principal: Principal, *, actor: str = "operator", expires_at: datetime | None = None) -> str:
        """The whole key: shown now, and never again."""
        id_, secret, at = secrets.token_hex(8), secrets.token_urlsafe(32), now()
        values = {
            "id": id_,
            "digest": _digest(secret),
            "subject": principal.subject,
            "tenant": principal.tenant,
            "business_units": sorted(principal.business_units),
            "roles": sorted(principal.roles),
            "groups": sorted(principal.groups),
            "clearance": int(principal.clearance),
            "created_at": at,
            "expires_at": expires_at,
        }
        facts: dict[str, object] = {
            "key": id_,
            "subject": principal.subject,
            "business_units": sorted(principal.business_units),
            "roles": sorted(principal.roles),
            "groups": sorted(principal.groups),
            "clearance": principal.clearance.name,
        }
        async with self._database.write(durable=True) as connection:
            await lock_chain(connection)
            await connection.execute(insert(keys).values(**values))
            await chain_rows(connection, [_row(id_, "key.create", principal.tenant, actor, at, facts)])
        return f"blg_{id_}_{secret}"

    async def verify(self, token: str, *, now: datetime) -> Principal:
        """Raises `Refused("invalid_key")` for an unknown, malformed, expired or revoked key."""
        form = _FORM.match(token)
        if form is None:
            raise _invalid()
        async with self._database.read() as connection:
            found = (await connection.execute(select(keys).where(keys.c.id == form[1]))).first()
        is_right = hmac.compare_digest(_digest(form[2]), _NOBODY if found is None else found.digest)
        if found is None or not is_right or found.revoked_at is not None:
            raise _invalid()
        if found.expires_at is not None and found.expires_at <= now:
            raise _invalid()
        return _principal(found)

    async def list(self) -> list[KeyEntry]:
        """Oldest first, revoked ones included."""
        async with self._database.read() as connection:
            found = (await connection.execute(select(keys).order_by(keys.c.created_at, keys.c.id))).all()
        return [_entry(row) for row in found]

    async def revoke(self, key_id: str, *, actor: str = "operator") -> None:
        """Ends a key. Twice changes nothing. Raises `Permanent("key_unknown")`."""
        at = now()
        async with self._database.write(durable=True) as connection:
            await lock_chain(connection)
            found = (await connection.execute(select(keys).where(keys.c.id == key_id))).first()
            if found is None:
                raise Permanent("key_unknown", "There is no key with this id.", hint="`beleg key list` shows the ids.")
            if found.revoked_at is not None:
                return
            await connection.execute(update(keys).where(keys.c.id == key_id).values(revoked_at=at))
            await chain_rows(connection, [_row(key_id, "key.revoke", found.tenant, actor, at, {"key": key_id})])


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode("ascii")).hexdigest()


def _invalid() -> Refused:
    """One message for all cases: which one it was is of use to nobody who may know it."""
    return Refused("invalid_key", "The API key is not valid.", hint="Ask the operator for a key.")


def _principal(found: Row[Any]) -> Principal:
    return Principal(
        subject=found.subject,
        tenant=found.tenant,
        business_units=frozenset(found.business_units),
        roles=frozenset(found.roles),
        groups=frozenset(found.groups),
        clearance=Classification(found.clearance),
    )


def _entry(found: Row[Any]) -> KeyEntry:
    return KeyEntry(
        id=found.id,
        subject=found.subject,
        tenant=found.tenant,
        roles=frozenset(found.roles),
        clearance=Classification(found.clearance),
        created_at=found.created_at,
        expires_at=found.expires_at,
        revoked_at=found.revoked_at,
    )


def _row(key_id: str, action: str, tenant: str, actor: str, at: datetime, facts: dict[str, object]) -> AuditRow:
    return AuditRow(
        id=f"{action.replace('.', ':')}:{key_id}",
        at=at,
        actor=actor,
        tenant=tenant,
        action=action,
        outcome="done",
        facts=facts,
    )
