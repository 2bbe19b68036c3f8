"""What all tests share: the data folder, and no surprise from the environment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

for name in [n for n in os.environ if n.startswith("BELEG_") and n not in {"BELEG_DATA", "BELEG_TEST_POSTGRES"}]:
    del os.environ[name]  # an operator's settings must not change what the tests try
os.environ |= {
    "HF_HUB_OFFLINE": "1",
    "DO_NOT_TRACK": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}

pytest_plugins = ("databases",)  # SQLite and a real PostgreSQL, for whoever takes `database` or `database_url`

ROOT = Path(__file__).resolve().parents[1]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """For runs in several processes: a file stays together, and whole instances, which need all cores, take turns."""
    for item in items:
        part = item.path.relative_to(ROOT / "tests")
        item.add_marker(pytest.mark.xdist_group("instances" if part.parts[0] == "e2e" else str(part)))


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """Public data sets, which the project does not copy."""
    folder = Path(os.environ.get("BELEG_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"public data sets are not at {folder}; set BELEG_DATA to their folder")
    return folder
