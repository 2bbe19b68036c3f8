"""A command line that answers at once: help must not load models, servers or databases."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = (
    "torch", "transformers", "sentence_transformers", "prefect", "mlflow", "sqlalchemy", "qdrant_edge",
    "presidio_analyzer", "fastapi", "numpy", "pydantic_settings",
)  # fmt: skip


def test_help_loads_nothing_heavy() -> None:
    """Whatever a command needs it imports when it runs."""
    code = f"import sys, beleg.cli; print([name for name in {HEAVY!r} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "[]"


@pytest.mark.parametrize(
    "command",
    [
        (), ("up",), ("demo",), ("zone", "add"), ("zone", "publish"), ("zone", "remove"), ("zone", "preview"), ("chunk", "show"), ("review", "list"), ("review", "release"), ("review", "reject"), ("document", "forget"), ("document", "receipt"), ("document", "verify"), ("document", "release"), ("zone", "list"), ("zone", "status"), ("zone", "report"), ("ingest",), ("ask",), ("serve",),
        ("doctor",), ("eval", "run"), ("release", "list"), ("release", "create"), ("release", "promote"),
        ("release", "rollback"), ("audit", "verify"), ("audit", "explain"), ("key", "create"), ("key", "list"),
        ("key", "revoke"),
    ],
)  # fmt: skip
def test_every_command_teaches_itself(command: tuple[str, ...]) -> None:
    """Its help says what it does, and has an example or the exit codes."""
    shown = subprocess.run(
        [sys.executable, "-m", "beleg", *command, "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert "Usage:" in shown
    assert ("Example:" in shown) if command else ("Exit codes" in shown)
