"""What every key store promises."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from state_values import NOON, principal

from rag.adapters.database.audit import DatabaseAudit
from rag.adapters.database.engine import Database
from rag.errors import Permanent, Refused, Temporary
from rag.types import Classification, Principal, now
from serving.adapters.keys import DatabaseKeys
from serving.testing import MemoryKeys

ROOT = Path(__file__).resolve().parents[2]

HOSTILE = [
    "",
    " ",
    "blg_",
    "sk-anything",
    "blg_0000000000000000_" + "a" * 43,
    "blg_' OR 1=1 --_" + "a" * 43,
    "blg_0000000000000000_" + "a" * 42 + "\n",
    "blg_0000000000000000_" + "a" * 10_000,
    "blg_0000000000000000_" + "\x00" * 43,
    "blg_0000000000000000_" + "ä" * 43,
    "BLG_0000000000000000_" + "a" * 43,
]


class IssuedKeys(MemoryKeys):
    """The twin with a way to make and end keys, as tests do by its dict."""

    def __init__(self) -> None:
        super().__init__({})

    async def create(self, who: Principal) -> str:
        token = f"blg_{len(self.known):016x}_" + f"{len(self.known)}Ab" * 14 + "z"
        self.known[token] = who
        return token

    async def revoke(self, key: str) -> None:
        self.known = {token: who for token, who in self.known.items() if key_id(token) != key}


def key_id(token: str) -> str:
    return token.split("_")[1]


AnyKeys = DatabaseKeys | IssuedKeys


class KeysContract:
    """Subclass with a fixture `keys`."""

    async def test_a_key_opens_for_whom_it_was_made(self, keys: AnyKeys) -> None:
        """Every attribute that access depends on comes back."""
        token = await keys.create(principal())
        assert await keys.verify(token, now=NOON) == principal()

    async def test_two_keys_are_two_people(self, keys: AnyKeys) -> None:
        """Nothing of one is looked up by a part of the other."""
        one, two = (
            await keys.create(principal()),
            await keys.create(principal(subject="bert", clearance=Classification.public)),
        )
        assert (await keys.verify(one, now=NOON)).subject == "anna"
        assert (await keys.verify(two, now=NOON)).subject == "bert"
        mixed = "_".join([*one.split("_")[:2], two.split("_", 2)[2]])
        with pytest.raises(Refused):
            await keys.verify(mixed, now=NOON)

    @pytest.mark.parametrize("token", HOSTILE)
    async def test_whatever_is_no_key_is_refused(self, keys: AnyKeys, token: str) -> None:
        """Odd, long, hostile or unknown values all get the same refusal."""
        await keys.create(principal())
        with pytest.raises(Refused) as refused:
            await keys.verify(token, now=NOON)
        assert refused.value.code == "invalid_key"

    async def test_a_prefix_or_an_addition_is_no_key(self, keys: AnyKeys) -> None:
        """Each character of the secret counts."""
        token = await keys.create(principal())
        flipped = token[:-1] + ("A" if token[-1] != "A" else "B")
        for wrong in (token[:-1], token + "A", token + "\n", flipped, token.upper()):
            with pytest.raises(Refused):
                await keys.verify(wrong, now=NOON)

    async def test_a_revoked_key_is_dead_at_once(self, keys: AnyKeys) -> None:
        """Others live on; revoking twice changes nothing."""
        token, other = await keys.create(principal()), await keys.create(principal())
        await keys.revoke(key_id(token))
        await keys.revoke(key_id(token))
        with pytest.raises(Refused):
            await keys.verify(token, now=NOON)
        assert await keys.verify(other, now=NOON) == principal()


class TestMemoryKeys(KeysContract):
    @pytest.fixture
    def keys(self) -> IssuedKeys:
        return IssuedKeys()


class TestDatabaseKeys(KeysContract):
    @pytest.fixture
    def keys(self, database: Database) -> DatabaseKeys:
        return DatabaseKeys(database)

    async def test_a_key_ends_when_it_was_said_to(self, keys: DatabaseKeys) -> None:
        """The hour itself is too late."""
        token = await keys.create(principal(), expires_at=NOON)
        await keys.verify(token, now=NOON - timedelta(microseconds=1))
        with pytest.raises(Refused):
            await keys.verify(token, now=NOON)

    async def test_the_end_of_a_key_is_listed(self, keys: DatabaseKeys) -> None:
        """Once, however often it was ended; ending a key that never was is said so."""
        token, _ = await keys.create(principal()), await keys.create(principal())
        for _ in range(2):
            await keys.revoke(key_id(token))
        assert [e.id for e in await keys.list() if e.revoked_at is not None] == [key_id(token)]
        with pytest.raises(Permanent):
            await keys.revoke("nobody")

    async def test_no_secret_is_stored(self, keys: DatabaseKeys, database: Database) -> None:
        """Neither in the table of keys nor in the record of who made one."""
        secret = (await keys.create(principal())).split("_", 2)[2]
        async with database.read() as connection:
            for table in ("keys", "audit"):
                rows = (await connection.execute(text(f"SELECT * FROM {table}"))).all()  # noqa: S608  # two fixed names
                assert rows
                assert secret not in str(rows)
        assert secret not in str(await keys.list())

    async def test_making_and_ending_is_on_record(self, keys: DatabaseKeys, database: Database) -> None:
        """Who gave whom which rights, and when it ended."""
        await keys.create(principal(), actor="ops")
        (entry,) = await keys.list()
        await keys.revoke(entry.id, actor="ops2")
        audit = DatabaseAudit(database)
        ended, made = await audit.rows()
        assert (made.action, made.actor, made.facts["clearance"], made.facts["key"]) == (
            "key.create",
            "ops",
            "confidential",
            entry.id,
        )
        assert (ended.action, ended.actor) == ("key.revoke", "ops2")
        assert (await audit.verify()).ok

    async def test_a_revocation_in_another_process_counts_with_the_next_request(
        self, keys: DatabaseKeys, database_url: str
    ) -> None:
        """Nothing is cached, so there is nothing to outlive it."""
        token = await keys.create(principal())
        await keys.verify(token, now=now())
        script = (
            "import asyncio, sys; sys.path.insert(0, '.')\n"
            "from rag.adapters.database.engine import Database\n"
            "from serving.adapters.keys import DatabaseKeys\n"
            "async def main():\n"
            "    database = Database(sys.argv[1]); await DatabaseKeys(database).revoke(sys.argv[2]); await database.close()\n"
            "asyncio.run(main())\n"
        )
        subprocess.run([sys.executable, "-c", script, database_url, token.split("_")[1]], cwd=ROOT, check=True)
        with pytest.raises(Refused):
            await keys.verify(token, now=now())

    async def test_an_unreachable_store_lets_nobody_in(self) -> None:
        """It is not the key's fault, and it is no entry either."""
        database = Database("postgresql://beleg@127.0.0.1:9/beleg", busy_s=1)
        with pytest.raises(Temporary):
            await DatabaseKeys(database).verify("blg_0000000000000000_" + "a" * 43, now=NOON)
        await database.close()
