"""What all tests share: the data folder, and no surprise from the environment."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

for name in [n for n in os.environ if n.startswith("BELEG_") and n not in {"BELEG_DATA", "BELEG_TEST_POSTGRES"}]:
    del os.environ[name]  # an operator's settings must not change what the tests try
os.environ |= {
    "HF_HUB_OFFLINE": "1",
    "DO_NOT_TRACK": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}

pytest_plugins = ("databases", "workflow_server")
"""SQLite and a real PostgreSQL for whoever takes `database` or `database_url`; a real Prefect server for `prefect_server`."""

ROOT = Path(__file__).resolve().parents[1]


class TakingTurns(LoadFileScheduling):
    """For runs in several processes: a file stays together, and whole instances, which need all cores, are of one process."""

    def _split_scope(self, nodeid: str) -> str:
        file = str(super()._split_scope(nodeid))
        return "instances" if file.startswith("tests/e2e/") else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> TakingTurns:
    return TakingTurns(config, log)


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """Public data sets, which the project does not copy."""
    folder = Path(os.environ.get("BELEG_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"public data sets are not at {folder}; set BELEG_DATA to their folder")
    return folder
