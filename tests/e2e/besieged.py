"""One whole instance for all tests that maltreat it: sample zones, a drop zone, a scripted model, breakable policies."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from rag.adapters.landing.zone_file import read_zone_file
from rag.compose import open_state
from rag.settings import read_settings
from rag.types import Classification, Principal
from serving.compose import open_keys
from tests.e2e.instance import RunningInstance, wait_until
from tests.e2e.scripted_model import LEAK, ScriptedModel, scripted_model

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ("handbuch", "personal", "klinik")
WHARF = "werft"
"""The tenant of the drop zone: nothing but what a test drops there is its."""

ENDPOINTS = """\
endpoints:
- name: scripted
  class: local
  model: scripted-1
  base_url: {url}
  usd_per_million: {{prompt: 100, completion: 1000}}
  timeouts: {{connect_s: 2, first_token_s: 1.5, between_tokens_s: 1.5, total_s: 4}}
"""
USE_CASE = "title: {name}\nclass: general\nprotection: highly_confidential\nquality_tier: {tier}\nbudget_usd: 1000\n"


@dataclass
class Besieged:
    """The instance and what stands around it."""

    instance: RunningInstance
    model: ScriptedModel
    policies: Path
    zone: Path
    keys: dict[str, str]
    planted: set[str] = field(default_factory=lambda: {"zwingenberg", "DE02120300000000202051"})
    """Strings that must be kept nowhere; tests add what they send."""

    @property
    def url(self) -> str:
        return self.instance.url

    def header(self, who: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.keys[who]}"}

    def post(self, path: str, who: str, **request: Any) -> httpx.Response:
        return httpx.post(
            f"{self.url}{path}", headers={**self.header(who), **request.pop("headers", {})}, timeout=30, **request
        )

    def get(self, path: str, who: str) -> httpx.Response:
        return httpx.get(f"{self.url}{path}", headers=self.header(who), timeout=120)

    def ask(self, who: str, question: str, *, model: str = "assistant", **more: Any) -> httpx.Response:
        body = {"model": model, "messages": [{"role": "user", "content": question}], **more}
        return self.post("/v1/chat/completions", who, json=body)

    def told(self, who: str, question: str, *, model: str = "assistant") -> str:
        """The answer's text."""
        reply = self.ask(who, question, model=model)
        assert reply.status_code == 200, reply.text
        return str(reply.json()["choices"][0]["message"]["content"])

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """From the instance's own database, read-only."""
        connection = sqlite3.connect(f"file:{self.instance.home / 'beleg.sqlite'}?mode=ro", uri=True, timeout=120)
        try:
            return connection.execute(statement, values).fetchall()
        finally:
            connection.close()

    def states(self, zone: str) -> dict[str, tuple[str, str]]:
        """Path → state and code."""
        return {
            path: (state, code)
            for path, state, code in self.rows("select path, state, code from documents where zone = ?", zone)
        }

    def audited(self, request_id: str) -> tuple[str, dict[str, Any]]:
        """Outcome and facts of exactly one row."""
        ((outcome, facts),) = self.rows(
            "select outcome, facts from audit where id = ?", request_id.removeprefix("chatcmpl-")
        )
        return outcome, json.loads(facts)

    def money(self, use_case: str) -> tuple[int, int, int]:
        """Micro-dollars spent and reserved, and open reservations."""
        sums = self.rows("select spent, reserved from budgets where use_case = ?", use_case)
        ((waiting,),) = self.rows("select count(*) from reservations where use_case = ?", use_case)
        return sum(spent for spent, _ in sums), sum(reserved for _, reserved in sums), waiting

    def log(self, service: str) -> str:
        return (self.instance.home / "logs" / f"{service}.log").read_text(encoding="utf-8", errors="replace")

    @property
    def index(self) -> Path:
        return self.instance.home / "index"

    @property
    def index_is_mounted(self) -> bool:
        """Whether the index has a file system of its own, which a test may fill."""
        return self.index.is_mount()

    def resize_index(self, size: int) -> None:
        subprocess.run(["mount", "-o", f"remount,size={size}", str(self.index)], check=True)

    def pid(self, command: str) -> int:
        """Of `beleg work` or `beleg serve`."""
        words = [b"beleg", command.encode()]
        return next(
            p for p in self.instance.children() if Path(f"/proc/{p}/cmdline").read_bytes().split(b"\0")[-3:-1] == words
        )

    def generation(self) -> tuple[str, int]:
        """Which one is read, and how many chunks it holds."""
        name = (self.index / "CURRENT").read_text(encoding="utf-8").split()[0]
        manifest = json.loads((self.index / "generations" / name / "manifest.json").read_text(encoding="utf-8"))
        return name, sum(manifest["chunks"].values())

    def in_the_ledger(self) -> int:
        """Chunks that the ledger says are indexed."""
        ((chunks,),) = self.rows("select coalesce(sum(chunks), 0) from documents where state = 'indexed'")
        return int(chunks)

    def start(self) -> None:
        self.instance.start("up", until="Ctrl-C stops everything")

    def kept(self) -> list[tuple[str, str]]:
        """Files below the folder of state that hold a planted string, in any letter case, and which."""
        for database in self.instance.home.rglob("*.sqlite"):
            sqlite3.connect(database).execute("PRAGMA wal_checkpoint")
        needles = [word.lower().encode() for word in self.planted]
        guilty, read = [], b""
        for path in [*self.instance.home.rglob("*"), self.instance.output_file]:
            if not path.is_file():
                continue
            try:
                content = path.read_bytes().lower()
            except FileNotFoundError:
                continue  # a journal that has just been merged
            read += content if path.name.startswith("beleg.sqlite") else b""
            guilty += [(str(path), needle.decode()) for needle in needles if needle in content]
        assert b"kran.txt" in read, "what is kept is not found either: the search is blind"
        return guilty


@contextmanager
def besieged(folder: Path) -> Iterator[Besieged]:
    """Up, with every zone swept once, when entered; down when left."""
    with scripted_model() as model:
        instance = RunningInstance(home=folder / "home")
        zone = _drop_zone(folder)
        instance.environment |= _settings(folder, model)
        keys = asyncio.run(_prepared(instance, zone))
        house = Besieged(instance=instance, model=model, policies=folder / "policies", zone=zone, keys=keys)
        with _own_disk(house.index):
            try:
                house.start()
                wait_until(lambda: _swept(instance) >= {*SAMPLES, zone.name})
                yield house
            finally:
                model.closing.set()
                if instance.process and instance.process.poll() is None:
                    instance.stop(signal.SIGTERM)


@contextmanager
def _own_disk(index: Path) -> Iterator[None]:
    """A file system in memory for the index, so that a test can fill it. Only root may; others have other means."""
    index.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=8g", "beleg-test", str(index)]
    mounted = os.geteuid() == 0 and subprocess.run(mount, check=False, capture_output=True).returncode == 0
    try:
        yield
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(index)], check=True)


def _drop_zone(folder: Path) -> Path:
    zone = folder / "ablage"
    zone.mkdir()
    (zone / "zone.yaml").write_text(f"name: ablage\ntenant: {WHARF}\nclassification: internal\n", encoding="utf-8")
    (zone / "kran.txt").write_text("Der Hafenkran Nordstern hebt höchstens 63 Tonnen.\n", encoding="utf-8")
    (zone / "dock.md").write_text("# Dock\n\nDas Schwimmdock Seeadler ist 187 Meter lang.\n", encoding="utf-8")
    return zone


def _settings(folder: Path, model: ScriptedModel) -> dict[str, str]:
    """Policies and use cases as shipped, and beside them a tier that knows no other endpoint than the model."""
    shutil.copytree(ROOT / "policies", folder / "policies")
    routing = folder / "policies" / "routing" / "data.json"
    data = json.loads(routing.read_text(encoding="utf-8"))
    data["settings"]["preference"]["model_only"] = ["local"]
    routing.write_text(json.dumps(data), encoding="utf-8")
    shutil.copytree(ROOT / "usecases", folder / "usecases")
    for name, tier in (("assistant", "economy"), ("modelled", "standard"), ("model-only", "model_only")):
        shutil.copytree(ROOT / "usecases" / "assistant", folder / "usecases" / name, dirs_exist_ok=True)
        text = USE_CASE.format(name=name, tier=tier)
        (folder / "usecases" / name / "usecase.yaml").write_text(text, encoding="utf-8")
    (folder / "endpoints.yaml").write_text(ENDPOINTS.format(url=model.url), encoding="utf-8")
    return {
        "BELEG_POLICIES": str(folder / "policies"),
        "BELEG_USE_CASES": str(folder / "usecases"),
        "BELEG_ENDPOINTS": str(folder / "endpoints.yaml"),
        "BELEG_REQUESTS_PER_MINUTE": "1000000",
    }


async def _prepared(instance: RunningInstance, zone: Path) -> dict[str, str]:
    """Zones in the ledger and one key for each who asks."""
    settings = read_settings(home=instance.home)
    async with open_state(settings) as state:
        for folder in [*(ROOT / "samples" / "landing-zone" / name for name in SAMPLES), zone]:
            await state.ledger.add_zone(read_zone_file(folder))
    people = {
        "aurelia": Principal(subject="a", tenant="aurelia", clearance=Classification.internal),
        "public": Principal(subject="p", tenant="aurelia", clearance=Classification.public),
        "klinik": Principal(subject="k", tenant="aurelia-klinik", clearance=Classification.internal),
        WHARF: Principal(subject="w", tenant=WHARF, clearance=Classification.internal),
        "operator": Principal(
            subject="o", tenant=WHARF, clearance=Classification.internal, roles=frozenset({"operator"})
        ),
    }
    async with open_keys(settings) as keys:
        return {name: await keys.create(principal) for name, principal in people.items()}


def _swept(instance: RunningInstance) -> set[str]:
    status = instance.home / "run" / "ingest.json"
    return set(json.loads(status.read_text(encoding="utf-8"))["swept"]) if status.exists() else set()


__all__ = ["LEAK", "WHARF", "Besieged", "besieged"]
