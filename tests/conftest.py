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


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """Public data sets, which the project does not copy."""
    folder = Path(os.environ.get("BELEG_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"public data sets are not at {folder}; set BELEG_DATA to their folder")
    return folder
