"""Tries a policy folder in a child process before it is loaded here. Called by `RegoPolicy`.

The engine can end the whole process on a policy that it does not like (regopy 1.5.2 does so on several legal forms).
An operator's slip must cost a child, never the API.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from rag.adapters.policy.rego_engine import Bundle, Input, Interpreter, RegoError
from rag.adapters.policy.rego_source import PolicySet, read_policies
from rag.errors import Permanent

ENTRY_POINTS = ("dlp/decision", "ingest/decision", "routing/decision")

_PATIENCE_S = 20.0
"""A start of Python with the engine takes 0.1 s; a policy that needs this long to compile hangs."""
_HINT = "Mend the file; until then the last good policy decides, or nothing if there was none."


def try_in_a_child(folder: Path) -> None:
    """Raises `Permanent("policy_invalid")` with the child's words, or saying that it did not survive."""
    command = [sys.executable, "-m", __name__, str(folder.resolve())]
    root = Path(__file__).resolve().parents[3]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, timeout=_PATIENCE_S, check=False)  # noqa: S603 - ourselves
    except subprocess.TimeoutExpired:
        raise Permanent("policy_invalid", "The policy does not finish loading.", hint=_HINT) from None
    if done.returncode == 0:
        return
    words = done.stderr.decode(errors="replace").strip()
    told = done.returncode == 1 and words.startswith("The policy")
    raise Permanent("policy_invalid", words if told else "The policy ends the engine that loads it.", hint=_HINT)


def build(policies: PolicySet) -> tuple[Interpreter, Bundle]:
    """Compiled once, asked many times: a decision takes a fifth of what it takes interpreted. Raises `Permanent`."""
    packages = {module.package for module in policies.modules}
    for package in (entry_point.partition("/")[0] for entry_point in ENTRY_POINTS):
        if package not in packages:
            message = f"The policy folder has no package {package}: copy the one that comes with Beleg into it."
            raise Permanent("policy_invalid", message, hint=_HINT)
    engine = policies.interpreter()
    return engine, engine.build(None, list(ENTRY_POINTS))


def only_value(output: object) -> object:
    """The one value of an entry point, `None` if undefined. Raises `ValueError` for an error or several values."""
    if not output.ok():  # type: ignore[attr-defined]  # untyped vendor object
        raise ValueError("the engine reported an error")
    results = output.results  # type: ignore[attr-defined]
    values = [value for result in results for value in result.expressions]
    if len(values) > 1:
        raise ValueError("more than one value")
    return values[0] if values else None


def _try(folder: Path) -> str:
    """What is wrong, or nothing."""
    try:
        engine, bundle = build(read_policies(folder))
        for entry_point in ENTRY_POINTS:
            engine.set_input(Input({}))
            only_value(engine.query_bundle_entrypoint(bundle, entry_point))
    except Permanent as error:
        return error.message
    except (RegoError, ValueError) as error:
        return f"The policy cannot be evaluated: {type(error).__name__}."
    return ""


if __name__ == "__main__":
    sys.exit(_try(Path(sys.argv[1])) or 0)
