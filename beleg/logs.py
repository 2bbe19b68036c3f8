"""Log lines for operators: the event's name, then its facts as `key=value`. Never text of documents or questions."""

from __future__ import annotations

import logging
import sys

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_LONGEST = 200


class FactsFormatter(logging.Formatter):
    """What was given as `extra`, behind the message. Values cannot break the line or paint the terminal."""

    def format(self, record: logging.LogRecord) -> str:
        facts = {name: value for name, value in vars(record).items() if name not in _OWN}
        return super().format(record) + "".join(f" {name}={_plain(value)}" for name, value in facts.items())


def _plain(value: object) -> str:
    text = "".join(letter if letter.isprintable() else "?" for letter in str(value))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def log_to_stderr() -> None:
    """For the whole process: warnings and worse."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(FactsFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
