"""Drivers' errors → ours, by what a person can do about them. Used around every use of the database.

Integrity errors travel on, because only the caller knows what a duplicate means. The driver's error stays as the cause;
its message is never repeated, because it may quote a value.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from rag.errors import BelegError, Permanent, Temporary

_WAIT: dict[str, tuple[frozenset[str], str, str, float]] = {
    "database.full": (
        frozenset({"SQLITE_FULL", "53100"}),
        "The database's disk is full; nothing was lost, but nothing more can be stored.",
        "Free some space, then try again.",
        30.0,
    ),
    "database.locked": (
        frozenset({"SQLITE_BUSY", "SQLITE_LOCKED", "55P03", "57014", "40001", "40P01"}),
        "Another process keeps the database busy.",
        "Try again in a few seconds.",
        2.0,
    ),
    "database.read_only": (
        frozenset({"SQLITE_READONLY", "SQLITE_PERM", "25006"}),
        "The database cannot be written to.",
        "Check who owns the database file and its folder.",
        30.0,
    ),
}
"""Code → states of SQLite (first two words) and PostgreSQL, message, hint, seconds to wait."""

_MEND: dict[str, tuple[frozenset[str], str, str]] = {
    "database.damaged": (
        frozenset({"SQLITE_CORRUPT", "SQLITE_NOTADB", "XX001", "XX002"}),
        "The database file is damaged.",
        "Restore it from a backup.",
    ),
    "database.not_migrated": (
        frozenset({"42P01", "42703"}),
        "The database has not been prepared for this version.",
        "Run `beleg up` once.",
    ),
}

_AWAY = ("08", "53", "57", "58", "SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_NOMEM", "SQLITE_PROTOCOL")
"""How the states of an unreachable or overwhelmed database begin. No state at all means no connection."""


@contextmanager
def translated() -> Iterator[None]:
    """Raises `Temporary` or `Permanent` for what a driver, the pool or the system raised. Ours pass."""
    try:
        yield
    except IntegrityError:
        raise
    except DBAPIError as error:
        raise _translation(error.orig, is_lost=error.connection_invalidated) from error
    except sqlite3.Error as error:  # from the one step that goes round SQLAlchemy: switching to WAL
        raise _translation(error, is_lost=False) from error
    except (PoolTimeout, OSError) as error:
        raise _unavailable() from error
    except SQLAlchemyError as error:
        raise Permanent("database.defect", f"A database statement is at fault ({type(error).__name__}).") from error


def _translation(cause: Any, *, is_lost: bool) -> BelegError:
    """`cause`: the driver's own error. `is_lost`: the connection is gone."""
    state = _state(cause)
    for code, (states, message, hint, after_s) in _WAIT.items():
        if state in states:
            return Temporary(code, message, hint=hint, after_s=after_s)
    for code, (states, message, hint) in _MEND.items():
        if state in states:
            return Permanent(code, message, hint=hint)
    if is_lost or not state or state.startswith(_AWAY):
        return _unavailable()
    return Permanent("database.defect", f"The database refused a statement ({state}).")


def locked() -> Temporary:
    """For what SQLite says in a row and not by an error."""
    _, message, hint, after_s = _WAIT["database.locked"]
    return Temporary("database.locked", message, hint=hint, after_s=after_s)


def _state(cause: Any) -> str:
    """PostgreSQL's SQLSTATE or SQLite's name of the error, without its subtype; "" if there is none."""
    name = str(getattr(cause, "sqlstate", None) or getattr(cause, "sqlite_errorname", None) or "")
    if name == "SQLITE_ERROR" and ("no such table" in str(cause) or "no such column" in str(cause)):
        return "42P01"  # SQLite has no code of its own for it
    return "_".join(name.split("_")[:2])  # SQLITE_BUSY_SNAPSHOT → SQLITE_BUSY


def _unavailable() -> Temporary:
    return Temporary(
        "database.unavailable",
        "The database cannot be reached.",
        hint="Check that it runs and that its address is right.",
        after_s=2.0,
    )
