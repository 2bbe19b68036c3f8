"""An operator finds in the log what a hint has promised: which endpoint, which zone, which code."""

from __future__ import annotations

import logging

from beleg.logs import FactsFormatter


def line(**facts: object) -> str:
    record = logging.makeLogRecord({"msg": "generate.endpoint_failed", "levelname": "WARNING", **facts})
    return FactsFormatter("%(levelname)s %(message)s").format(record)


def test_facts_stand_behind_the_event() -> None:
    assert line(endpoint="local", code="timeout") == "WARNING generate.endpoint_failed endpoint=local code=timeout"
    assert line() == "WARNING generate.endpoint_failed"


def test_a_value_stays_on_its_line_and_paints_nothing() -> None:
    """File names come from strangers."""
    shown = line(path="a\nERROR forged \x1b[31mred")
    assert "\n" not in shown
    assert "\x1b" not in shown
    assert len(line(path="x" * 10_000)) < 300
