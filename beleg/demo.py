"""The main job on the sample documents: everything up, all ingested, three questions answered with citations."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import httpx

from beleg.access_keys import create_key, first_keys
from beleg.sound import require_sound
from beleg.terminal import finish, tell
from beleg.up import addresses, require_startable, running, stay, wait_for_sweeps
from rag.errors import Temporary
from rag.settings import ROOT, Settings

SAMPLES = ROOT / "samples" / "landing-zone"
TENANT = "aurelia"

QUESTIONS = (
    ("Unsere Zentrifuge zeigt E-33 an. Was sollen wir tun?", "answered"),
    ("Up to what value may I keep a gift from a supplier?", "answered"),
    ("What is the chamber volume of the DS-120 steam steriliser?", "not_answered"),
)
"""One in German, one in English, one that the documents do not answer; and how each has to end."""


def run(settings: Settings, *, once: bool) -> None:
    """Raises `Temporary` or `Permanent` if any step failed, so that `--once` ends non-zero.

    A part that ends before the answers is such a failure: nothing is started again until all that is left is to stay up.
    """
    started = time.monotonic()
    require_startable(settings)
    finish(require_sound(settings))
    finish(first_keys())
    zones = finish(_add_zones())
    demo_key = finish(_demo_key(settings))
    tell("Starting:")
    with running(settings) as instance:
        tell(f"Ingesting {len(zones)} zones under samples/landing-zone:")
        wait_for_sweeps(settings, zones, alive=instance.require_alive)
        tell("Asking:")
        for question, outcome in QUESTIONS:
            _ask(settings, demo_key, question, outcome)
        took_s = time.monotonic() - started
        if once:
            tell(f"\nDone after {took_s:.0f} s; everything stops. `beleg demo` stays up with a chat page.")
            return
        tell(f"\nDone after {took_s:.0f} s. Open:")
        addresses(settings)
        tell(f"  demo key    {demo_key}   (tenant {TENANT}, confidential; for the chat page and any OpenAI client)")
        stay(settings, instance)


async def _add_zones() -> set[str]:
    from rag.adapters.landing.zone_file import read_zone_file
    from rag.compose import open_state
    from rag.settings import read_settings

    zones = [read_zone_file(folder) for folder in sorted(SAMPLES.iterdir()) if folder.is_dir()]
    async with open_state(read_settings()) as state:
        for zone in zones:
            await state.ledger.add_zone(zone)
    return {zone.name for zone in zones}


async def _demo_key(settings: Settings) -> str:
    """Kept in a file of this instance, so that the same key opens the demo after a restart. Fictional documents only."""
    path: Path = settings.home.resolve() / "run" / "demo.key"
    if not path.exists():
        made = await create_key(tenant=TENANT, role="user", clearance="confidential", subject="demo")
        await asyncio.to_thread(_write_private, path, made)
    return path.read_text(encoding="utf-8")


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, encoding="utf-8")


def _ask(settings: Settings, api_key: str, question: str, outcome: str) -> None:
    """Over HTTP, as any client would. Raises `Temporary("demo_failed")` if it does not end as it has to."""
    reply = httpx.post(
        f"{settings.address}/v1/chat/completions",
        headers={"Authorization": f"Bearer {api_key}"},
        json={"model": "assistant", "messages": [{"role": "user", "content": question}]},
        timeout=60,
    )
    if reply.status_code != 200:
        raise Temporary("demo_failed", f"The API answered {reply.status_code}.", hint="See logs/api.log in BELEG_HOME.")
    body = json.loads(reply.text)
    tell(f"\n  Q: {question}")
    tell("  A: " + body["choices"][0]["message"]["content"].replace("\n", "\n     "))
    if body["beleg"]["outcome"] != outcome:
        raise Temporary(
            "demo_failed",
            "A sample question was not answered as it should be.",
            hint="`beleg zone status` shows what is missing.",
        )
    for citation in body["beleg"]["citations"]:
        tell(
            f"     [{citation['number']}] {citation['zone']}/{citation['path']}{_where(citation)}: “{citation['quote']}”"
        )


def _where(citation: dict[str, object]) -> str:
    for name in ("page", "slide", "sheet"):
        if citation.get(name):
            return f", {name} {citation[name]}"
    return ""
