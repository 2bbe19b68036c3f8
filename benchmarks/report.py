"""Rows → a table on the terminal and in `benchmarks/results/NAME.md`, with the machine it was measured on."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def write_table(name: str, rows: Sequence[dict[str, object]], *, note: str) -> None:
    """Columns in the order of their first appearance; missing cells stay empty."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    lines += ["| " + " | ".join(str(row.get(column, "")) for column in columns) + " |" for row in rows]
    table = "\n".join(lines)
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.md").write_text(
        f"# {name}\n\n{note.strip()}\n\nMeasured on: {machine}\n\n{table}\n", encoding="utf-8"
    )
    print(table)
