"""What every store of receipts, and whoever signs them, promises."""

from __future__ import annotations

import stat
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from state_values import NOON

from rag.adapters.database.engine import Database
from rag.adapters.database.erasures import DatabaseErasures
from rag.adapters.signing import Ed25519Signer
from rag.errors import Permanent
from rag.ports import Erasures, Signer
from rag.testing import DigestSigner, MemoryErasures
from rag.types import Erasure, ErasureRule


def erasure(number: int = 1, **changes: object) -> Erasure:
    made = Erasure(
        id=f"ers_{number}", tenant="aurelia", zone="personal", path="größe.txt", document_id="doc-1", version="v1",
        rule=ErasureRule.request, actor="dpo", reason="Request 17.", at=NOON + timedelta(minutes=number),
        counts={"chunks": 3, "texts": 1},
    )  # fmt: skip
    return replace(made, **changes)  # type: ignore[arg-type]


class ErasuresContract:
    """Subclass with a fixture `erasures`."""

    async def test_a_receipt_comes_back_as_it_was_recorded(self, erasures: Erasures) -> None:
        """Oldest first, each id once."""
        await erasures.record(erasure(2))
        await erasures.record(erasure(1))
        signed = erasure(2, generation="g1", verified_at=NOON, signature="x")
        await erasures.record(signed)
        assert sorted(await erasures.of_document("doc-1"), key=lambda one: one.at) == [erasure(1), signed]
        assert await erasures.of_document("doc-2") == []
        assert [one.id for one in await erasures.unsigned()] == ["ers_1"]
        assert {one.id for one in await erasures.standing()} == {"ers_1", "ers_2"}

    @pytest.mark.parametrize(
        ("tenant", "document", "version", "is_forgotten"),
        [
            ("aurelia", "doc-1", "v9", True), ("aurelia", "doc-9", "v1", True), ("aurelia", "doc-9", "v9", False),
            ("other", "doc-1", "v1", False),
        ],
    )  # fmt: skip
    async def test_a_place_or_bytes_are_forgotten_in_their_tenant(
        self, erasures: Erasures, tenant: str, document: str, version: str, *, is_forgotten: bool
    ) -> None:
        """Another tenant may well keep the same brochure."""
        await erasures.record(erasure())
        assert await erasures.is_forgotten(tenant, document, version) is is_forgotten

    async def test_only_a_request_forbids_to_come_back(self, erasures: Erasures) -> None:
        """Who deletes a file may put it back; and a release allows it again."""
        await erasures.record(erasure(1, rule=ErasureRule.deleted))
        assert not await erasures.is_forgotten("aurelia", "doc-1", "v1")
        await erasures.record(erasure(2))
        assert await erasures.is_forgotten("aurelia", "doc-1", "v1")
        assert await erasures.release("doc-1") == 2
        assert await erasures.release("doc-1") == 0
        assert not await erasures.is_forgotten("aurelia", "doc-1", "v1")
        assert await erasures.standing() == []
        assert all(one.released_at for one in await erasures.of_document("doc-1"))


class TestMemoryErasures(ErasuresContract):
    @pytest.fixture
    def erasures(self) -> Erasures:
        return MemoryErasures()


class TestDatabaseErasures(ErasuresContract):
    @pytest.fixture
    def erasures(self, database: Database) -> Erasures:
        return DatabaseErasures(database)


class SignerContract:
    """Subclass with a fixture `signer`."""

    def test_only_what_was_signed_verifies(self, signer: Signer) -> None:
        """One character more, another signature or no signature at all do not."""
        signature = signer.sign(b"content")
        assert signer.verifies(b"content", signature)
        assert not signer.verifies(b"content.", signature)
        assert not signer.verifies(b"content", signer.sign(b"another"))
        for rubbish in ("", "x", "ü", signature[:-4], "A" * 88):
            assert not signer.verifies(b"content", rubbish)


class TestDigestSigner(SignerContract):
    @pytest.fixture
    def signer(self) -> Signer:
        return DigestSigner()


class TestEd25519Signer(SignerContract):
    @pytest.fixture
    def signer(self, tmp_path: Path) -> Signer:
        return Ed25519Signer(tmp_path / "keys" / "receipts.pem")

    def test_the_key_stays_and_is_nobody_elses_to_read(self, tmp_path: Path) -> None:
        """A restart verifies what was signed before; another instance does not."""
        path = tmp_path / "receipts.pem"
        signature = Ed25519Signer(path).sign(b"content")
        assert Ed25519Signer(path).verifies(b"content", signature)
        assert not Ed25519Signer(tmp_path / "other.pem").verifies(b"content", signature)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.with_suffix(".pub").read_bytes().startswith(b"-----BEGIN PUBLIC KEY-----")
        assert {entry.name for entry in tmp_path.iterdir()} == {
            "receipts.pem",
            "receipts.pub",
            "other.pem",
            "other.pub",
        }

    @pytest.mark.parametrize("content", [b"", b"rubbish", b"-----BEGIN PRIVATE KEY-----"])
    def test_a_broken_key_is_told(self, tmp_path: Path, content: bytes) -> None:
        """And not made anew: that would unsay all receipts so far."""
        path = tmp_path / "receipts.pem"
        path.write_bytes(content)
        with pytest.raises(Permanent) as caught:
            Ed25519Signer(path).sign(b"x")
        assert caught.value.code == "signing_key"
        assert path.read_bytes() == content
