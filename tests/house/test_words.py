"""Words and sizes that the house does not want."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("rag", "lifecycle", "serving", "flows", "beleg")
FORBIDDEN_FILES = {"utils.py", "util.py", "helpers.py", "manager.py", "base.py", "common.py", "misc.py"}
MAX_LINES = 400


def ours() -> list[Path]:
    return [p for room in ROOMS for p in (ROOT / room).rglob("*.py") if "versions" not in p.parts]


def test_file_names_say_what_is_in_them() -> None:
    """No drawer for everything."""
    assert not [p for p in ours() if p.name in FORBIDDEN_FILES]


def test_no_file_is_too_full() -> None:
    """A room too full is a room to divide."""
    assert not {p: n for p in ours() if (n := len(p.read_text(encoding="utf-8").splitlines())) > MAX_LINES}


def test_every_module_says_its_place() -> None:
    """A module opens with its place in the flow."""
    missing = [
        p for p in ours() if p.stat().st_size and not ast.get_docstring(ast.parse(p.read_text(encoding="utf-8")))
    ]
    assert not missing


def test_nothing_is_swallowed() -> None:
    """No bare except, and no handler that does nothing."""
    bad = [
        f"{path}:{node.lineno}"
        for path in ours()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or all(isinstance(statement, ast.Pass) for statement in node.body))
    ]
    assert not bad


def test_no_registry_host_is_named() -> None:
    """Where packages come from is the operator's business."""
    host = re.compile(r"https?://[^\s\"']*(?:pypi\.org|pythonhosted|npmjs|huggingface\.co)")
    files = [*ours(), ROOT / "Makefile", ROOT / "requirements.lock", *(ROOT / "scripts").glob("*")]
    assert not [p for p in files if host.search(p.read_text(encoding="utf-8"))]
