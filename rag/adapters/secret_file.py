"""A secret of this instance in a file of its own, made when first asked for. Called by `compose`."""

from __future__ import annotations

import os
import secrets
from functools import cached_property
from pathlib import Path

from rag.errors import Permanent

_BYTES = 32


class SecretFile:
    """Two processes that make it at once agree on one: it is linked into place, never overwritten."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> bytes:
        """Raises `Permanent("secret_unreadable")`."""
        return self._secret

    @cached_property
    def _secret(self) -> bytes:
        try:
            if not self._path.exists():
                self._make()
            secret = self._path.read_bytes()
        except OSError as error:
            raise Permanent(
                "secret_unreadable", f"The key {self._path.name} cannot be read: {error.strerror}.",
                hint="Check who owns the folder `keys` in BELEG_HOME.",
            ) from error  # fmt: skip
        if len(secret) != _BYTES:
            raise Permanent(
                "secret_unreadable", f"The key {self._path.name} is damaged.", hint="Restore it from a backup."
            )
        return secret

    def _make(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        made = self._path.with_name(f"{self._path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(_BYTES))
        try:
            os.link(made, self._path)
        except FileExistsError:
            return
        finally:
            made.unlink()
