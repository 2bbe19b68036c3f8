"""The arrows of the house, as data. An arrow against them once turned a step into something only a server could run."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

MAY_IMPORT: dict[str, set[str]] = {
    "rag": set(),
    "lifecycle": {"rag"},
    "serving": {"rag", "lifecycle"},
    "flows": {"rag", "lifecycle"},
    "beleg": {"rag", "lifecycle", "serving", "flows"},
}

ONLY_IN = {
    "fastapi": ("serving/",),
    "starlette": ("serving/",),
    "prefect": ("flows/",),
    "mlflow": ("lifecycle/adapters/",),
    "qdrant_edge": ("rag/adapters/index/",),
    "presidio_analyzer": ("rag/adapters/guard/",),
    "presidio_anonymizer": ("rag/adapters/guard/",),
    "spacy": ("rag/adapters/",),
    "regopy": ("rag/adapters/policy/",),
    "openai": ("rag/adapters/models/",),
    "sentence_transformers": ("rag/adapters/embedders/", "rag/adapters/entailment/"),
    "torch": ("rag/adapters/",),
    "pypdfium2": ("rag/adapters/",),
    "sqlalchemy": ("rag/adapters/database/", "lifecycle/adapters/", "serving/adapters/"),
    "alembic": ("rag/adapters/database/",),
    "typer": ("beleg/",),
}

STEPS = ("rag.ingest", "rag.answer")

SHARED_ADAPTER = "rag.adapters.database"
"""One database for all rooms: the adapters of the other rooms stand on its engine and tables."""


def imports(source: str) -> set[str]:
    """Every module named in an import, wherever it stands, except for type checking in strings."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def breaches(path: str, source: str) -> list[str]:
    room = path.split("/", maxsplit=1)[0]
    found = []
    for module in sorted(imports(source)):
        top = module.split(".")[0]
        if top in MAY_IMPORT and top != room and top not in MAY_IMPORT[room]:
            found.append(f"{path} imports {module}: {room} may not know {top}")
        if top in ONLY_IN and not path.startswith(ONLY_IN[top]):
            found.append(f"{path} imports {module}: {top} is at home in {', '.join(ONLY_IN[top])} alone")
        if path.startswith("rag/adapters/") and f"{module}.".startswith(tuple(f"{step}." for step in STEPS)):
            found.append(f"{path} imports {module}: adapters do not know the steps")
        names_adapter = ".adapters." in module and not path.startswith(f"{module.split('.adapters.')[0]}/adapters/")
        on_shared = "/adapters/" in path and module.startswith(SHARED_ADAPTER)
        if names_adapter and not on_shared and not path.startswith("beleg/") and not path.endswith("compose.py"):
            found.append(f"{path} imports {module}: only compose.py names adapters")
    return found


def ours() -> list[Path]:
    return [path for room in MAY_IMPORT for path in (ROOT / room).rglob("*.py")]


def test_every_arrow_points_the_allowed_way() -> None:
    """No file imports a room, a vendor or an adapter that its place forbids."""
    found = [b for path in ours() for b in breaches(str(path.relative_to(ROOT)), path.read_text(encoding="utf-8"))]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("rag/answer/answer.py", "import serving.app"),
        ("flows/ingest.py", "from serving import app"),
        ("serving/app.py", "def f():\n    import prefect"),
        ("rag/adapters/index/qdrant_edge.py", "from rag.answer.retrieve import retrieve"),
        ("rag/answer/answer.py", "from rag.adapters.index.qdrant_edge import QdrantEdgeReader"),
        ("lifecycle/evaluate.py", "import mlflow"),
    ],
)
def test_a_planted_breach_is_found(path: str, source: str) -> None:
    """The linter itself can fail."""
    assert breaches(path, source)
