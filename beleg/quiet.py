"""What keeps libraries silent, towards the outside and on the terminal. For every process of ours and their children."""

from __future__ import annotations

import logging
import os

QUIET = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_CLI_PROMPT": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_LOGGING_LEVEL": "WARNING",  # else the client tells an evaluation for how long it waits
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "RAGAS_DO_NOT_TRACK": "true",
}
"""No library of ours calls home."""

_TELLS_TWICE = ("urllib3.connectionpool",)
"""Loggers that warn of each attempt whose failure we report ourselves."""


def keep_quiet() -> None:
    """Before the libraries are imported: they read their switches then. What the operator has set stays."""
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    for name in _TELLS_TWICE:
        logging.getLogger(name).setLevel(logging.ERROR)
