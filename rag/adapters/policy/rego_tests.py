"""Runs every `test_*` rule of the `*_test.rego` files. Called by the test suite; the engine has no runner of its own.

A test passes only if it is defined and exactly `true`: undefined, false and errors fail.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from rag.adapters.policy.rego_engine import Interpreter, RegoError
from rag.adapters.policy.rego_source import read_policies

_TEST = re.compile(r"^(test_\w+)\b", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class TestResult:
    """What became of one test rule. `why` is empty when it passed."""

    __test__ = False  # not a test class of pytest

    file: str
    line: int
    package: str
    name: str
    passed: bool
    why: str = ""


def run_tests(folder: Path) -> list[TestResult]:
    """All results, sorted by file and line. Raises `Permanent` if a file does not load."""
    policies = read_policies(folder, tests=True)
    engine = policies.interpreter()
    results = []
    for module in policies.modules:
        if not module.name.endswith("_test.rego"):
            continue
        for found in _TEST.finditer(module.source):
            line = module.source.count("\n", 0, found.start()) + 1
            why = _failure(engine, f"data.{module.package}.{found.group(1)}")
            results.append(
                TestResult(
                    file=module.name, line=line, package=module.package, name=found.group(1), passed=not why, why=why
                )
            )
    return results


def _failure(engine: Interpreter, query: str) -> str:
    try:
        output = engine.query(query)
    except (RegoError, ValueError) as error:
        return f"{type(error).__name__}"
    if not output.ok():
        return "error"
    values = output.results[0].expressions if output.results else []
    return "" if values == [True] else "undefined, false or not a boolean"
