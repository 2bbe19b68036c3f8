"""Ed25519 (RFC 8032) with a key of this instance, made at first use. Port `Signer`."""

from __future__ import annotations

import base64
import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from rag.errors import Permanent


class Ed25519Signer:
    """The private key lies in `path`, readable by its owner alone; the public one beside it, for whoever checks."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._key: Ed25519PrivateKey | None = None

    def sign(self, content: bytes) -> str:
        """Base64. Raises `Permanent("signing_key")` for a key that cannot be read."""
        return base64.b64encode(self._opened().sign(content)).decode()

    def verifies(self, content: bytes, signature: str) -> bool:
        """Whether this instance's key has signed this very content."""
        try:
            public: Ed25519PublicKey = self._opened().public_key()
            public.verify(base64.b64decode(signature, validate=True), content)
        except (InvalidSignature, ValueError):
            return False
        return True

    def _opened(self) -> Ed25519PrivateKey:
        if self._key is None:
            if not self._path.exists():
                self._make()
            try:
                key = load_pem_private_key(self._path.read_bytes(), password=None)
            except (OSError, ValueError, TypeError) as error:
                raise _unreadable(self._path) from error
            if not isinstance(key, Ed25519PrivateKey):
                raise _unreadable(self._path)
            self._key = key
        return self._key

    def _make(self) -> None:
        """Whole or not at all, and never over a key that another process has just made."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        key = Ed25519PrivateKey.generate()
        fresh = self._path.with_suffix(f".{os.getpid()}")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        try:
            os.link(fresh, self._path)
        except FileExistsError:
            return
        finally:
            fresh.unlink()
        public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        self._path.with_suffix(".pub").write_bytes(public)


def _unreadable(path: Path) -> Permanent:
    return Permanent(
        "signing_key", f"The key that signs receipts cannot be read: {path.name}.",
        hint="Restore it from a backup; a new one could not verify the receipts of before.",
    )  # fmt: skip
